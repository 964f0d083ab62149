"""The watchdog: asks every minute whether what must hold does hold, and says loudly what does not.

Loudly means: the log, a metric, the board, and one text to each supervisor when something is found and again
while it lasts. While nothing is found that is wrong with the program, and only then, a sign goes out to
whoever watches from outside: its silence is the alarm that works when everything here is dead. What was found
and told is remembered in the database, so that another process goes on where this one ended. Repairs nothing.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import cast

import structlog
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import Heartbeat, HeartbeatError
from dispatch.service import outbox, pulses
from dispatch.service.checks import HOUR, MOST, OF_THE_JOURNAL, Check, Finding
from dispatch.service.invariants import CHECKS
from dispatch.service.services import Services
from models.traffic import Pulse

log = structlog.get_logger(__name__)

PULSE = "watchdog"
EVERY_S = 60.0
TURN = timedelta(seconds=EVERY_S * 0.75)
"""Shorter than a round's pause, so that the process that had the last turn gets the next one too."""

CHECK_FAILED = "check_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the last round found, as the database remembers it; ``checked_at`` is None before the first."""

    checked_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    told: Mapping[str, datetime] = field(default_factory=dict)

    def counts(self) -> Mapping[str, int]:
        """How many findings each check has, those with none too."""
        names = [*(check.name for check in CHECKS), *OF_THE_JOURNAL, CHECK_FAILED]
        return {name: sum(finding.check == name for finding in self.findings) for name in names}


def last_report(session: Session) -> Report:
    """The report of the last round, whichever process made it."""
    row = session.get(Pulse, PULSE)
    return Report() if row is None else _from_details(row.details)


class Watchdog:
    """Makes rounds; may run in every process, and one of them has the turn."""

    def __init__(
        self, services: Services, heartbeat: Heartbeat | None = None, checks: Sequence[Check] = CHECKS
    ) -> None:
        """Prepare; *heartbeat* is whoever is told from time to time that all is well."""
        self._services = services
        self._heartbeat = heartbeat
        self._checks = checks
        self._beating: threading.Thread | None = None

    def round(self) -> Report | None:
        """Ask everything once and tell; None when another process has the turn."""
        services = self._services
        now = services.clock.now()
        if not pulses.take_turn(services, PULSE, now=now, every=TURN):
            return None
        findings = tuple(finding for check in self._checks for finding in self._ask(check, now))
        with services.uow.write() as session:
            row = pulses.locked(session, PULSE, since_at=now)
            before = _from_details(row.details)
            fresh = self._to_be_told(findings, before, now)
            told = {key: at for key, at in before.told.items() if now - at < self._again_after(key)}
            told |= {_key(finding): now for finding in fresh}
            report = Report(checked_at=now, findings=findings, told=told)
            row.details = _to_details(report)
            if fresh:
                _text_supervisors(session, services, fresh, now)
        _write_log(findings, fresh, before)
        if not any(self._is_of_the_program(finding) for finding in findings):
            self._beat()
        return report

    def _is_of_the_program(self, finding: Finding) -> bool:
        return all(check.is_of_the_program for check in self._checks if check.name == finding.check)

    def _ask(self, check: Check, now: datetime) -> list[Finding]:
        # A view of its own for each: what breaks one question must not keep the others from being asked.
        try:
            with self._services.uow.read() as session:
                return list(islice(check.find(session, self._services, now), MOST))
        except Exception as error:
            log.exception("watchdog.check_failed", check=check.name)
            detail = f"the check {check.name} could not be carried out: {type(error).__name__}"
            return [Finding(check=CHECK_FAILED, subject=check.name, detail=detail, since_at=now)]

    def _to_be_told(self, findings: Iterable[Finding], before: Report, now: datetime) -> list[Finding]:
        """Those that are new, or were told long enough ago."""
        return [
            finding
            for finding in findings
            if (at := before.told.get(_key(finding))) is None
            or not timedelta() <= now - at < self._again_after(_key(finding))
        ]

    def _again_after(self, key: str) -> timedelta:
        name = key.partition(" ")[0]
        return next((check.again_after for check in self._checks if check.name == name), HOUR)

    def _beat(self) -> None:
        """Send the sign in a thread of its own: a network that hangs must not hold back the next round."""
        if self._heartbeat is None:
            return
        if self._beating is not None and self._beating.is_alive():
            log.warning("heartbeat.still_under_way")
            return
        self._beating = threading.Thread(
            target=_send_beat, args=(self._heartbeat,), name="heartbeat", daemon=True
        )
        self._beating.start()


def _send_beat(heartbeat: Heartbeat) -> None:
    try:
        heartbeat.beat()
    except HeartbeatError as error:
        log.warning("heartbeat.not_sent", reason=str(error))


def _write_log(findings: Sequence[Finding], fresh: Sequence[Finding], before: Report) -> None:
    for finding in fresh:
        log.critical(
            "watchdog.found",
            check=finding.check,
            subject=finding.subject,
            detail=finding.detail,
            since=finding.since_at.isoformat(),
        )
    if len(findings) > len(fresh):
        log.error("watchdog.still_found", findings=len(findings))
    present = {_key(finding) for finding in findings}
    for finding in before.findings:
        if _key(finding) not in present:
            log.info("watchdog.over", check=finding.check, subject=finding.subject)


def _text_supervisors(session: Session, services: Services, fresh: Sequence[Finding], now: datetime) -> None:
    """One text to each supervisor about the most pressing finding; it says how many others there are."""
    first = fresh[0]
    outbox.insert_new(
        session,
        [
            {
                "id": services.ids.new_id(),
                "facility_id": services.facility_id,
                "incident_id": None,
                "staff_id": staff.id,
                "purpose": str(Purpose.WATCHDOG),
                "channel": str(AlertChannel.SMS),
                "to_number": staff.phone,
                "details": {
                    "check": first.check,
                    "short_number": first.short_number,
                    "since": f"{first.since_at.astimezone(services.zone):%d/%m %H.%M}",
                    "others": len(fresh) - 1,
                },
                "urgency": 2,
                "idempotency_key": f"{PULSE}:{staff.id}:{now.isoformat()}",
                "state": str(DeliveryState.PENDING),
                "created_at": now,
                "next_attempt_at": now,
                "valid_until": now + timedelta(seconds=outbox.TEXT_VALID_S),
            }
            for staff in outbox.supervisors(session, services)
        ],
    )


# --- what the database remembers ------------------------------------------------------------------


def _key(finding: Finding) -> str:
    return f"{finding.check} {finding.subject}"


def _to_details(report: Report) -> dict[str, object]:
    return {
        "checked_at": None if report.checked_at is None else report.checked_at.isoformat(),
        "findings": [
            {**asdict(finding), "since_at": finding.since_at.isoformat()} for finding in report.findings
        ],
        "told": {key: at.isoformat() for key, at in report.told.items()},
    }


def _from_details(details: Mapping[str, object]) -> Report:
    checked_at = cast("str | None", details.get("checked_at"))
    found = cast("list[dict[str, object]]", details.get("findings", []))
    told = cast("dict[str, str]", details.get("told", {}))
    return Report(
        checked_at=None if checked_at is None else datetime.fromisoformat(checked_at),
        findings=tuple(
            Finding(**{**entry, "since_at": datetime.fromisoformat(str(entry["since_at"]))})  # type: ignore[arg-type] # as written by _to_details
            for entry in found
        ),
        told={key: datetime.fromisoformat(at) for key, at in told.items()},
    )
