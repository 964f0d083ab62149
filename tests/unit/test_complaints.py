"""The rules of the complaints register, and what its recap counts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatch.domain.complaints import Complaint, Step, due_day, following, recap, receipt
from dispatch.domain.errors import (
    FieldRequiredError,
    ReasonRequiredError,
    TimeRefusedError,
    WrongTransitionError,
)
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject

ZONE = ZoneInfo("Asia/Jayapura")
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
DUE = date(2026, 11, 30)
RECEIVED, IN_PROGRESS, SETTLED, FORWARDED, WITHDRAWN = ComplaintStatus


def day(text: str) -> datetime:
    """Noon of a day at the facility."""
    return datetime.fromisoformat(f"{text}T12:00").replace(tzinfo=ZONE).astimezone(UTC)


def complaint(number: str, *steps: tuple[ComplaintStatus, str], due: str = "2026-11-30") -> Complaint:
    return Complaint(
        number=number,
        channel=ComplaintChannel.PHONE,
        subject=ComplaintSubject.CONDUCT,
        steps=[
            Step(status=status, occurred_at=day(at), due_on=date.fromisoformat(due)) for status, at in steps
        ],
    )


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (RECEIVED, RECEIVED),
        (IN_PROGRESS, RECEIVED),
        (SETTLED, SETTLED),
        (SETTLED, WITHDRAWN),
        (WITHDRAWN, FORWARDED),
        (FORWARDED, RECEIVED),
    ],
)
def test_what_has_ended_is_only_taken_up_again(last: ComplaintStatus, wanted: ComplaintStatus) -> None:
    step = Step(status=last, occurred_at=NOW, due_on=DUE)
    with pytest.raises(WrongTransitionError):
        following(step, wanted, occurred_at=NOW, now=NOW, due_on=None, note="a reason")


@pytest.mark.parametrize(
    ("last", "wanted", "due_on"),
    [
        (RECEIVED, SETTLED, None),
        (RECEIVED, FORWARDED, None),
        (IN_PROGRESS, IN_PROGRESS, None),
        (SETTLED, IN_PROGRESS, None),
        (RECEIVED, IN_PROGRESS, date(2026, 12, 24)),
    ],
)
def test_an_ending_a_return_news_and_another_day_are_explained(
    last: ComplaintStatus, wanted: ComplaintStatus, due_on: date | None
) -> None:
    step = Step(status=last, occurred_at=NOW, due_on=DUE)
    with pytest.raises(ReasonRequiredError):
        following(step, wanted, occurred_at=NOW, now=NOW, due_on=due_on, note="  ")
    moved = following(step, wanted, occurred_at=NOW, now=NOW, due_on=due_on, note="the nurse was asked")
    assert (moved.status, moved.due_on) == (wanted, due_on or DUE)


def test_work_begins_without_a_word() -> None:
    step = Step(status=RECEIVED, occurred_at=NOW, due_on=DUE)
    assert following(step, IN_PROGRESS, occurred_at=NOW, now=NOW, due_on=None, note="").status is IN_PROGRESS


def test_no_step_lies_in_the_future_or_before_the_one_that_it_follows() -> None:
    step = Step(status=RECEIVED, occurred_at=NOW - timedelta(hours=2), due_on=DUE)
    for at in (NOW + timedelta(seconds=1), NOW - timedelta(hours=3)):
        with pytest.raises(TimeRefusedError):
            following(step, IN_PROGRESS, occurred_at=at, now=NOW, due_on=None, note="")


def test_a_complaint_is_due_on_the_stated_day_or_after_the_facilitys_days() -> None:
    late_evening = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # 01:00 of the 21st in Timika
    assert due_day(late_evening, ZONE, 14, None) == date(2026, 12, 5)
    assert due_day(late_evening, ZONE, 14, date(2026, 11, 22)) == date(2026, 11, 22)
    with pytest.raises(FieldRequiredError):
        due_day(late_evening, ZONE, None, None)


def test_a_receipt_lies_before_now_and_before_its_due_day() -> None:
    with pytest.raises(TimeRefusedError):
        receipt(received_at=NOW + timedelta(minutes=1), now=NOW, due_on=DUE, zone=ZONE)
    with pytest.raises(TimeRefusedError):
        receipt(received_at=NOW, now=NOW, due_on=date(2026, 11, 19), zone=ZONE)
    assert receipt(received_at=NOW, now=NOW, due_on=date(2026, 11, 20), zone=ZONE).status is RECEIVED


def test_a_recap_counts_everything_as_it_stood_at_the_end_of_the_period() -> None:
    register = [
        complaint("P-1", (RECEIVED, "2026-10-28"), (SETTLED, "2026-11-03")),
        complaint("P-2", (RECEIVED, "2026-10-01"), (SETTLED, "2026-10-09")),
        complaint("P-3", (RECEIVED, "2026-11-02"), (IN_PROGRESS, "2026-11-03"), (SETTLED, "2026-11-06")),
        complaint("P-4", (RECEIVED, "2026-11-05"), (SETTLED, "2026-11-29"), due="2026-11-19"),
        complaint("P-5", (RECEIVED, "2026-11-10"), (SETTLED, "2026-12-01")),
        complaint("P-6", (RECEIVED, "2026-11-11"), (FORWARDED, "2026-11-12")),
        complaint("P-7", (RECEIVED, "2026-12-01")),
    ]
    found = recap(register, from_at=day("2026-11-01"), until_at=day("2026-12-01"), zone=ZONE)
    assert (found.received, found.settled, found.open) == (4, 2, 1)
    assert found.by_status[FORWARDED] == 1
    assert (found.brought, found.brought_ended) == (1, 1)
    assert found.late == 1, "P-4 was ended after its day; P-5 is due on the last day and not late yet"
    assert found.days == (4 + 24) / 2
    assert [one.number for one in found.complaints] == ["P-3", "P-4", "P-5", "P-6"]


def test_one_that_was_taken_up_again_is_open() -> None:
    again = complaint("P-1", (RECEIVED, "2026-11-02"), (SETTLED, "2026-11-03"), (IN_PROGRESS, "2026-11-04"))
    found = recap([again], from_at=day("2026-11-01"), until_at=day("2026-12-01"), zone=ZONE)
    assert (found.settled, found.open) == (0, 1)


def test_of_nothing_there_is_no_median() -> None:
    found = recap([], from_at=day("2026-11-01"), until_at=day("2026-12-01"), zone=ZONE)
    assert (found.received, found.settled, found.days) == (0, 0, None)
