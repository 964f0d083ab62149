"""Every interval by its definition, absences told apart, and percentiles against worked examples."""

import doctest
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import comb
from statistics import mean

import pytest

from dispatch.domain import summaries
from dispatch.domain.response_times import INTERVAL, INTERVALS, measure
from dispatch.domain.summaries import (
    Measured,
    State,
    median,
    percentile_linear,
    percentile_nearest_rank,
    rank_limits,
    summarise,
    wilson,
)
from dispatch.domain.vocabulary import Outcome

_RING = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_GOLDEN = [180, 210, 240, 300, 330, 360, 420, 480, 600, 1500]
_NOT_RECORDED = (State.NOT_RECORDED, None)
_NOT_APPLICABLE = (State.NOT_APPLICABLE, None)


def _times(**seconds: float | None) -> dict[str, datetime | None]:
    return {
        f"{name}_at": None if after is None else _RING + timedelta(seconds=after)
        for name, after in seconds.items()
    }


_WHOLE = _times(
    received=0,
    alerted=0.25,
    accepted=20,
    answered=21.5,
    en_route=90,
    staged=200,
    on_scene=480.125,
    left_scene=1200,
    at_facility=2100,
    available=2700,
    closed=2700,
)


def _of(
    times: dict[str, datetime | None], key: str, outcome: Outcome | None = None
) -> tuple[State, float | None]:
    found = measure(times, outcome=outcome)[key]
    return (found, None) if isinstance(found, State) else (State.RECORDED, found)


def test_the_examples_in_the_module_are_true() -> None:
    assert doctest.testmod(summaries).failed == 0


@pytest.mark.parametrize(
    ("key", "seconds"),
    [
        ("answer", 21.5),
        ("alert", 0.25),
        ("acknowledgement", 19.75),
        ("turnout", 89.75),
        ("travel", 390.125),
        ("response", 480.125),
        ("response_from_alert", 479.875),
        ("scene", 719.875),
        ("transport", 900.0),
        ("turnaround", 600.0),
    ],
)
def test_a_whole_incident_is_measured_to_the_millisecond(key: str, seconds: float) -> None:
    assert _of(_WHOLE, key) == (State.RECORDED, seconds)


def test_call_processing_applies_only_when_somebody_spoke_first() -> None:
    assert _of(_WHOLE, "call_processing") == _NOT_APPLICABLE
    assert _of(_times(received=0, answered=5, alerted=35), "call_processing") == (State.RECORDED, 30.0)
    assert _of(_times(received=0, alerted=1), "call_processing") == _NOT_APPLICABLE
    assert _of(_times(received=0, answered=5), "call_processing") == _NOT_RECORDED


def test_turnaround_without_transport_begins_at_the_scene() -> None:
    treated = _times(received=0, alerted=1, accepted=2, en_route=60, on_scene=300, available=900, closed=900)
    assert _of(treated, "turnaround") == (State.RECORDED, 600.0)
    assert _of(treated, "scene") == _NOT_APPLICABLE
    assert _of(treated, "transport") == _NOT_APPLICABLE


def test_a_transport_without_its_times_was_not_recorded() -> None:
    times = _times(received=0, alerted=1, accepted=2, en_route=60, on_scene=300, available=900, closed=900)
    assert _of(times, "transport", Outcome.TRANSPORTED) == _NOT_RECORDED
    assert _of(times, "turnaround", Outcome.REFERRED) == _NOT_RECORDED
    left_only = {**times, **_times(left_scene=500)}
    assert _of(left_only, "scene") == (State.RECORDED, 200.0)
    assert _of(left_only, "transport") == _NOT_RECORDED
    assert _of(left_only, "turnaround") == _NOT_RECORDED


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (None, State.NOT_RECORDED),
        (Outcome.TREATED, State.NOT_RECORDED),
        (Outcome.NOT_FOUND, State.NOT_RECORDED),
        (Outcome.CANCELLED, State.NOT_APPLICABLE),
        (Outcome.PRANK, State.NOT_APPLICABLE),
    ],
)
def test_an_arrival_that_nobody_wrote_down_counts_as_missing_unless_the_outcome_explains_it(
    outcome: Outcome | None, state: State
) -> None:
    accepted_only = _times(received=0, alerted=1, accepted=2, closed=600)
    assert _of(accepted_only, "response", outcome)[0] is state


def test_a_step_that_was_skipped_over_was_not_recorded_whatever_the_outcome() -> None:
    times = _times(received=0, alerted=1, accepted=2, on_scene=300, available=900, closed=900)
    assert _of(times, "turnout", Outcome.CANCELLED) == _NOT_RECORDED
    assert _of(times, "travel", Outcome.CANCELLED) == _NOT_RECORDED
    assert _of(times, "response", Outcome.CANCELLED) == (State.RECORDED, 300.0)


def test_an_incident_that_needed_nobody_has_no_response_and_one_that_did_lacks_it() -> None:
    """That nobody pressed a key does not show that nobody went (NEMSIS 7701003, not 7701001)."""
    times = _times(received=0, alerted=1, closed=60)
    for outcome in (Outcome.TREATED, Outcome.TRANSPORTED, None):
        assert measure(times, outcome=outcome)["response"] is State.NOT_RECORDED
        assert measure(times, outcome=outcome)["turnout"] is State.NOT_RECORDED
    closed = measure(times, outcome=Outcome.ADVICE)
    assert {key for key, found in closed.items() if found is State.NOT_APPLICABLE} == {
        "call_processing",
        "acknowledgement",
        "turnout",
        "travel",
        "response",
        "response_from_alert",
        "scene",
        "transport",
        "turnaround",
    }
    still_open = _times(received=0, alerted=1)
    assert _of(still_open, "response") == _NOT_RECORDED


def test_what_did_not_begin_with_a_call_has_no_answer_time() -> None:
    found = measure(_times(received=0, alerted=1), by_voice=False)
    assert found["answer"] is State.NOT_APPLICABLE
    assert measure(_times(received=0, alerted=1))["answer"] is State.NOT_RECORDED
    assert measure({})["response"] is State.NOT_RECORDED


def test_an_impossible_order_is_an_anomaly_and_no_negative_duration() -> None:
    assert _of({**_WHOLE, **_times(on_scene=30)}, "travel") == (State.ANOMALY, None)
    assert _of({**_WHOLE, **_times(on_scene=30)}, "response") == (State.RECORDED, 30.0)
    assert _of({**_WHOLE, **_times(on_scene=-5)}, "response") == (State.ANOMALY, None)
    assert _of({**_WHOLE, **_times(on_scene=90)}, "travel") == (State.RECORDED, 0.0)


def test_every_interval_defines_itself() -> None:
    known = {*_WHOLE}
    assert [interval.key for interval in INTERVALS] == list(INTERVAL)
    for interval in INTERVALS:
        assert {interval.start, interval.end} <= known
        assert interval.definition.startswith("From ")
        assert interval.definition.endswith(".")
        assert interval.title
        assert interval.source


def test_the_worked_example_of_the_field() -> None:
    assert mean(_GOLDEN) == 462
    assert median(_GOLDEN) == 345
    assert percentile_nearest_rank(_GOLDEN, 90) == 600
    assert percentile_linear(_GOLDEN, 90) == pytest.approx(690)


@pytest.mark.parametrize(
    ("values", "p", "nearest", "linear"),
    [
        ([5], 90, 5, 5),
        ([5], 0, 5, 5),
        ([15, 20, 35, 40, 50], 30, 20, 23),
        ([15, 20, 35, 40, 50], 40, 20, 29),
        ([15, 20, 35, 40, 50], 50, 35, 35),
        ([15, 20, 35, 40, 50], 100, 50, 50),
        ([50, 15, 40, 20, 35], 5, 15, 16),
        (list(range(1, 101)), 90, 90, 90.1),
        (list(range(1, 1001)), 99.9, 999, 999.001),
        (list(range(1, 1001)), 57, 570, 570.43),
    ],
)
def test_percentiles_by_both_methods(values: list[float], p: float, nearest: float, linear: float) -> None:
    assert percentile_nearest_rank(values, p) == nearest
    assert percentile_linear(values, p) == pytest.approx(linear)


@pytest.mark.parametrize("function", [percentile_nearest_rank, percentile_linear])
def test_percentiles_of_nothing_are_refused(function: Callable[[Sequence[float], float], float]) -> None:
    with pytest.raises(ValueError, match="no values"):
        function([], 90)
    with pytest.raises(ValueError, match="between 0 and 100"):
        function([1], 101)
    with pytest.raises(ValueError, match="no values"):
        median([])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 1, 0.2065, 1.0),
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_wilson_against_published_values(successes: int, n: int, low: float, high: float) -> None:
    assert list(wilson(successes, n)) == pytest.approx([low, high], abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_of_no_share_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, n)


def test_a_summary_counts_every_state() -> None:
    measured: list[Measured] = [
        *_GOLDEN,
        *[State.NOT_RECORDED] * 3,
        *[State.NOT_APPLICABLE] * 2,
        State.ANOMALY,
    ]
    summary = summarise(measured, target_s=600)
    assert summary.applicable == 14
    assert summary.share_missing == pytest.approx(3 / 14)
    assert (summary.count, summary.recorded) == (16, 10)
    assert (summary.not_recorded, summary.not_applicable, summary.anomalies) == (3, 2, 1)
    assert (summary.median_s, summary.p90_s, summary.method) == (345, 600, "nearest-rank")
    assert (summary.within_target, summary.share_within, summary.target_s) == (9, 0.9, 600)
    assert [summary.share_low, summary.share_high] == pytest.approx([0.5958, 0.9821], abs=5e-5)
    assert summary.values == tuple(_GOLDEN)


def test_a_summary_of_nothing_claims_nothing() -> None:
    summary = summarise([], target_s=600)
    assert (summary.count, summary.within_target) == (0, 0)
    assert (summary.median_s, summary.p90_s, summary.share_within, summary.share_low) == (
        None,
        None,
        None,
        None,
    )
    assert summarise([1]).within_target is None


def test_many_values_are_summed_up_and_not_listed() -> None:
    assert summarise([1] * 31).values is None


@pytest.mark.parametrize("p", [50, 90])
@pytest.mark.parametrize("n", [1, 5, 10, 22, 29, 59, 200])
def test_the_limits_of_a_percentile_are_those_of_the_binomial_distribution(n: int, p: int) -> None:
    share = p / 100

    def fewer(rank: int) -> float:
        """The chance that fewer than *rank* of *n* values lie below the true percentile."""
        return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(rank))

    low, high = rank_limits(n, p)
    # The widest ranks that leave at most 2.5 % on their side; the next one inwards leaves more.
    if low is not None:
        assert fewer(low) <= 0.025
    assert fewer((low or 0) + 1) > 0.025
    if high is not None:
        assert 1 - fewer(high) <= 0.025
    assert high == 1 or 1 - fewer((high or n + 1) - 1) > 0.025


def test_a_percentile_of_few_values_has_no_upper_limit() -> None:
    summary = summarise(_GOLDEN)
    assert (summary.median_limits.low, summary.median_limits.high) == (210, 600)
    assert (summary.p90_limits.low, summary.p90_limits.high) == (420, None)


def test_limits_of_a_large_number_are_found_at_once() -> None:
    assert rank_limits(100_000, 50) == (49_690, 50_311)
