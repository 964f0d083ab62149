"""The duty list on the disk: a person reads it, and it is read back whatever became of it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatch.service.roster_keeping import RosteredPhone
from telephony import duty_file

ZONE = ZoneInfo("Asia/Jayapura")
NIGHT = datetime(2026, 11, 24, 20, tzinfo=ZONE)


def shift(phone: str, hours: int) -> RosteredPhone:
    until = NIGHT + timedelta(hours=hours)
    return RosteredPhone(phone=phone, name="Bd. Yuliana", tier="jaga", from_at=NIGHT, until_at=until)


def test_it_is_read_back_as_it_was_written() -> None:
    shifts = (shift("+621", 12), shift("+622", 4))
    kept = duty_file.read(duty_file.written(["+621"], shifts, ZONE), ZONE)
    assert (kept.phones, kept.shifts, kept.unread) == (("+621",), shifts, 0)


def test_a_shift_is_one_line_in_the_facilitys_own_time() -> None:
    lines = duty_file.written([], [shift("+621", 12)], ZONE).splitlines()
    assert lines[3].strip() == (
        '{"from": "2026-11-24T20:00:00+09:00", "until": "2026-11-25T08:00:00+09:00", '
        '"tier": "jaga", "name": "Bd. Yuliana", "phone": "+621"}'
    )


def test_without_shifts_it_is_a_list_of_phones() -> None:
    assert duty_file.read(duty_file.written(["+621"], [], ZONE), ZONE).phones == ("+621",)
    assert duty_file.read('{"duty_phones": ["+621"]}', ZONE) == duty_file.DutyFile(phones=("+621",))


def test_a_time_that_a_person_wrote_is_the_facilitys() -> None:
    entry = '{"from": "2026-11-24 20:00", "until": "2026-11-25T08:00", "phone": "1"}'
    (read,) = duty_file.read(f'{{"duty_phones": [], "shifts": [{entry}]}}', ZONE).shifts
    assert (read.from_at, read.until_at) == (NIGHT, NIGHT + timedelta(hours=12))


@pytest.mark.parametrize(
    "entry",
    [
        '{"from": "soon", "until": "2026-11-25", "phone": "+62"}',
        '{"from": "2026-11-24T20:00", "until": "2026-11-25T08:00", "phone": null}',
        '{"from": "2026-11-24T20:00", "until": "2026-11-25T08:00", "phone": true}',
        '{"phone": "+62"}',
        "7",
        "null",
        "[]",
    ],
)
def test_what_cannot_be_understood_costs_nothing_else(entry: str) -> None:
    good = '{"from": "2026-11-24T20:00", "until": "2026-11-25T08:00", "phone": "+621"}'
    kept = duty_file.read(f'{{"duty_phones": ["+621"], "shifts": [{entry}, {good}]}}', ZONE)
    assert ([shift.phone for shift in kept.shifts], kept.unread) == (["+621"], 1)


def test_what_cannot_be_dialled_is_not_dialled() -> None:
    kept = duty_file.read('{"duty_phones": ["+621", null, "", "ask Yuliana", true, 62811]}', ZONE)
    assert (kept.phones, kept.unread) == (("+621", "62811"), 4)


@pytest.mark.parametrize("shifts", ['"none"', "null", "7", "{}"])
def test_shifts_that_are_no_list_leave_the_phones(shifts: str) -> None:
    kept = duty_file.read(f'{{"duty_phones": ["+621"], "shifts": {shifts}}}', ZONE)
    assert (kept.phones, kept.shifts, kept.unread) == (("+621",), (), 1)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"phones": 1}', '{"duty_phones": "+62"}'])
def test_what_is_no_duty_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no duty list|Expecting"):
        duty_file.read(text, ZONE)
