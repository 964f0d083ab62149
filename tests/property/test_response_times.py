"""Durations are never negative, percentiles are ordered values, and a share lies in its interval."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.response_times import INTERVALS, measure
from dispatch.domain.summaries import (
    State,
    median,
    percentile_linear,
    percentile_nearest_rank,
    summarise,
    wilson,
)
from dispatch.domain.vocabulary import Outcome

_NAMES = ["received_at", *(interval.end for interval in INTERVALS), "staged_at", "closed_at"]
_RING = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_instants = st.none() | st.floats(-60, 7200).map(lambda after: _RING + timedelta(seconds=after))
_cases = st.fixed_dictionaries(dict.fromkeys(_NAMES, _instants))
_values = st.lists(st.integers(0, 10_000), min_size=1, max_size=200)
_percents = st.integers(0, 100)


@given(_cases, st.none() | st.sampled_from(Outcome), st.booleans())
def test_only_recorded_intervals_have_seconds_and_none_is_negative(
    times: dict[str, datetime | None], outcome: Outcome | None, by_voice: bool
) -> None:
    for found in measure(times, outcome=outcome, by_voice=by_voice).values():
        assert found is not State.RECORDED
        assert isinstance(found, State) or math.copysign(1, found) == 1


@given(_cases)
def test_the_parts_of_a_response_add_up(times: dict[str, datetime | None]) -> None:
    found = measure(times)
    parts = [found["alert"], found["turnout"], found["travel"]]
    recorded = [part for part in parts if not isinstance(part, State)]
    if len(recorded) == len(parts):
        response = found["response"]
        assert not isinstance(response, State)
        assert math.isclose(sum(recorded), response, abs_tol=0.002)


@given(_values, _percents)
def test_the_nearest_rank_is_a_value_that_enough_do_not_exceed(values: list[int], p: int) -> None:
    found = percentile_nearest_rank(values, p)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= p * len(values)
    assert p == 0 or sum(value < found for value in values) * 100 < p * len(values)


@given(_values, _percents, _percents)
def test_percentiles_rise_and_stay_within_the_values(values: list[int], p: int, q: int) -> None:
    low, high = sorted((p, q))
    for function in (percentile_nearest_rank, percentile_linear):
        assert min(values) <= function(values, low) <= function(values, high) <= max(values)
    assert percentile_linear(values, 50) == median(values)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval(case: tuple[int, int]) -> None:
    successes, n = case
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high


@given(st.lists(_cases, max_size=20), st.integers(0, 7200))
def test_every_incident_is_in_exactly_one_state(
    cases: list[dict[str, datetime | None]], target_s: int
) -> None:
    summary = summarise((measure(times)["response"] for times in cases), target_s=target_s)
    states = (summary.recorded, summary.not_recorded, summary.not_applicable, summary.anomalies)
    assert sum(states) == summary.count == len(cases)
    assert summary.values is not None
    assert len(summary.values) == summary.recorded
