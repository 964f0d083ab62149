"""Response times: what each interval measures, and when there is nothing to be measured.

Decides the definition of every interval, tells a time that was not recorded from one that does not apply, and
never gives an impossible one: an order of times that cannot be is an anomaly, not a negative duration.
Never decides which incidents belong in a report, and rounds nothing; summing up is
``dispatch.domain.summaries``. Sources: DOMAIN 2.1-2.3 and 5.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache

from dispatch.domain.incidents import Times
from dispatch.domain.summaries import Measured, State
from dispatch.domain.vocabulary import Outcome

TIME_NAMES = tuple(field.name for field in fields(Times))
"""The times of CONTRACT 7, in their order."""

_STEPS = (
    "alerted_at",
    "accepted_at",
    "en_route_at",
    "staged_at",
    "on_scene_at",
    "left_scene_at",
    "at_facility_at",
    "available_at",
)
"""The steps of the work in their order; closing is none, it may come at any point."""

WITH_TRANSPORT = (Outcome.TRANSPORTED, Outcome.REFERRED)
"""Endings by which somebody was taken to a facility."""

_WITHOUT_ANSWER = (Outcome.WRONG_NUMBER, Outcome.ABANDONED)
WITHOUT_ARRIVAL = frozenset(
    {
        Outcome.ADVICE,
        Outcome.CANCELLED,
        Outcome.DUPLICATE,
        Outcome.PRANK,
        Outcome.GHOST,
        Outcome.SILENT,
        Outcome.ABANDONED,
        Outcome.WRONG_NUMBER,
        Outcome.INFORMATION,
        Outcome.TEST,
    }
)
"""Endings that need nobody at the scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One interval: from the time ``start`` to the time ``end`` of CONTRACT 7, in seconds.

    ``title`` and ``definition`` are English message ids; the definition names the clock's start and is
    printed next to every number.
    """

    key: str
    start: str
    end: str
    title: str
    definition: str
    source: str


INTERVALS: tuple[Interval, ...] = (
    Interval(
        key="answer",
        start="received_at",
        end="answered_at",
        title="Answer time",
        definition="From the first ring at the service until the first person joined the caller.",
        source="NENA-STA-020; DOMAIN 2.1",
    ),
    Interval(
        key="alert",
        start="received_at",
        end="alerted_at",
        title="Alert time",
        definition="From the first ring at the service until the first worker was alerted.",
        source="NEMSIS eTimes.03 - eTimes.01; DOMAIN 2.3",
    ),
    Interval(
        key="call_processing",
        start="answered_at",
        end="alerted_at",
        title="Call processing time",
        definition=(
            "From the first person joining the caller until the first worker was alerted; it does not apply "
            "where workers were alerted before anybody spoke."
        ),
        source="NFPA 1225; DOMAIN 2.2, 2.3",
    ),
    Interval(
        key="acknowledgement",
        start="alerted_at",
        end="accepted_at",
        title="Acknowledgement time",
        definition="From the first alert until a worker accepted.",
        source="NEMSIS eTimes.04 - eTimes.03; DOMAIN 2.3",
    ),
    Interval(
        key="turnout",
        start="alerted_at",
        end="en_route_at",
        title="Turnout time",
        definition="From the first alert until the first worker was on the way.",
        source="NEMSIS eTimes.05 - eTimes.03; NFPA 1710; DOMAIN 2.3",
    ),
    Interval(
        key="travel",
        start="en_route_at",
        end="on_scene_at",
        title="Travel time",
        definition="From being on the way until arrival at the scene.",
        source="NEMSIS eTimes.06 - eTimes.05; NFPA 1710; DOMAIN 2.3",
    ),
    Interval(
        key="response",
        start="received_at",
        end="on_scene_at",
        title="Response time",
        definition="From the first ring at the service until arrival at the scene.",
        source="NEMSIS eTimes.06 - eTimes.01; DOMAIN 2.3, 5.4",
    ),
    Interval(
        key="response_from_alert",
        start="alerted_at",
        end="on_scene_at",
        title="Response time from the alert",
        definition="From the first alert until arrival at the scene; most published studies use this one.",
        source="NEMSIS eTimes.06 - eTimes.03; DOMAIN 2.3",
    ),
    Interval(
        key="scene",
        start="on_scene_at",
        end="left_scene_at",
        title="Time at the scene",
        definition="From arrival at the scene until leaving it with the patient.",
        source="NEMSIS eTimes.09 - eTimes.06; DOMAIN 2.3",
    ),
    Interval(
        key="transport",
        start="left_scene_at",
        end="at_facility_at",
        title="Transport time",
        definition="From leaving the scene with the patient until arrival at the facility.",
        source="NEMSIS eTimes.11 - eTimes.09; DOMAIN 2.3",
    ),
    Interval(
        key="turnaround",
        start="at_facility_at",
        end="available_at",
        title="Turnaround time",
        definition=(
            "From arrival at the facility until available again; without transport, from arrival at the "
            "scene."
        ),
        source="NEMSIS eTimes.13 - eTimes.11 (eTimes.06 without transport); DOMAIN 2.3",
    ),
)

INTERVAL: Mapping[str, Interval] = {interval.key: interval for interval in INTERVALS}
"""The intervals by key."""


def measure(
    times: Mapping[str, datetime | None], *, outcome: Outcome | None = None, by_voice: bool = True
) -> Mapping[str, Measured]:
    """Measure every interval of one incident from its times (keys of CONTRACT 7; a missing key is None).

    An absent time is *not recorded* unless the record itself shows that there was none: the worker was
    alerted before anybody spoke; nobody was transported; the incident is closed and its ``outcome`` (prank,
    advice, cancelled…) needs no arrival; it did not begin with a call (``by_voice``),
    or the caller ended it before anybody was there (wrong number, abandoned).
    """
    in_order = tuple(times.get(name) for name in TIME_NAMES)
    measured = durations(in_order, outcome=outcome, by_voice=by_voice)
    return dict(zip(INTERVAL, measured, strict=True))


def durations(
    times: Sequence[datetime | None], *, outcome: Outcome | None, by_voice: bool
) -> tuple[Measured, ...]:
    """The same for times in the order of :data:`TIME_NAMES`, in the order of :data:`INTERVALS`.

    A year has a hundred thousand of them and few shapes, so what applies is worked out once for each shape.
    """
    answered, alerted = times[_ANSWERED], times[_ALERTED]
    spoke_first = answered is not None and alerted is not None and answered <= alerted
    shape = tuple([at is not None for at in times])
    plan = _plan(shape, spoke_first, outcome, by_voice)
    return tuple([step if isinstance(step, State) else _seconds(times, step) for step in plan])


_ANSWERED, _ALERTED = TIME_NAMES.index("answered_at"), TIME_NAMES.index("alerted_at")


def _seconds(times: Sequence[datetime | None], ends: tuple[int, int]) -> Measured:
    start, end = times[ends[0]], times[ends[1]]
    assert start is not None
    assert end is not None
    seconds = round((end - start).total_seconds(), 3)
    return State.ANOMALY if seconds < 0 else abs(seconds)


@lru_cache(maxsize=4096)
def _plan(
    shape: tuple[bool, ...], spoke_first: bool, outcome: Outcome | None, by_voice: bool
) -> tuple[State | tuple[int, int], ...]:
    """For each interval the positions of its two times, or why it has none."""
    present = frozenset(name for name, there in zip(TIME_NAMES, shape, strict=True) if there)
    case = _Case(present=present, spoke_first=spoke_first, outcome=outcome, by_voice=by_voice)
    return tuple(_step(interval, case) for interval in INTERVALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Which times an incident has, and what they show about each other."""

    present: frozenset[str]
    spoke_first: bool
    outcome: Outcome | None
    by_voice: bool

    def has(self, *names: str) -> bool:
        return not self.present.isdisjoint(names)

    @property
    def transported(self) -> bool:
        return self.has("left_scene_at", "at_facility_at") or self.outcome in WITH_TRANSPORT

    def ended_before(self, name: str) -> bool:
        """Whether the incident was over before this step, so that no time of it can exist."""
        step = _STEPS.index(name)
        if not self.has("closed_at") or self.has(*_STEPS[step:]):
            return False
        return self.outcome in WITHOUT_ARRIVAL


def _step(interval: Interval, case: _Case) -> State | tuple[int, int]:
    if _does_not_apply(interval, case):
        return State.NOT_APPLICABLE
    without_transport = interval.key == "turnaround" and not case.transported
    start = "on_scene_at" if without_transport else interval.start
    if not (case.has(start) and case.has(interval.end)):
        return State.NOT_RECORDED
    return TIME_NAMES.index(start), TIME_NAMES.index(interval.end)


def _does_not_apply(interval: Interval, case: _Case) -> bool:
    """Whether the record shows that the interval cannot exist, and not just that nobody wrote it down."""
    match interval.key:
        case "answer":
            nobody_waited = not case.by_voice or case.outcome in _WITHOUT_ANSWER
            return nobody_waited and not case.has("answered_at")
        case "call_processing":
            return not case.spoke_first and (case.has("alerted_at") or not case.by_voice)
        case "scene" | "transport":
            return case.has("available_at", "closed_at") and not case.transported
        case _:
            return case.ended_before(interval.end)
