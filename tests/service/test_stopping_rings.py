"""Ending the ringing of somebody who is not needed any more, whoever placed the call."""

from collections.abc import Callable
from datetime import datetime

import pytest

from dispatch.domain.vocabulary import AlertChannel
from dispatch.ports import OutcomeUnknownError, ProviderUnavailableError, TelephonyError
from dispatch.service.breakers import OPEN_AFTER, PROBE_EVERY_S
from tests.builders import policy, tier
from tests.fakes.telephony import FakeProvider, Outcome, Sent
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

VOICE_ONLY = policy(tier("jaga", at_once=2, within_s=900.0, channels=(AlertChannel.VOICE,)))
HANGS = OutcomeUnknownError("no answer", code="timeout")


class OutOfReach(FakeProvider):
    """A company that cannot be told to stop anything."""

    def stop_ringing(self, provider_sid: str) -> None:
        self.stopped.append(provider_sid)
        raise ProviderUnavailableError("connection refused", code="unreachable")


class Witness(FakeProvider):
    """A company that notes, among all of them, what it is told to stop."""

    def __init__(self, name: str, told: list[tuple[str, str]], *, now: Callable[[], datetime]) -> None:
        super().__init__(name, now=now)
        self._told = told

    def stop_ringing(self, provider_sid: str) -> None:
        self._told.append((self.name, provider_sid))


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(plan=VOICE_ONLY, provider_names=("one", "two"))


def rings_once(world: World) -> Sent:
    """N02 is rung by the first company, and nobody doubts it."""
    world.resident().rings()
    world.works()
    return world.provider.last_call_to(PHONES["N02"])


def rings_twice(world: World) -> Sent:
    """The first company had the call, did not say so, and so the second one has it too."""
    world.provider.will(Outcome.ANSWER_LOST, to_number=PHONES["N02"])
    world.provider.lists_fail = HANGS
    world.resident().rings()
    world.works()
    world.passes(1)
    return world.providers[1].last_call_to(PHONES["N02"])


def is_not_needed_any_more(world: World) -> None:
    (incident,) = world.incidents()
    world.worker("N01").accepts(incident.id)
    world.works()


def stopped(world: World, sent: Sent) -> list[bool]:
    return [sent.sid in provider.stopped for provider in world.providers]


def goes_silent(world: World, name: str, error: TelephonyError = HANGS) -> None:
    for _ in range(OPEN_AFTER):
        world.sender.breakers.failed(name, error)


def test_every_provider_is_told_to_stop_a_ring_that_was_sent_twice(world: World) -> None:
    """It may ring through either, and its row knows of one provider only."""
    silent = rings_twice(world)
    is_not_needed_any_more(world)
    assert stopped(world, silent) == [True, True]


def test_a_ring_that_was_sent_once_is_stopped_where_it_rings(world: World) -> None:
    silent = rings_once(world)
    is_not_needed_any_more(world)
    assert stopped(world, silent) == [True, False]


def test_a_provider_out_of_reach_keeps_no_ring_of_another_from_being_stopped(world: World) -> None:
    silent = rings_twice(world)
    world.providers[0] = OutOfReach("one", now=world.clock.now)
    is_not_needed_any_more(world)
    assert stopped(world, silent) == [True, True]
    [hang_up] = world.deliveries(purpose="hang_up", to_number=PHONES["N02"])
    assert hang_up.state == "delivered"


def test_the_one_that_has_the_call_is_told_first(world: World) -> None:
    silent = rings_twice(world)
    told: list[tuple[str, str]] = []
    world.providers[:] = [Witness(provider.name, told, now=world.clock.now) for provider in world.providers]
    is_not_needed_any_more(world)
    assert [name for name, sid in told if sid == silent.sid] == ["two", "one"]


def test_a_silent_provider_is_not_told_but_the_others_are(world: World) -> None:
    silent = rings_twice(world)
    goes_silent(world, "one")
    is_not_needed_any_more(world)
    assert stopped(world, silent) == [False, True]


def test_what_rings_at_a_silent_provider_is_stopped_when_it_is_back(world: World) -> None:
    silent = rings_once(world)
    goes_silent(world, "one")
    is_not_needed_any_more(world)
    [hang_up] = world.deliveries(purpose="hang_up", to_number=PHONES["N02"])
    assert (hang_up.state, hang_up.error_code, stopped(world, silent)) == (
        "pending",
        "breaker_open",
        [False, False],
    )
    world.sender.breakers.answered("one")
    world.works()
    assert stopped(world, silent) == [True, False]


def test_that_a_ring_could_be_stopped_is_a_sign_that_the_provider_is_back(world: World) -> None:
    rings_once(world)
    goes_silent(world, "one")
    world.hand.advance(PROBE_EVERY_S)
    is_not_needed_any_more(world)
    assert not world.sender.breakers.is_open("one")
