"""Erasing personal data: what is due when, what the record says of it, and where a number is mentioned.

A line of the record names every value that it erased. So a value that is gone is told from one that somebody
took away: without such a line its absence is a finding. Touches no storage. Source: DOMAIN 1.6, ADR 0030.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import Outcome

NO_MEDICAL_INCIDENT = frozenset(
    {
        Outcome.PRANK,
        Outcome.GHOST,
        Outcome.SILENT,
        Outcome.ABANDONED,
        Outcome.WRONG_NUMBER,
        Outcome.INFORMATION,
        Outcome.TEST,
    }
)
"""Outcomes of ordinary calls. A duplicate belongs to somebody's care as much as what it duplicates."""

Place = tuple[int, str]
"""A value of one incident: its line, and its name there."""


class Basis(StrEnum):
    """Why something is erased."""

    REQUEST = "request"
    """Somebody asked for it (UU PDP 27/2022)."""
    RETENTION = "retention"
    """The time of its class in the facility file is over."""
    AGE = "age"
    """It is older than a person at the desk wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """The instant before which each class is due; None keeps it for ever."""

    calls: datetime | None = None
    incidents: datetime | None = None
    recordings: datetime | None = None

    def of(self, classes: Sequence[str]) -> datetime | None:
        """Of what belongs to several classes: the shortest time counts."""
        known = [at for name in classes if (at := cast("datetime | None", getattr(self, name))) is not None]
        return max(known, default=None)

    def of_incident(self, outcome: Outcome | None) -> datetime | None:
        """Of an incident that ended so."""
        return self.calls if outcome in NO_MEDICAL_INCIDENT else self.incidents

    @property
    def is_never(self) -> bool:
        """Whether everything is kept for ever."""
        return self == Cutoffs()


def cutoffs(retention: Mapping[str, int], now: datetime) -> Cutoffs:
    """What is due at *now* by the facility's classes, in days; 0, or no word of it, keeps for ever."""
    return Cutoffs(**{name: now - timedelta(days=days) for name, days in retention.items() if days > 0})


def data_of(basis: Basis, run: str, values: Iterable[Place]) -> dict[str, object]:
    """What the erasing line says: why, in which run, and which values of which lines."""
    named: dict[str, list[str]] = {}
    for sequence, name in sorted(values):
        named.setdefault(str(sequence), []).append(name)
    return {"basis": str(basis), "run": run, "values": named}


def erased_by(lines: Iterable[tuple[int, str, object]]) -> dict[Place, int]:
    """Which values the lines (number, kind, data) say were erased, and by which line.

    A line can only speak of those before it: what it says of others is not heard.
    """
    found: dict[Place, int] = {}
    for sequence, kind, data in lines:
        if kind != Kind.ERASED or not isinstance(data, dict):
            continue
        values = data.get("values")
        for line, names in values.items() if isinstance(values, dict) else ():
            of_line = int(line) if isinstance(line, str) and line.isascii() and line.isdigit() else 0
            if 0 < of_line < sequence and isinstance(names, list):
                found |= {(of_line, str(name)): sequence for name in names}
    return found


# --- a number in other words ----------------------------------------------------------------------

_BETWEEN = r"[\s\-.()/\u2010-\u2015]{0,3}"
"""What people put between the digits of a number."""

SEPARATORS = (" ", "-", ".", "(", ")", "/", "\n", "\u00a0", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014")
"""The same, one by one, for a database that takes them out before it looks."""

_INDONESIA = "+62"
_SHORT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """Finds one number (E.164) in what somebody wrote, in any usual spelling."""

    digits: str
    """The part that stands in every spelling."""
    _pattern: re.Pattern[str]

    def in_text(self, text: str | None) -> bool:
        """Whether *text* mentions it."""
        return text is not None and self._pattern.search(text) is not None


def mentions_of(number: str) -> Mentions:
    """What finds *number*, which is in E.164."""
    if number.startswith(_INDONESIA):
        digits, prefix = (
            number.removeprefix(_INDONESIA),
            rf"(?:(?:\+|00)?{_BETWEEN}62{_BETWEEN}|0{_BETWEEN})?",
        )
    else:
        digits, prefix = number.removeprefix("+"), rf"(?:\+|00)?{_BETWEEN}"
    spread = _BETWEEN.join(digits)
    return Mentions(digits=digits, _pattern=re.compile(rf"(?<!\d){prefix}{spread}(?!\d)"))


_LONG = re.compile(rf"(?:\d{_BETWEEN}){{{_SHORT},}}")


def holds_a_number(text: str) -> bool:
    """Whether seven digits or more follow each other: what may be somebody's number."""
    return _LONG.search(text) is not None
