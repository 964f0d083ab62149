"""How far we have read in each provider's log, and since when that goes badly (DESIGN 6, ADR 0017).

Each place is a sign in the database, so that any engine reads on from it. That a log could not be read is the
provider's outage; that we could not take in what it says is not. Both are the watchdog's business, and that a
reading has begun which does not end.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import OutageCause
from dispatch.service import outages
from dispatch.service.invariants import BEGUN_AT, FAILING_SINCE, RECONCILE_PULSES, STUCK_SINCE
from dispatch.service.services import Services
from models.facility import Facility
from models.incident import Call
from models.traffic import Outage, Pulse

OVERLAP = timedelta(minutes=10)
"""Read again each time: clocks differ, and a log may show an entry late."""

CALL_MAX = timedelta(hours=4)
"""No call lasts longer at the provider (TESTBED 2.5): an end is looked for as long as that."""

FIRST_LOOK = timedelta(hours=24)
"""How far back the very first run looks, at most to when the facility was registered."""

RUN_OF_FAILURES = 2
"""One request that did not get through is no outage of the provider."""

FAILS_FOR = timedelta(seconds=90)
"""Nor are those of several engines in the same minute: each of them reads once in it."""


def since(services: Services, provider: str, now: datetime) -> datetime:
    """From where the log is read: the last place, or the oldest call of which we do not know the end."""
    with services.uow.read() as session:
        pulse = session.get(Pulse, _name(provider))
        unended_at = session.scalar(
            select(func.min(Call.received_at)).where(
                Call.facility_id == services.facility_id,
                Call.ended_at.is_(None),
                Call.received_at >= now - CALL_MAX,
            )
        )
        last_at = _first(session, services, now) if pulse is None else pulse.at
        if last_at > now:
            last_at = _before_the_clock_was_ahead(session, services, now)
    return min(last_at, unended_at or last_at) - OVERLAP


def _before_the_clock_was_ahead(session: Session, services: Services, now: datetime) -> datetime:
    """When a clock that was set back now was set forward: what came since then was looked for too late."""
    query = select(func.min(Outage.from_at)).where(
        Outage.facility_id == services.facility_id, Outage.until_at > now
    )
    return min(session.scalar(query) or now, now)


def _first(session: Session, services: Services, now: datetime) -> datetime:
    registered_at = session.scalar(select(Facility.created_at).where(Facility.id == services.facility_id))
    return max(now - FIRST_LOOK, registered_at or now)


def begin(services: Services, provider: str) -> None:
    """The log is being read from now on; until it is covered, or the place in it is kept."""
    now = services.clock.now()
    with services.uow.write() as session:
        row = outages.pulse_of(session, services, _name(provider), at=_first(session, services, now))
        row.details = {**row.details, BEGUN_AT: now.isoformat()}


def cover(services: Services, provider: str, at: datetime, *, is_whole: bool) -> None:
    """The log is read up to *at*; a run of failures before it was an outage of the provider."""
    now = services.clock.now()
    with services.uow.write() as session:
        row = outages.pulse_of(session, services, _name(provider), at=at)
        failures = int(str(row.details.get("failures", 0)))
        since_at = datetime.fromisoformat(str(row.details.get(FAILING_SINCE, now.isoformat())))
        if failures >= RUN_OF_FAILURES and now - since_at >= FAILS_FOR:
            details = {"provider": provider}
            outages.note(
                session, services, OutageCause.PROVIDER, from_at=since_at, until_at=now, details=details
            )
        row.at, row.details = at, {} if is_whole else _stuck(row, now)


def stay(services: Services, provider: str) -> None:
    """The log could not be read: the place in it is kept, and since when that has been so."""
    now = services.clock.now()
    with services.uow.write() as session:
        row = outages.pulse_of(session, services, _name(provider), at=_first(session, services, now))
        row.details = {
            **_ended(row),
            "failures": int(str(row.details.get("failures", 0))) + 1,
            FAILING_SINCE: row.details.get(FAILING_SINCE, now.isoformat()),
        }


def remember_stuck(services: Services, provider: str) -> None:
    """We cannot make sense of the log: that is no outage of the provider, and the watchdog must know."""
    now = services.clock.now()
    with services.uow.write() as session:
        row = outages.pulse_of(session, services, _name(provider), at=_first(session, services, now))
        row.details = {**_ended(row), **_stuck(row, now)}


def _ended(row: Pulse) -> dict[str, object]:
    return {key: value for key, value in row.details.items() if key != BEGUN_AT}


def _stuck(row: Pulse, now: datetime) -> dict[str, object]:
    return {STUCK_SINCE: row.details.get(STUCK_SINCE, now.isoformat())}


def _name(provider: str) -> str:
    return f"{RECONCILE_PULSES}{provider}"
