"""What the database remembers of the monthly reports.

For which month they were made, for which nothing is left to be done, and when that was last tried.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.service import pulses
from models.facility import Facility
from models.unit_of_work import UnitOfWork

NAME = "monthly_report"
TRIED_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is left to be done for a month."""

    is_made: bool


def take_if_due(
    uow: UnitOfWork, *, facility_id: str, month: str, ended_at: datetime, now: datetime
) -> Turn | None:
    """The turn of making and mailing the reports of *month* when it is ours; None when nothing is to do.

    A month that ended before the facility was set up here has none.
    """
    with uow.write() as session:
        facility = session.get(Facility, facility_id)
        if facility is None or facility.created_at >= ended_at:
            return None
        row = pulses.locked(session, NAME, since_at=now)
        details = dict(row.details)
        if details.get("done") == month:
            return None
        tried_at = details.get("tried_at")
        # A clock that was set back must not wait for its old time to come.
        if (
            tried_at is not None
            and timedelta() <= now - datetime.fromisoformat(str(tried_at)) < TRIED_AGAIN_AFTER
        ):
            return None
        row.details = {**details, "tried_at": now.isoformat()}
        return Turn(is_made=details.get("made") == month)


def note(uow: UnitOfWork, *, made: str | None = None, done: str | None = None, now: datetime) -> None:
    """The files of a month are there, or nothing is left to be done for it."""
    with uow.write() as session:
        row = pulses.locked(session, NAME, since_at=now)
        changed = {"made": made, "done": done}
        row.details = {**row.details, **{key: month for key, month in changed.items() if month is not None}}
        row.at = now


def abandon(uow: UnitOfWork, *, now: datetime) -> None:
    """The program was stopped meanwhile: that try does not count."""
    with uow.write() as session:
        row = pulses.locked(session, NAME, since_at=now)
        row.details = {key: value for key, value in row.details.items() if key != "tried_at"}
