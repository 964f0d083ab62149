"""Who is on duty: edges of a shift, midnight, breaks, gaps and hand-overs."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dispatch.domain.roster import (
    Break,
    Shift,
    available,
    gaps,
    local_instant,
    merged,
    on_break,
    on_duty,
)

_WIT = ZoneInfo("Asia/Jayapura")


def _at(text: str) -> datetime:
    return local_instant(text, _WIT)


def _shift(code: str, start: str, end: str, tier: str = "jaga") -> Shift:
    return Shift(staff_code=code, tier=tier, starts_at=_at(start), ends_at=_at(end))


_DAY = _shift("N01", "2026-11-23T08:00", "2026-11-23T20:00")
_NIGHT = _shift("N02", "2026-11-23T20:00", "2026-11-24T08:00")
_BACKUP = _shift("D01", "2026-11-23T08:00", "2026-11-24T08:00", "cadangan")
_ROSTER = (_NIGHT, _DAY, _BACKUP)


@pytest.mark.parametrize(
    ("at", "tier", "codes"),
    [
        ("2026-11-23T07:59", "jaga", []),
        ("2026-11-23T08:00", "jaga", ["N01"]),
        ("2026-11-23T19:59:59", "jaga", ["N01"]),
        ("2026-11-23T20:00", "jaga", ["N02"]),
        ("2026-11-24T00:00", "jaga", ["N02"]),
        ("2026-11-24T07:59", "jaga", ["N02"]),
        ("2026-11-24T08:00", "jaga", []),
        ("2026-11-23T23:59", None, ["D01", "N02"]),
        ("2026-11-23T23:59", "cadangan", ["D01"]),
        ("2026-11-23T23:59", "pimpinan", []),
    ],
)
def test_a_shift_contains_its_start_and_not_its_end(at: str, tier: str | None, codes: list[str]) -> None:
    assert [shift.staff_code for shift in on_duty(_ROSTER, _at(at), tier=tier)] == codes


def test_a_person_with_two_shifts_at_once_is_named_once() -> None:
    twice = (_DAY, _shift("N01", "2026-11-23T12:00", "2026-11-23T22:00"))
    (found,) = on_duty(twice, _at("2026-11-23T13:00"))
    assert (found.starts_at, found.ends_at) == (_at("2026-11-23T08:00"), _at("2026-11-23T22:00"))


def test_overlapping_and_touching_shifts_are_shown_as_one() -> None:
    shifts = (
        _shift("N01", "2026-11-23T12:00", "2026-11-23T20:00"),
        _shift("N01", "2026-11-23T08:00", "2026-11-23T12:00"),
        _shift("N01", "2026-11-23T09:00", "2026-11-23T10:00"),
        _shift("N01", "2026-11-24T08:00", "2026-11-24T12:00"),
        _shift("N01", "2026-11-23T08:00", "2026-11-23T09:00", "cadangan"),
    )
    assert merged(shifts) == (
        _shift("N01", "2026-11-23T08:00", "2026-11-23T09:00", "cadangan"),
        _shift("N01", "2026-11-23T08:00", "2026-11-23T20:00"),
        _shift("N01", "2026-11-24T08:00", "2026-11-24T12:00"),
    )


def test_a_break_lasts_until_its_end_or_without_end() -> None:
    breaks = (
        Break(staff_code="N01", from_at=_at("2026-11-23T12:00"), until_at=_at("2026-11-23T13:00")),
        Break(staff_code="D01", from_at=_at("2026-11-23T12:00"), until_at=None),
    )
    assert on_break(breaks, _at("2026-11-23T11:59")) == frozenset()
    assert on_break(breaks, _at("2026-11-23T12:00")) == {"N01", "D01"}
    assert on_break(breaks, _at("2026-11-23T13:00")) == {"D01"}
    assert available(_ROSTER, breaks, _at("2026-11-23T12:30")) == ()
    assert available(_ROSTER, breaks, _at("2026-11-23T13:00")) == (_DAY,)
    assert on_duty(_ROSTER, _at("2026-11-23T12:30"), tier="jaga") == (_DAY,)


@pytest.mark.parametrize(
    ("from_at", "until_at", "found"),
    [
        ("2026-11-23T08:00", "2026-11-24T08:00", []),
        ("2026-11-23T06:00", "2026-11-23T09:00", [("2026-11-23T06:00", "2026-11-23T08:00")]),
        ("2026-11-24T07:00", "2026-11-24T09:00", [("2026-11-24T08:00", "2026-11-24T09:00")]),
        ("2026-11-25T00:00", "2026-11-26T00:00", [("2026-11-25T00:00", "2026-11-26T00:00")]),
        ("2026-11-22T00:00", "2026-11-23T00:00", [("2026-11-22T00:00", "2026-11-23T00:00")]),
        ("2026-11-23T06:00", "2026-11-23T06:00", []),
    ],
)
def test_gaps_are_the_hours_without_anybody(
    from_at: str, until_at: str, found: list[tuple[str, str]]
) -> None:
    expected = tuple((_at(start), _at(end)) for start, end in found)
    assert gaps(_ROSTER, "jaga", _at(from_at), _at(until_at)) == expected


def test_a_gap_between_two_shifts() -> None:
    shifts = (_DAY, _shift("N02", "2026-11-23T21:00", "2026-11-24T08:00"))
    assert gaps(shifts, "jaga", _DAY.starts_at, _at("2026-11-24T08:00")) == (
        (_at("2026-11-23T20:00"), _at("2026-11-23T21:00")),
    )


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-23T20:00", "2026-11-23T11:00:00+00:00"),
        ("2026-11-23 20:00", "2026-11-23T11:00:00+00:00"),
        (" 2026-11-24T08:59:30 ", "2026-11-23T23:59:30+00:00"),
        ("2028-02-29T00:00", "2028-02-28T15:00:00+00:00"),
    ],
)
def test_local_times_of_the_facility(text: str, utc: str) -> None:
    assert _at(text).isoformat() == utc
    assert _at(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "besok",
        "2026-11-23",
        "20:00",
        "2026-11-23T20:00Z",
        "2026-11-23T20:00+09:00",
        "2026-11-31T20:00",
        "2026-02-29T20:00",
        "2026-11-23T24:00",
        "2026-11-23T20:60",
        "23-11-2026T20:00",
        "0001-01-01T00:00",
        "\u0662\u0660\u0662\u0666-11-23T20:00",
    ],
)
def test_nonsense_is_refused_with_the_text_in_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match="is no") as refusal:
        _at(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize("text", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_hours_that_a_clock_change_skips_or_repeats_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="skipped or repeated"):
        local_instant(text, ZoneInfo("Europe/Berlin"))


def test_a_shift_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="N01 ends before it starts"):
        _shift("N01", "2026-11-23T20:00", "2026-11-23T08:00")
    with pytest.raises(ValueError, match="zone"):
        Shift(staff_code="N01", tier="jaga", starts_at=datetime(2026, 1, 1), ends_at=datetime(2026, 1, 2))  # noqa: DTZ001 — the point of the test
