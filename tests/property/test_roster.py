"""Being on duty, gaps and merged shifts tell one story at every instant."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.roster import Shift, gaps, local_instant, merged, on_duty

_START = datetime(2026, 11, 23, tzinfo=UTC)
_hours = st.integers(0, 72)


@st.composite
def _shifts(draw: st.DrawFn) -> Shift:
    start = draw(_hours)
    return Shift(
        staff_code=draw(st.sampled_from(["N01", "N02", "N03"])),
        tier=draw(st.sampled_from(["jaga", "cadangan"])),
        starts_at=_START + timedelta(hours=start),
        ends_at=_START + timedelta(hours=start + draw(st.integers(1, 24))),
    )


@given(st.lists(_shifts(), max_size=12), _hours)
def test_an_instant_is_in_a_gap_exactly_when_nobody_is_on_duty(shifts: list[Shift], hour: int) -> None:
    at = _START + timedelta(hours=hour, minutes=30)
    found = gaps(shifts, "jaga", _START, _START + timedelta(hours=73))
    in_gap = any(start <= at < end for start, end in found)
    assert in_gap == (not on_duty(shifts, at, tier="jaga"))
    assert all(earlier[1] < later[0] for earlier, later in pairwise(found))


@given(st.lists(_shifts(), max_size=12), st.integers(0, 200))
def test_merging_never_changes_who_is_on_duty(shifts: list[Shift], half_hours: int) -> None:
    at = _START + timedelta(minutes=30 * half_hours)
    joined = merged(shifts)

    def people(some: tuple[Shift, ...]) -> set[tuple[str, str]]:
        return {(shift.staff_code, shift.tier) for shift in some}

    assert people(on_duty(shifts, at)) == people(on_duty(joined, at))
    assert len(on_duty(shifts, at)) == len(people(on_duty(shifts, at)))
    assert merged(joined) == joined


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 — a local time as it is written
def test_a_written_local_time_is_that_time_on_the_wall(wall: datetime) -> None:
    zone = ZoneInfo("Asia/Jayapura")
    shown = local_instant(wall.strftime("%Y-%m-%dT%H:%M"), zone).astimezone(zone)
    assert shown.strftime("%Y-%m-%dT%H:%M") == wall.strftime("%Y-%m-%dT%H:%M")


@given(st.text())
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert local_instant(text, ZoneInfo("Asia/Jayapura")).tzinfo is UTC
