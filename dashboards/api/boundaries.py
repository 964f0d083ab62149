"""What ``from`` and ``to`` mean in every listing and export (CONTRACT 7).

A date is a day of the facility's zone, an instant with offset is taken as it is; ``from`` is included, ``to``
is not. Decides nothing about what is listed between them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLUS_LOST = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}$)")
"""In an address a bare ``+`` is a space; a program that forgot to escape it means the offset."""


class BoundaryError(ValueError):
    """A boundary cannot be understood; ``field`` is ``from`` or ``to``."""

    def __init__(self, field: str, reason: str) -> None:
        """Keep which of the two it was."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time that contains its start and not its end; None leaves a side open."""

    from_at: datetime | None
    until_at: datetime | None


def span(from_text: str | None, to_text: str | None, zone: ZoneInfo) -> Span:
    """The stretch between two boundaries as people write them; an empty text is an open side.

    Raises:
        BoundaryError: one is neither a date nor an instant with offset, or they are the wrong way round.
    """
    from_at = None if not from_text else boundary("from", from_text, zone)
    until_at = None if not to_text else boundary("to", to_text, zone)
    if from_at is not None and until_at is not None and from_at > until_at:
        raise BoundaryError("to", "lies before from")
    return Span(from_at=from_at, until_at=until_at)


def boundary(field: str, text: str, zone: ZoneInfo) -> datetime:
    """One boundary as an instant in UTC: the start of a day of *zone*, or the instant that is written.

    Raises:
        BoundaryError: naming *field*.
    """
    written = text.strip()
    try:
        if _DAY.fullmatch(written):
            return start_of_day(date.fromisoformat(written), zone)
        at = datetime.fromisoformat(_PLUS_LOST.sub("+", written))
        instant = None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        reason = "is neither a date (2026-11-23) nor an instant with offset (2026-11-23T12:00:00+09:00)"
        raise BoundaryError(field, reason) from error
    if instant is None:
        raise BoundaryError(field, "an instant needs its offset, as in 2026-11-23T12:00:00+09:00")
    return instant


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of *day* on the calendar of *zone*, in UTC."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
