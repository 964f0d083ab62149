"""The rules of the complaints register: which step may follow which, what is late, how many are settled.

Decides nothing about wording or storage. The yearly recap (received, in work, settled in per cent) is what
evaluators of public services ask for (DOMAIN 1.2.4, aspect V). A complaint's text, and who complained, are
personal: they are no part of any value here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from zoneinfo import ZoneInfo

from dispatch.domain.errors import (
    FieldRequiredError,
    ReasonRequiredError,
    TimeRefusedError,
    WrongTransitionError,
)
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject

_NEXT: Mapping[ComplaintStatus, frozenset[ComplaintStatus]] = {
    ComplaintStatus.RECEIVED: frozenset(ComplaintStatus) - {ComplaintStatus.RECEIVED},
    ComplaintStatus.IN_PROGRESS: frozenset(ComplaintStatus) - {ComplaintStatus.RECEIVED},
    **dict.fromkeys(
        (ComplaintStatus.SETTLED, ComplaintStatus.FORWARDED, ComplaintStatus.WITHDRAWN),
        frozenset({ComplaintStatus.IN_PROGRESS}),
    ),
}
"""One that has ended can only be taken up again; work in progress may be noted as often as there is news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a complaint: where it stands from ``occurred_at`` on, and by which day it is due."""

    status: ComplaintStatus
    occurred_at: datetime
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One complaint without anything personal; ``steps`` are in their order, the first is its receipt."""

    number: str
    channel: ComplaintChannel
    subject: ComplaintSubject
    steps: Sequence[Step]

    @property
    def received_at(self) -> datetime:
        """When somebody complained."""
        return self.steps[0].occurred_at

    def until(self, at: datetime) -> "Complaint | None":
        """The complaint as it stood just before *at*; None when there was none yet."""
        steps = [step for step in self.steps if step.occurred_at < at]
        if not steps:
            return None
        return Complaint(number=self.number, channel=self.channel, subject=self.subject, steps=steps)

    @property
    def now(self) -> Step:
        """The last step: where it stands."""
        return self.steps[-1]

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it is open."""
        return None if self.now.status.is_open else self.now.occurred_at

    def is_late(self, today: date, zone: ZoneInfo) -> bool:
        """Whether it is open after its day, or ended after it; both are days on the calendar of *zone*."""
        ended_at = self.ended_at
        reached = today if ended_at is None else ended_at.astimezone(zone).date()
        return reached > self.now.due_on


def receipt(*, received_at: datetime, now: datetime, due_on: date, zone: ZoneInfo) -> Step:
    """The first step of a new complaint.

    Raises:
        TimeRefusedError: it was received in the future, or would be due before it was received.
    """
    if received_at > now:
        raise TimeRefusedError(stated=received_at)
    if due_on < received_at.astimezone(zone).date():
        raise TimeRefusedError(stated=due_on)
    return Step(status=ComplaintStatus.RECEIVED, occurred_at=received_at, due_on=due_on)


def following(
    last: Step,
    status: ComplaintStatus,
    *,
    occurred_at: datetime,
    now: datetime,
    due_on: date | None,
    note: str,
) -> Step:
    """The step after *last*; without *due_on* the day stays as it was.

    Raises:
        WrongTransitionError: this does not follow from where the complaint stands.
        TimeRefusedError: it lies in the future or before the step that it follows.
        ReasonRequiredError: an ending, a return, news or another day without a note says nothing.
    """
    if status not in _NEXT[last.status]:
        raise WrongTransitionError(status=last.status, wanted=status)
    if occurred_at > now or occurred_at < last.occurred_at:
        raise TimeRefusedError(stated=occurred_at)
    begins = (last.status, status) == (ComplaintStatus.RECEIVED, ComplaintStatus.IN_PROGRESS)
    moved = due_on is not None and due_on != last.due_on
    if not note.strip() and (moved or not begins):
        raise ReasonRequiredError
    return Step(status=status, occurred_at=occurred_at, due_on=due_on or last.due_on)


def due_day(received_at: datetime, zone: ZoneInfo, days: int | None, stated: date | None) -> date:
    """The day that was *stated*, else so many *days* after the receipt.

    Raises:
        FieldRequiredError: the facility sets no number of days, and nobody stated one.
    """
    if stated is not None:
        return stated
    if days is None:
        raise FieldRequiredError(field="due_on")
    return date.fromordinal(received_at.astimezone(zone).date().toordinal() + days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recap:
    """The register of a period as it stood at its end.

    ``brought`` were open when the period began. Of the ``received`` ones, ``by_status`` says where they stood
    at the end; ``late`` are those that were open or ended after their day. ``days`` is the median from the
    receipt to the settlement of those that were settled.
    """

    brought: int
    brought_ended: int
    received: int
    by_status: Mapping[ComplaintStatus, int]
    late: int
    days: float | None
    by_channel: Mapping[ComplaintChannel, int]
    by_subject: Mapping[ComplaintSubject, int]
    by_month: Mapping[str, int]
    complaints: Sequence[Complaint]

    @property
    def settled(self) -> int:
        """Received and settled."""
        return self.by_status.get(ComplaintStatus.SETTLED, 0)

    @property
    def open(self) -> int:
        """Received and still open."""
        return sum(count for status, count in self.by_status.items() if status.is_open)


def recap(complaints: Iterable[Complaint], *, from_at: datetime, until_at: datetime, zone: ZoneInfo) -> Recap:
    """Sum up the complaints that were open or received between *from_at* and just before *until_at*.

    Each counts as it stood at the end, so that the recap of a period that is over stays the same.
    """
    received: list[Complaint] = []
    brought = brought_ended = 0
    for complaint in complaints:
        at_end, at_start = complaint.until(until_at), complaint.until(from_at)
        if at_end is None:
            continue
        if at_start is None:
            received.append(at_end)
        elif at_start.now.status.is_open:
            brought += 1
            brought_ended += not at_end.now.status.is_open
    received.sort(key=lambda one: (one.received_at, one.number))
    last_day = date.fromordinal(until_at.astimezone(zone).date().toordinal() - 1)
    took = [
        (one.now.occurred_at - one.received_at).total_seconds() / 86400
        for one in received
        if one.now.status is ComplaintStatus.SETTLED
    ]
    return Recap(
        brought=brought,
        brought_ended=brought_ended,
        received=len(received),
        by_status=Counter(one.now.status for one in received),
        late=sum(one.is_late(last_day, zone) for one in received),
        days=median(took) if took else None,
        by_channel=Counter(one.channel for one in received),
        by_subject=Counter(one.subject for one in received),
        by_month=Counter(f"{one.received_at.astimezone(zone):%Y-%m}" for one in received),
        complaints=received,
    )
