"""What a check of the watchdog is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch.service.services import Services

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

MOST = 10
"""Findings of one check that are named; a bound on the list, never on the alarm."""

JOURNAL_WAITING = "journal_waiting"
JOURNAL_LAID_ASIDE = "journal_laid_aside"
OF_THE_JOURNAL = (JOURNAL_WAITING, JOURNAL_LAID_ASIDE)
"""Asked of a folder, and not of the database; who knows it hands the checks to the watchdog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it must be.

    ``subject`` tells it from others of the same check; ``detail`` holds nothing personal.
    """

    check: str
    subject: str
    detail: str
    since_at: datetime
    number: str | None = None
    short_number: int | None = None


Find = Callable[[Session, Services, datetime], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question with a name; while its finding lasts, supervisors are told again after ``again_after``."""

    name: str
    find: Find
    again_after: timedelta = HOUR
