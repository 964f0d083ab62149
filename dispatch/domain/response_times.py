"""Response times: what each interval measures, when it may be printed, and how many are summed up.

Decides the definition of every interval, tells a time that was not recorded from one that does not apply, and
never prints an impossible one: an order of times that cannot be is an anomaly, not a negative duration.
Never decides which incidents belong in a report, and rounds nothing. Sources: DOMAIN 2.1-2.3 and 5.4.

Percentiles are by nearest rank unless said otherwise: "90 % were reached within X" is then true of the calls
that were made, which matters while they are few (DOMAIN 2.2).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median as _median

from dispatch.domain.vocabulary import Outcome

SMALL = 30
"""Up to so many values a summary carries the values themselves: they say more than their percentile."""

_Z_95 = 1.959964
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

_WITH_TRANSPORT = (Outcome.TRANSPORTED, Outcome.REFERRED)
_WITHOUT_ARRIVAL = frozenset(
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


class State(StrEnum):
    """What is known of one interval of one incident; NEMSIS codes the two absences apart (DOMAIN 2.3)."""

    RECORDED = "recorded"
    NOT_RECORDED = "not_recorded"
    NOT_APPLICABLE = "not_applicable"
    ANOMALY = "anomaly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One interval of one incident; ``seconds`` (to the millisecond) only when recorded."""

    state: State
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One interval over many incidents.

    ``count`` is all that were handed in. Shares are of the recorded ones, with their 95 % Wilson interval;
    they are None without a target or without values. ``values`` (seconds, ascending) stand here while they
    are few.
    """

    count: int
    recorded: int
    not_recorded: int
    not_applicable: int
    anomalies: int
    median_s: float | None
    p90_s: float | None
    within_target: int | None
    share_within: float | None
    share_low: float | None
    share_high: float | None
    target_s: float | None
    method: str = "nearest-rank"
    values: tuple[float, ...] | None = None


def measure(
    times: Mapping[str, datetime | None], *, outcome: Outcome | None = None, by_voice: bool = True
) -> Mapping[str, Measurement]:
    """Measure every interval of one incident from its times (keys of CONTRACT 7; a missing key is None).

    An absent time is *not recorded* unless the record itself shows that there was none: the worker was
    alerted before anybody spoke; nobody was transported; the incident is closed and nobody ever accepted it;
    its ``outcome`` (prank, advice, cancelled…) needs no arrival; it did not begin with a call (``by_voice``).
    """
    case = _Case(times=times, outcome=outcome, by_voice=by_voice)
    return {interval.key: _measure(interval, case) for interval in INTERVALS}


def percentile_nearest_rank(values: Sequence[float], p: float) -> float:
    """Return the smallest value that at least ``p`` percent of the values do not exceed.

    Raises ValueError for no values or ``p`` outside 0-100.

    >>> percentile_nearest_rank([180, 210, 240, 300, 330, 360, 420, 480, 600, 1500], 90)
    600
    """
    ordered = _ordered(values, p)
    # The product first: 0.9 * 10 is a little more than 9 for some p, and would skip a rank.
    return ordered[max(1, math.ceil(round(p * len(ordered), 9) / 100)) - 1]


def percentile_linear(values: Sequence[float], p: float) -> float:
    """Return the percentile interpolated between ranks, NumPy's default (Hyndman and Fan's type 7).

    Raises ValueError for no values or ``p`` outside 0-100.

    >>> percentile_linear([180, 210, 240, 300, 330, 360, 420, 480, 600, 1500], 90)
    690.0
    """
    ordered = _ordered(values, p)
    rank, hundredths = divmod(p * (len(ordered) - 1), 100)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * hundredths / 100


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two middle ones; ValueError for no values.

    >>> median([180, 210, 240, 300, 330, 360, 420, 480, 600, 1500])
    345.0
    """
    if not values:
        raise ValueError("no values have no median")
    return _median(values)


def wilson(successes: int, n: int, z: float = _Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); 95 % with the default ``z``.

    It stays within 0-1 and is honest for few cases, where the usual interval is not. ValueError for n < 1.

    >>> [round(limit, 4) for limit in wilson(9, 10)]
    [0.5958, 0.9821]
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return low, high


def summarise(measurements: Iterable[Measurement], *, target_s: float | None = None) -> Summary:
    """Sum up one interval over incidents; ``target_s`` is met by a duration equal to it or shorter."""
    counts = dict.fromkeys(State, 0)
    recorded: list[float] = []
    for measurement in measurements:
        counts[measurement.state] += 1
        if measurement.state is State.RECORDED and measurement.seconds is not None:
            recorded.append(measurement.seconds)
    recorded.sort()
    within = None if target_s is None else sum(seconds <= target_s for seconds in recorded)
    low, high = wilson(within, len(recorded)) if recorded and within is not None else (None, None)
    return Summary(
        count=sum(counts.values()),
        recorded=len(recorded),
        not_recorded=counts[State.NOT_RECORDED],
        not_applicable=counts[State.NOT_APPLICABLE],
        anomalies=counts[State.ANOMALY],
        median_s=median(recorded) if recorded else None,
        p90_s=percentile_nearest_rank(recorded, 90) if recorded else None,
        within_target=within,
        share_within=within / len(recorded) if recorded and within is not None else None,
        share_low=low,
        share_high=high,
        target_s=target_s,
        values=tuple(recorded) if len(recorded) <= SMALL else None,
    )


def _ordered(values: Sequence[float], p: float) -> list[float]:
    if not values:
        raise ValueError("no values have no percentile")
    if not 0 <= p <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, not at {p}")
    return sorted(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One incident's times and what they show about each other."""

    times: Mapping[str, datetime | None]
    outcome: Outcome | None
    by_voice: bool

    def has(self, *names: str) -> bool:
        return any(self.times.get(name) is not None for name in names)

    @property
    def transported(self) -> bool:
        return self.has("left_scene_at", "at_facility_at") or self.outcome in _WITH_TRANSPORT

    def ended_before(self, name: str) -> bool:
        """Whether the incident was over before this step, so that no time of it can exist."""
        step = _STEPS.index(name)
        if not self.has("closed_at") or self.has(*_STEPS[step:]):
            return False
        return self.outcome in _WITHOUT_ARRIVAL or not self.has(*_STEPS[_STEPS.index("accepted_at") :])


def _measure(interval: Interval, case: _Case) -> Measurement:
    if _does_not_apply(interval, case):
        return Measurement(state=State.NOT_APPLICABLE)
    without_transport = interval.key == "turnaround" and not case.transported
    start = case.times.get("on_scene_at" if without_transport else interval.start)
    end = case.times.get(interval.end)
    if start is None or end is None:
        return Measurement(state=State.NOT_RECORDED)
    seconds = round((end - start).total_seconds(), 3)
    if seconds < 0:
        return Measurement(state=State.ANOMALY)
    return Measurement(state=State.RECORDED, seconds=abs(seconds))


def _does_not_apply(interval: Interval, case: _Case) -> bool:
    """Whether the record shows that the interval cannot exist, and not just that nobody wrote it down."""
    answered, alerted = case.times.get("answered_at"), case.times.get("alerted_at")
    match interval.key:
        case "answer":
            return not case.by_voice and answered is None
        case "call_processing":
            spoke_first = answered is not None and alerted is not None and answered <= alerted
            return not spoke_first and (alerted is not None or not case.by_voice)
        case "scene" | "transport":
            return case.has("available_at", "closed_at") and not case.transported
        case _:
            return case.ended_before(interval.end)
