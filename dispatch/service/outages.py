"""When the service, or a part of it, was away: noticed afterwards, and kept as a fact (ADR 0017).

Decides what counts as an outage and what is known of its cause. Two rows of one cause never overlap: what is
noticed twice, by several processes or from two sides, is one stretch. Repairs nothing itself; that the clock
was set back it tells ``waiting``.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import OutageCause
from dispatch.service import waiting
from dispatch.service.services import Services
from dispatch.service.steady import since_boot_s
from models.traffic import Outage, Pulse

log = structlog.get_logger(__name__)

SILENT_AFTER = timedelta(seconds=15)
"""Three missed signs of life of an engine, which leaves one every five seconds."""

ENGINE = "engine"
_STOPPED = "stopped"
_RESTORED = "restored"


class Heart:
    """The engine's heartbeat: a sign of life in the tables, and what the gaps between two of them say.

    That a process was killed and that the power failed cannot be told apart afterwards: both are ``silent``.
    """

    def __init__(self, services: Services, *, steady: Callable[[], float] | None = None) -> None:
        """*steady* counts seconds whatever the clock is set to."""
        self._services = services
        self._steady = steady or since_boot_s
        self._last: tuple[datetime, float] | None = None
        self._was_set_back = False
        self._database_failed = False

    def beat(self) -> None:
        """Leave a sign of life; whatever was missing before it becomes an outage in the same commit."""
        now, steady_s = self._services.clock.now(), self._steady()
        try:
            # Before the sign is left: a life that ends in between leaves it to the next one to notice.
            set_back = self._is_set_back(now, steady_s)
            if set_back or self._was_set_back:
                # And once more with the next beat: what was under way was still dated by the old hour.
                waiting.count_anew(self._services)
            with self._services.uow.write() as session:
                row = pulse_of(session, self._services, ENGINE, at=now)
                self._judge(session, row, now, steady_s)
                row.at, row.details = now, {}
        except SQLAlchemyError:
            self._database_failed = True
            raise
        self._last = (now, steady_s)
        self._was_set_back = set_back
        self._database_failed = False

    def rest(self) -> None:
        """Leave the mark of an orderly stop, so that the silence that follows is explained."""
        now = self._services.clock.now()
        with self._services.uow.write() as session:
            row = session.get(Pulse, ENGINE, with_for_update=True)
            if row is not None:
                row.at, row.details = now, {_STOPPED: True}

    def _is_set_back(self, now: datetime, steady_s: float) -> bool:
        if self._last is not None:
            return -self._jump(now, steady_s) > SILENT_AFTER
        with self._services.uow.read() as session:
            row = session.get(Pulse, ENGINE)
            return row is not None and row.at - now > SILENT_AFTER

    def _judge(self, session: Session, row: Pulse, now: datetime, steady_s: float) -> None:
        jump = timedelta() if self._last is None else self._jump(now, steady_s)
        if abs(jump) > SILENT_AFTER:
            note(
                session,
                self._services,
                OutageCause.CLOCK,
                from_at=min(now, now - jump),
                until_at=now,
                details={"jump_s": round(jump.total_seconds())},
            )
        elif row.at - now > SILENT_AFTER:
            details = {"last_sign_at": row.at.isoformat()}
            note(session, self._services, OutageCause.CLOCK, from_at=now, until_at=now, details=details)
        elif now - row.at > SILENT_AFTER:
            self._note_gap(session, row, now)

    def _note_gap(self, session: Session, row: Pulse, now: datetime) -> None:
        """The silence since the last sign; in a database that was put back most of it is a record lost."""
        held_until = min(now, datetime.fromisoformat(str(row.details.get(_RESTORED, now.isoformat()))))
        gaps = ((self._cause(row), row.at, held_until), (OutageCause.RESTORED, held_until, now))
        for cause, from_at, until_at in gaps:
            if until_at - from_at > SILENT_AFTER:
                note(session, self._services, cause, from_at=from_at, until_at=until_at)

    def _jump(self, now: datetime, steady_s: float) -> timedelta:
        assert self._last is not None
        last_at, last_steady_s = self._last
        return (now - last_at) - timedelta(seconds=steady_s - last_steady_s)

    def _cause(self, row: Pulse) -> OutageCause:
        if self._database_failed:
            return OutageCause.DATABASE
        return OutageCause.STOPPED if row.details.get(_STOPPED) else OutageCause.SILENT


def mark_restored(session: Session, *, made_at: datetime | None) -> None:
    """Say in a database that was put back that its silence since the backup is a record that was lost.

    Without *made_at* the backup's own last sign of life says when it was made. The next heartbeat judges it.
    """
    row = session.get(Pulse, ENGINE)
    if row is not None:
        held_until = max(row.at, made_at or row.at)
        row.details = {_RESTORED: held_until.isoformat(), **row.details}


def pulse_of(session: Session, services: Services, name: str, *, at: datetime) -> Pulse:
    """The row called *name*, for us alone until the commit; made with *at* where there is none yet."""
    row = session.get(Pulse, name, with_for_update=True)
    if row is None:
        # Another engine may be making it in this instant.
        insert = sqlite.insert if services.uow.is_sqlite else postgresql.insert
        made = insert(Pulse).values(name=name, at=at, details={}).on_conflict_do_nothing()
        session.execute(made)
        row = session.get_one(Pulse, name, with_for_update=True)
    return row


def note(
    session: Session,
    services: Services,
    cause: OutageCause,
    *,
    from_at: datetime,
    until_at: datetime,
    details: Mapping[str, object] | None = None,
) -> None:
    """Keep one stretch; where it meets one of the same cause, that one grows."""
    details = dict(details or {})
    found = session.scalars(
        select(Outage)
        .where(
            Outage.facility_id == services.facility_id,
            Outage.cause == cause,
            Outage.from_at <= until_at,
            Outage.until_at >= from_at,
        )
        .order_by(Outage.from_at.desc())
    )
    known = next((row for row in found if row.details == details), None)
    log.warning(
        "outage.noticed", cause=str(cause), from_at=from_at.isoformat(), until_at=until_at.isoformat()
    )
    if known is not None and cause is not OutageCause.CLOCK:
        known.from_at, known.until_at = min(known.from_at, from_at), max(known.until_at, until_at)
        return
    session.add(
        Outage(
            id=services.ids.new_id(),
            facility_id=services.facility_id,
            cause=str(cause),
            from_at=from_at,
            until_at=until_at,
            noticed_at=services.clock.now(),
            details=details,
        )
    )


def database_was_away(services: Services, *, since: datetime) -> None:
    """Webhooks had to be kept in the journal from *since* on, and the database answers again."""
    with services.uow.write() as session:
        note(session, services, OutageCause.DATABASE, from_at=since, until_at=services.clock.now())
