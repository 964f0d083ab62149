"""The sample facility's roster: a plan that repeats, so that any day of any year can be written down.

Decides who of the invented staff works when. The same day always gets the same people, whenever the plan is
made; so making it again adds days and changes none. Stores nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MORNING, AFTERNOON, NIGHT = time(8), time(14), time(20)

CREWS = (("N01", "N05"), ("N02", "N06"), ("N03", "N07"), ("N04", "N08"))
"""Four crews, each with a nurse or midwife first: morning, afternoon, night, a day off."""

CALL_TAKERS = ("N13", "N14")
RESERVE = ("N09", "N10")
LEADERS = ("N11", "N12")
"""Two of each, who take turns day by day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedShift:
    """One shift in local time."""

    staff_code: str
    starts: datetime
    ends: datetime
    tier: str


def planned(first: date, last: date) -> Iterator[PlannedShift]:
    """Every shift that starts on a day from *first* to *last*, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield from _day(date.fromordinal(ordinal))


def _day(day: date) -> Iterator[PlannedShift]:
    turn = day.toordinal()
    morning, afternoon, night = (datetime.combine(day, at) for at in (MORNING, AFTERNOON, NIGHT))
    tomorrow = datetime.combine(day + timedelta(days=1), MORNING)
    for place, (starts, ends) in enumerate(((morning, afternoon), (afternoon, night), (night, tomorrow))):
        # Day by day a crew moves from morning to afternoon to night to a day off.
        for code in CREWS[(place - turn) % len(CREWS)]:
            yield PlannedShift(staff_code=code, starts=starts, ends=ends, tier="jaga")
    yield PlannedShift(staff_code=CALL_TAKERS[turn % 2], starts=morning, ends=night, tier="jaga")
    yield PlannedShift(staff_code=RESERVE[turn % 2], starts=morning, ends=tomorrow, tier="cadangan")
    yield PlannedShift(staff_code=LEADERS[turn % 2], starts=morning, ends=tomorrow, tier="pimpinan")
