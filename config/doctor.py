"""Examines an installation: would a call that comes in now be answered, and would somebody be rung?

Decides what is all right, doubtful or wrong. Changes nothing, and asks no provider over the network.
"""

import ipaddress
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.cli_start import sqlite_file
from config.facility import FacilityConfig
from config.settings import Settings
from dispatch.domain import roster
from dispatch.domain.places import Place, suspects
from dispatch.domain.policy import Policy
from dispatch.domain.vocabulary import PlaceKind
from dispatch.service.invariants import BACKUP, BACKUP_LASTS
from dispatch.service.watchdog import last_report
from models import migrating
from models.facility import Place as PlaceRow
from models.facility import Shift, Staff
from models.record import Event
from models.session import COMMAND, open_database
from models.traffic import Pulse
from models.unit_of_work import UnitOfWork
from telephony.journal import Journal

LOOK_AHEAD = timedelta(hours=24)
CLOCK_SLACK = timedelta(minutes=1)
PULSE_AGE_MAX = timedelta(seconds=60)
WATCHDOG_AGE_MAX = timedelta(minutes=5)
DISK_WRONG_MB = 200
DISK_DOUBTFUL_MB = 2000

_BUILT_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock of a machine that runs this program can be right and stand before this."""


class State(StrEnum):
    """How a check ended; the words are shown as they are."""

    OK = "ok"
    DOUBTFUL = "peringatan"
    WRONG = "gagal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the examination."""

    state: State
    subject: str
    text: str


def examine(
    *, settings: Settings, facility: FacilityConfig, policy: Policy, now: datetime
) -> Iterator[Check]:
    """Every check in the order in which a person would repair things."""
    yield _check("settings", f"{facility.name} ({facility.code}), {len(policy.alerting.tiers)} tiers")
    yield from _telephony(settings)
    yield _disk(settings.data_dir)
    yield _journal(settings.data_dir)
    try:
        yield from _database(settings, facility, policy, now)
    except SQLAlchemyError as error:
        yield _check("database", f"does not answer: {_first_line(error)}", State.WRONG)


def _check(subject: str, text: str, state: State = State.OK) -> Check:
    return Check(state=state, subject=subject, text=text)


def _telephony(settings: Settings) -> Iterator[Check]:
    providers = ", ".join(settings.telephony)
    if "twilio" not in settings.telephony:
        yield _check("telephony", f"{providers}: no real call arrives", State.DOUBTFUL)
        return
    yield _check("telephony", f"{providers}; number {settings.account.number}, token present")
    url = urlsplit(settings.public_url)
    if _is_this_machine(url.hostname or ""):
        yield _check("public url", f"{settings.public_url} cannot be reached by the provider", State.WRONG)
    elif url.scheme != "https":
        yield _check("public url", f"{settings.public_url} is not https: calls can be read", State.WRONG)
    else:
        yield _check("public url", settings.public_url)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _disk(folder: Path) -> Check:
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    text = f"{free_mb} MB free for {folder}"
    if free_mb < DISK_WRONG_MB:
        return _check("disk", text, State.WRONG)
    return _check("disk", text, State.DOUBTFUL if free_mb < DISK_DOUBTFUL_MB else State.OK)


def _journal(folder: Path) -> Check:
    """Requests that wait for the database, and those that wait for a person."""
    try:
        waiting = Journal(folder / "journal").look()
    except OSError as error:
        return _check("journal", f"cannot be read: {error.strerror}", State.WRONG)
    aside = f"; {waiting.laid_aside} laid aside for a person to read" if waiting.laid_aside else ""
    if waiting.requests:
        since = (
            f"the oldest since {waiting.oldest_at:%Y-%m-%d %H:%M:%S} UTC" if waiting.oldest_at else "unread"
        )
        return _check("journal", f"{waiting.requests} requests wait, {since}{aside}", State.WRONG)
    return _check("journal", f"nothing waits{aside}", State.DOUBTFUL if aside else State.OK)


def _database(settings: Settings, facility: FacilityConfig, policy: Policy, now: datetime) -> Iterator[Check]:
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        yield _check("database", f"there is no file {str(file)!r} yet: siaga migrate", State.WRONG)
        return
    current = migrating.current(settings.database_url)
    if current != migrating.HEAD:
        yield _check(
            "database",
            f"schema is {current or 'empty'}, needed {migrating.HEAD}: siaga migrate",
            State.WRONG,
        )
        return
    engine = open_database(settings.database_url, pool_size=1, patience=COMMAND)
    try:
        with UnitOfWork(engine).read() as session:
            yield _answers(session, current)
            yield _clock(session, facility, now)
            yield from _roster(session, facility, policy, now)
            yield _places(session, facility)
            yield _engine(session, now)
            yield _watchdog(session, now)
            yield _backup(session, settings, now)
    finally:
        engine.dispose()


def _answers(session: Session, schema: str) -> Check:
    if session.get_bind().dialect.name == "postgresql" and session.scalar(sql("SELECT pg_is_in_recovery()")):
        why = "is a standby and takes nothing: name its primary too, with target_session_attrs=read-write"
        return _check("database", why, State.WRONG)
    return _check("database", f"answers, schema {schema}")


def _clock(session: Session, facility: FacilityConfig, now: datetime) -> Check:
    latest_at = session.scalar(select(func.max(Event.recorded_at)).where(Event.facility_id == facility.code))
    local = f"{now.astimezone(facility.zone):%Y-%m-%d %H:%M:%S} {facility.timezone}"
    if now < _BUILT_AT:
        return _check("clock", f"{local} is in the past", State.WRONG)
    if latest_at is not None and latest_at > now + CLOCK_SLACK:
        return _check("clock", f"{local} is before the last line of the record, {latest_at}", State.WRONG)
    return _check("clock", local)


def _places(session: Session, facility: FacilityConfig) -> Check:
    """Points that lie far from their district: real lists lose signs and digits (DOMAIN 1.8)."""
    rows = session.scalars(select(PlaceRow).where(PlaceRow.facility_id == facility.code)).all()
    known = [
        Place(
            name=row.name,
            kind=PlaceKind(row.kind),
            parent=row.parent,
            lat=row.lat,
            lon=row.lon,
            aliases=tuple(str(alias) for alias in row.aliases),
        )
        for row in rows
    ]
    doubted = suspects(known, facility.area)
    if not doubted:
        return _check("places", f"{len(known)} known")
    names = "; ".join(f"{each.place.name}: {each.detail}" for each in doubted)
    return _check("places", f"{len(known)} known, look at {names}", State.DOUBTFUL)


def _roster(session: Session, facility: FacilityConfig, policy: Policy, now: datetime) -> Iterator[Check]:
    """Gaps of the next day in each tier; a stretch without anybody at all is wrong."""
    until_at = now + LOOK_AHEAD
    shifts = _shifts(session, facility, now, until_at)
    for tier in policy.alerting.tiers:
        missing = roster.gaps(shifts, tier.name, now, until_at)
        if missing:
            yield _check("roster", f"{tier.name}: nobody {_stretches(missing, facility)}", State.DOUBTFUL)
        else:
            yield _check("roster", f"{tier.name}: covered for 24 hours")
    known = {tier.name for tier in policy.alerting.tiers}
    anybody = [
        roster.Shift(staff_code=s.staff_code, tier="", starts_at=s.starts_at, ends_at=s.ends_at)
        for s in shifts
        if s.tier in known
    ]
    empty = roster.gaps(anybody, "", now, until_at)
    if empty:
        yield _check("roster", f"nobody at all {_stretches(empty, facility)}", State.WRONG)


def _shifts(
    session: Session, facility: FacilityConfig, from_at: datetime, until_at: datetime
) -> list[roster.Shift]:
    rows = session.execute(
        select(Staff.code, Shift.tier, Shift.starts_at, Shift.ends_at)
        .join(Staff, Staff.id == Shift.staff_id)
        .where(
            Shift.facility_id == facility.code,
            Shift.ends_at > from_at,
            Shift.starts_at < until_at,
            Staff.is_active,
        )
    )
    return [
        roster.Shift(staff_code=code, tier=tier, starts_at=starts_at, ends_at=ends_at)
        for code, tier, starts_at, ends_at in rows
    ]


def _stretches(gaps: Sequence[tuple[datetime, datetime]], facility: FacilityConfig) -> str:
    zone = facility.zone
    return ", ".join(f"{a.astimezone(zone):%d.%m. %H:%M}–{b.astimezone(zone):%d.%m. %H:%M}" for a, b in gaps)


def _engine(session: Session, now: datetime) -> Check:
    pulse = session.get(Pulse, "engine")
    if pulse is None:
        return _check("engine", "has never run here; it starts with: siaga serve", State.DOUBTFUL)
    age_s = round((now - pulse.at).total_seconds())
    if now - pulse.at > PULSE_AGE_MAX:
        return _check("engine", f"silent for {age_s} s: nobody is being alerted", State.WRONG)
    return _check("engine", f"last sign of life {max(age_s, 0)} s ago")


def _watchdog(session: Session, now: datetime) -> Check:
    report = last_report(session)
    if report.checked_at is None:
        return _check("watchdog", "has never looked; it does while siaga serve runs", State.DOUBTFUL)
    if report.findings:
        first = report.findings[0]
        text = f"{len(report.findings)} findings; {first.detail} (since {first.since_at:%Y-%m-%d %H:%M} UTC)"
        return _check("watchdog", text, State.WRONG)
    age_s = max(0, round((now - report.checked_at).total_seconds()))
    if now - report.checked_at > WATCHDOG_AGE_MAX:
        return _check("watchdog", f"has not looked for {age_s} s", State.DOUBTFUL)
    return _check("watchdog", f"found nothing {age_s} s ago")


def _backup(session: Session, settings: Settings, now: datetime) -> Check:
    pulse = session.get(Pulse, BACKUP)
    last = None if pulse is None else pulse.details.get("file")
    if settings.backup_dir is None:
        return _check("backup", "none is made by itself: set SIAGA_BACKUP_DIR", State.DOUBTFUL)
    if pulse is None or last is None:
        return _check("backup", "none was made yet; siaga serve makes the first one at once", State.DOUBTFUL)
    text = f"last one {last}, {pulse.at:%Y-%m-%d %H:%M} UTC"
    if failed := pulse.details.get("failed"):
        return _check("backup", f"{text}; then it failed: {failed}", State.WRONG)
    return _check("backup", text, State.WRONG if now - pulse.at > BACKUP_LASTS else State.OK)


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]
