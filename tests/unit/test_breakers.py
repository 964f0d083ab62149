"""When a provider counts as silent, how seldom it is tried then, and when it counts as back."""

import pytest

from dispatch.ports import (
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
)
from dispatch.service.breakers import OPEN_AFTER, PROBE_EVERY_S, Breakers, Change
from tests.builders import START
from tests.fakes.clock import FakeClock

REQUEST_S = 13.0
DOWN = ProviderUnavailableError("no connection", code="connect")


class _Watched:
    """Breakers, and what they said."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.said: list[Change] = []
        self.breakers = Breakers(self.clock, self.said.append, request_s=REQUEST_S)

    def fails(self, times: int, error: TelephonyError = DOWN, provider: str = "first") -> "_Watched":
        for _ in range(times):
            self.breakers.failed(provider, error)
        return self


@pytest.mark.parametrize("error", [DOWN, OutcomeUnknownError("no answer", code="timeout")])
def test_it_opens_after_a_few_failures_in_a_row(error: TelephonyError) -> None:
    watched = _Watched().fails(OPEN_AFTER - 1, error)
    assert not watched.breakers.is_open("first")
    assert watched.breakers.lets_through("first")
    watched.fails(1, error)
    assert watched.breakers.is_open("first")
    assert not watched.breakers.lets_through("first")
    assert not watched.breakers.is_open("second"), "each provider has its own"
    assert watched.said == [Change(provider="first", open_since=START, code=error.code)]


def test_failures_with_answers_between_them_open_nothing() -> None:
    watched = _Watched()
    for _ in range(5):
        watched.fails(OPEN_AFTER - 1).breakers.answered("first")
    assert not watched.breakers.is_open("first")
    assert watched.said == []


def test_a_refusal_is_an_answer() -> None:
    watched = _Watched().fails(OPEN_AFTER).fails(1, ProviderRefusedError("no such number", code="21211"))
    assert not watched.breakers.is_open("first")


def test_one_probe_is_let_through_in_its_time() -> None:
    watched = _Watched().fails(OPEN_AFTER)
    watched.clock.advance(PROBE_EVERY_S - 0.001)
    assert not watched.breakers.lets_through("first")
    watched.clock.advance(0.001)
    assert [watched.breakers.lets_through("first") for _ in range(3)] == [True, False, False]


def test_the_next_probe_begins_when_the_last_one_has_ended() -> None:
    """Requests that hang would gather otherwise, until no sender is left."""
    watched = _Watched().fails(OPEN_AFTER)
    watched.clock.advance(PROBE_EVERY_S)
    assert watched.breakers.lets_through("first")
    watched.clock.advance(REQUEST_S - 0.001)
    assert not watched.breakers.lets_through("first")
    watched.fails(1)
    watched.clock.advance(PROBE_EVERY_S - 0.001)
    assert not watched.breakers.lets_through("first")
    watched.clock.advance(0.001)
    assert watched.breakers.lets_through("first")


def test_a_probe_whose_end_nobody_told_of_is_waited_for_as_long_as_it_can_last() -> None:
    watched = _Watched().fails(OPEN_AFTER)
    watched.clock.advance(PROBE_EVERY_S)
    assert watched.breakers.lets_through("first")
    watched.clock.advance(REQUEST_S)
    assert watched.breakers.lets_through("first")


def test_a_failed_probe_keeps_it_open_since_the_beginning() -> None:
    watched = _Watched().fails(OPEN_AFTER)
    watched.clock.advance(60)
    assert watched.breakers.lets_through("first")
    watched.fails(1)
    assert not watched.breakers.lets_through("first")
    assert watched.said[-1].open_since == START


def test_an_answer_closes_it_and_is_told_once() -> None:
    watched = _Watched().fails(OPEN_AFTER)
    watched.breakers.answered("first")
    watched.breakers.answered("first")
    assert watched.breakers.lets_through("first")
    assert [change.open_since for change in watched.said] == [START, None]
    assert not watched.fails(OPEN_AFTER - 1).breakers.is_open("first"), "it begins to count anew"


def test_a_clock_that_is_put_back_does_not_close_the_door_for_an_hour() -> None:
    watched = _Watched().fails(OPEN_AFTER)
    watched.clock.advance(-3600)
    assert watched.breakers.lets_through("first")
