"""Summing up durations: median and percentiles, shares, and how sure they are.

Percentiles are by nearest rank unless said otherwise: "90 % were reached within X" is then true of the calls
that were made, which matters while they are few (DOMAIN 2.2). Limits are exact and assume nothing about how
durations are spread: Wilson's for a share, order statistics for a percentile. Knows nothing of incidents.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from statistics import median as _median

SMALL = 30
"""Up to so many values a summary carries the values themselves: they say more than their percentile."""

_Z_95 = 1.959964
_TAIL = 0.025


class State(StrEnum):
    """What is known of one interval of one incident; NEMSIS codes the two absences apart (DOMAIN 2.3)."""

    RECORDED = "recorded"
    NOT_RECORDED = "not_recorded"
    NOT_APPLICABLE = "not_applicable"
    ANOMALY = "anomaly"


Measured = float | State
"""Seconds when recorded, otherwise why there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Between which values a percentile lies with 95 % certainty; None where they are too few to say."""

    low: float | None
    high: float | None


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
    median_limits: Limits
    p90_s: float | None
    p90_limits: Limits
    within_target: int | None
    share_within: float | None
    share_low: float | None
    share_high: float | None
    target_s: float | None
    method: str = "nearest-rank"
    values: tuple[float, ...] | None = None

    @property
    def applicable(self) -> int:
        """Where there was something to be recorded."""
        return self.count - self.not_applicable

    @property
    def share_missing(self) -> float | None:
        """The part of the applicable ones that nobody recorded."""
        return self.not_recorded / self.applicable if self.applicable else None


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


@lru_cache(maxsize=512)
def rank_limits(n: int, p: float) -> tuple[int | None, int | None]:
    """Return the ranks (from 1) of the values between which the ``p`` percentile lies with 95 % certainty.

    Exact by the binomial distribution, whatever the durations' own (David and Nagaraja, *Order Statistics*,
    7.1); at most 2.5 % on either side. None where even the first or the last value does not reach so far.

    >>> rank_limits(10, 50)
    (2, 9)
    >>> rank_limits(10, 90)
    (7, None)
    """
    if n < 1 or not 0 < p < 100:
        raise ValueError(f"there is no rank of the {p} percentile of {n} values")
    share = p / 100
    spread = 12 * math.sqrt(n * share * (1 - share)) + 12
    # What lies further from the middle than twelve deviations does not show in a float.
    first, last = max(0, int(n * share - spread)), min(n, int(n * share + spread))
    low: int | None = None
    below = 0.0
    for successes in range(first, last + 1):
        # Here ``below`` is the chance of fewer successes: of a percentile below the value of this rank.
        if below <= _TAIL and successes >= 1:
            low = successes
        if 1 - below <= _TAIL:
            return low, successes
        below += math.exp(
            math.lgamma(n + 1)
            - math.lgamma(successes + 1)
            - math.lgamma(n - successes + 1)
            + successes * math.log(share)
            + (n - successes) * math.log1p(-share)
        )
    return low, None


def summarise(
    measured: Iterable[Measured],
    *,
    target_s: float | None = None,
    own_targets_s: Sequence[float | None] | None = None,
) -> Summary:
    """Sum up one interval over incidents; ``target_s`` is met by a duration equal to it or shorter.

    With ``own_targets_s`` each is held against its own, in the same order; where one has none, no share is
    told.
    """
    every = list(measured)
    recorded = sorted(each for each in every if not isinstance(each, State))
    absent = [each for each in every if isinstance(each, State)]
    within = None if target_s is None else sum(seconds <= target_s for seconds in recorded)
    if own_targets_s is not None:
        within = _within_own(every, own_targets_s)
    low, high = wilson(within, len(recorded)) if recorded and within is not None else (None, None)
    return Summary(
        count=len(every),
        recorded=len(recorded),
        not_recorded=absent.count(State.NOT_RECORDED),
        not_applicable=absent.count(State.NOT_APPLICABLE),
        anomalies=absent.count(State.ANOMALY),
        median_s=median(recorded) if recorded else None,
        median_limits=_limits(recorded, 50),
        p90_s=percentile_nearest_rank(recorded, 90) if recorded else None,
        p90_limits=_limits(recorded, 90),
        within_target=within,
        share_within=within / len(recorded) if recorded and within is not None else None,
        share_low=low,
        share_high=high,
        target_s=target_s,
        values=tuple(recorded) if len(recorded) <= SMALL else None,
    )


def _within_own(every: Sequence[Measured], own_targets_s: Sequence[float | None]) -> int | None:
    within = 0
    for each, target_s in zip(every, own_targets_s, strict=True):
        if isinstance(each, State):
            continue
        if target_s is None:
            return None
        within += each <= target_s
    return within


def _limits(ordered: Sequence[float], p: float) -> Limits:
    if not ordered:
        return Limits(low=None, high=None)
    low, high = rank_limits(len(ordered), p)
    return Limits(
        low=None if low is None else ordered[low - 1], high=None if high is None else ordered[high - 1]
    )


def _ordered(values: Sequence[float], p: float) -> list[float]:
    if not values:
        raise ValueError("no values have no percentile")
    if not 0 <= p <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, not at {p}")
    return sorted(values)
