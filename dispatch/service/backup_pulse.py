"""What the database remembers of its backups: the last good one, the last try, and whether any are wanted.

The watchdog and ``doctor`` read it; whoever makes a backup writes it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dispatch.service import pulses
from dispatch.service.invariants import BACKUP
from models.unit_of_work import UnitOfWork

TRIED_AGAIN_AFTER = timedelta(hours=1)
RENEWED_EVERY = timedelta(seconds=60)
GONE_AFTER = timedelta(minutes=3)
"""Whoever makes one says so every minute, however long it takes; three missed signs, and it is nobody's."""

_TRIED, _AT_WORK = "tried_at", "at_work_at"


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
        row.details = {**_over(row.details, now), "failed": reason[:300]}


def ended_backup(uow: UnitOfWork, *, now: datetime) -> None:
    """The one that was under way is over; whether it is good is not said here."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        row.details = _over(row.details, now)


def renew_backup(uow: UnitOfWork, *, now: datetime) -> None:
    """One is still being made: nobody else begins."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        row.details = {**row.details, _AT_WORK: now.isoformat()}


def abandoned_backup(uow: UnitOfWork, *, now: datetime) -> None:
    """The program was stopped while one was made: that try does not count."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        row.details = _without(row.details, _AT_WORK)


def take_if_due(uow: UnitOfWork, *, since_at: datetime, now: datetime) -> bool:
    """Whether a backup is to be made now, by us: none is good since *since_at*, and nobody is at it."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        details = {**row.details, "is_wanted": True}
        is_good = "file" in details and since_at <= row.at <= now + TRIED_AGAIN_AFTER
        is_under_way = _is_within(details, _AT_WORK, GONE_AFTER, now)
        is_due = not is_good and not is_under_way and not _is_within(details, _TRIED, TRIED_AGAIN_AFTER, now)
        if is_due:
            details[_AT_WORK] = now.isoformat()
        if details != row.details:
            row.details = details
        return is_due


def no_longer_wanted(uow: UnitOfWork, *, now: datetime) -> None:
    """No folder is set any more: nobody is to be warned that there is no new backup."""
    with uow.write() as session:
        row = pulses.locked(session, BACKUP, since_at=now)
        if row.details.get("is_wanted"):
            row.details = {**row.details, "is_wanted": False}


def _is_within(details: Mapping[str, object], name: str, span: timedelta, now: datetime) -> bool:
    """Whether *name* was less than *span* ago; a clock that was set back does not wait for its old time."""
    at = details.get(name)
    return at is not None and timedelta() <= now - datetime.fromisoformat(str(at)) < span


def _over(details: Mapping[str, object], now: datetime) -> dict[str, object]:
    return {**_without(details, _AT_WORK), _TRIED: now.isoformat()}


def _without(details: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in details.items() if key != name}
