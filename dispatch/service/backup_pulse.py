"""What the database remembers of its backups: the last good one, the last try, and whether any are wanted.

The watchdog and ``doctor`` read it; whoever makes a backup writes it.
"""

from datetime import datetime, timedelta

from dispatch.service import pulses
from dispatch.service.invariants import BACKUP
from models.unit_of_work import UnitOfWork

TRIED_AGAIN_AFTER = timedelta(hours=1)


def good_backup(uow: UnitOfWork, *, file: str, now: datetime) -> None:
    """A backup was made and checked."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        row.at = now
        row.details = {"is_wanted": row.details.get("is_wanted", False), "file": file}


def failed_backup(uow: UnitOfWork, *, reason: str, now: datetime) -> None:
    """A backup failed; the last good one stays what is known."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        row.details = {**row.details, "failed": reason[:300]}


def abandoned_backup(uow: UnitOfWork, *, now: datetime) -> None:
    """The program was stopped while one was made: that try does not count."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        row.details = {key: value for key, value in row.details.items() if key != "tried_at"}


def take_if_due(uow: UnitOfWork, *, since_at: datetime, now: datetime) -> bool:
    """Whether a backup is to be made now, by us: none is good since *since_at*, and nobody is at it."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        details = {**row.details, "is_wanted": True}
        tried_at = details.get("tried_at")
        is_good = "file" in details and since_at <= row.at <= now + TRIED_AGAIN_AFTER
        # A clock that was set back must not wait for its old time to come.
        rests = (
            tried_at is not None
            and timedelta() <= now - datetime.fromisoformat(str(tried_at)) < TRIED_AGAIN_AFTER
        )
        is_due = not is_good and not rests
        if is_due:
            details["tried_at"] = now.isoformat()
        if details != row.details:
            row.details = details
        return is_due


def no_longer_wanted(uow: UnitOfWork, *, now: datetime) -> None:
    """No folder is set any more: nobody is to be warned that there is no new backup."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        if row.details.get("is_wanted"):
            row.details = {**row.details, "is_wanted": False}
