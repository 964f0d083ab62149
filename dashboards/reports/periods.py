"""The period of a report: a month, a quarter or a year on the facility's calendar (CONTRACT 1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dashboards.api.boundaries import Span, start_of_day

_MONTH = re.compile(r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])")
_QUARTER = re.compile(r"(?P<year>[0-9]{4})-[Qq](?P<quarter>[1-4])")
_YEAR = re.compile(r"(?P<year>[0-9]{4})")


class PeriodError(ValueError):
    """This is no period; the message says how one is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole months: from ``first`` until just before ``after``."""

    text: str
    first: date
    after: date

    def span(self, zone: ZoneInfo) -> Span:
        """The same as instants: its days begin and end in *zone*."""
        return Span(from_at=start_of_day(self.first, zone), until_at=start_of_day(self.after, zone))


def parse_period(text: str) -> Period:
    """Read ``2026-10``, ``2026-Q4`` or ``2026``.

    Raises:
        PeriodError: it is none of these, or lies outside the years 1970 to 9998.
    """
    written = text.strip()
    if found := _MONTH.fullmatch(written):
        first_month, months = int(found["month"]), 1
    elif found := _QUARTER.fullmatch(written):
        first_month, months = 3 * int(found["quarter"]) - 2, 3
    elif found := _YEAR.fullmatch(written):
        first_month, months = 1, 12
    else:
        raise PeriodError(f"{text!r} is no period; write 2026-10, 2026-Q4 or 2026")
    year = int(found["year"])
    if not 1970 <= year <= 9998:
        raise PeriodError(f"{text!r} lies outside the years 1970 to 9998")
    after = first_month + months
    return Period(
        text=written.upper(),
        first=date(year, first_month, 1),
        after=date(year + (after - 1) // 12, (after - 1) % 12 + 1, 1),
    )


def period_before(period: Period) -> Period | None:
    """The period of the same length that ends where *period* begins; None before 1970.

    >>> period_before(parse_period("2026-Q1")).text
    '2025-Q4'
    """
    year, month = period.first.year, period.first.month
    if "Q" in period.text:
        at = year * 4 + (month - 1) // 3 - 1
        text = f"{at // 4:04}-Q{at % 4 + 1}"
    elif "-" in period.text:
        at = year * 12 + month - 2
        text = f"{at // 12:04}-{at % 12 + 1:02}"
    else:
        text = f"{year - 1:04}"
    try:
        return parse_period(text)
    except PeriodError:
        return None


def containing(period: Period) -> Sequence[Period]:
    """*period* itself, and each longer one that it lies in.

    >>> [one.text for one in containing(parse_period("2026-11"))]
    ['2026-11', '2026-Q4', '2026']
    """
    year = f"{period.first.year:04}"
    longer = [year] if period.text != year else []
    if period.text != year and "Q" not in period.text:
        longer.insert(0, f"{year}-Q{(period.first.month - 1) // 3 + 1}")
    return (period, *map(parse_period, longer))


def last_month(now: datetime, zone: ZoneInfo) -> Period:
    """The month before the one that *now* lies in, on the calendar of *zone*."""
    today = now.astimezone(zone).date()
    month = today.year * 12 + today.month - 2
    return parse_period(f"{month // 12:04}-{month % 12 + 1:02}")
