"""What a check of the watchdog is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import IncidentStatus
from dispatch.service.services import Services
from models.incident import IS_OPEN, Incident

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

MOST = 10
"""Findings of one check that are named; a bound on the list, never on the alarm."""

OPEN_INCIDENTS = (IS_OPEN, Incident.status.in_([s for s in IncidentStatus if s is not IncidentStatus.CLOSED]))
"""Said twice: the list makes the index of what is open the cheapest one where nothing was ever counted.

Sorting or selecting by columns of another index beside it would lead into that one, and so through every
incident there ever was; the queries of the checks leave that to Python, for what is open is little."""

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
    """A question with a name; while its finding lasts, supervisors are told again after ``again_after``.

    One that is not of the program (``is_of_the_program`` false) wants a person as well, and keeps the sign to
    whoever watches from outside going: the machine does what it can.
    """

    name: str
    find: Find
    again_after: timedelta = HOUR
    is_of_the_program: bool = True
