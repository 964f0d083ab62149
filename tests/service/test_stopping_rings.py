"""Ending the ringing of somebody who is not needed any more, whoever placed the call."""

from collections.abc import Callable
from datetime import datetime

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AlertChannel
from dispatch.ports import OutcomeUnknownError, ProviderRefusedError, ProviderUnavailableError, TelephonyError
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


class SaysNo(FakeProvider):
    """A company that will not do it."""

    def stop_ringing(self, provider_sid: str) -> None:
        raise ProviderRefusedError("no such call", code="21211")


class Witness(FakeProvider):
    """A company that notes, among all of them, what it is told to stop."""

    def __init__(self, name: str, told: list[tuple[str, str]], *, now: Callable[[], datetime]) -> None:
        super().__init__(name, now=now)
        self._told = told

    def stop_ringing(self, provider_sid: str) -> None:
        self._told.append((self.name, provider_sid))


class Hangs(FakeProvider):
    """A company that takes what it is told, so late that nobody hears of it: each request takes its time."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, now=world.clock.now)
        self._world = world

    def stop_ringing(self, provider_sid: str) -> None:
        super().stop_ringing(provider_sid)
        self._world.hand.advance(self._world.services.request_s)
        raise HANGS


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


def assert_all_is_stopped(world: World) -> None:
    found = [row.state for row in world.deliveries(purpose="hang_up", to_number=PHONES["N02"])]
    assert found
    assert set(found) == {"delivered"}


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


def test_a_ring_whose_company_nobody_knows_is_stopped_when_the_silent_one_is_back(world: World) -> None:
    """The row names the company of the later call; the earlier one rings at the one that is silent now."""
    later = rings_twice(world)
    earlier = world.provider.last_call_to(PHONES["N02"])
    world.network_says(earlier, "ringing")
    goes_silent(world, "one")
    is_not_needed_any_more(world)
    assert (stopped(world, earlier), stopped(world, later)) == ([False, True], [False, True])
    world.sender.breakers.answered("one")
    world.passes(1)
    assert stopped(world, earlier) == [True, True]
    assert_all_is_stopped(world)


def test_another_company_that_refuses_for_good_is_not_asked_for_ever(world: World) -> None:
    rings_twice(world)
    world.providers[0] = SaysNo("one", now=world.clock.now)
    is_not_needed_any_more(world)
    assert_all_is_stopped(world)


def test_the_one_that_has_the_call_is_told_first(world: World) -> None:
    silent = rings_twice(world)
    told: list[tuple[str, str]] = []
    world.providers[:] = [Witness(provider.name, told, now=world.clock.now) for provider in world.providers]
    is_not_needed_any_more(world)
    assert [name for name, sid in told if sid == silent.sid] == ["two", "one"]


def test_no_other_company_is_told_what_it_might_answer_only_after_the_lease(make_world: MakeWorld) -> None:
    """By then another engine may be telling it the same; who did not hear it this time hears it the next."""
    world = make_world(plan=VOICE_ONLY, provider_names=("one", "two", "three"))
    silent = rings_twice(world)
    quick = world.providers[:]
    world.providers[:2] = [Hangs("one", world), Hangs("two", world)]
    (incident,) = world.incidents()
    world.worker("N01").accepts(incident.id)
    assert world.engine.run_once()
    assert stopped(world, silent) == [True, True, False]
    world.providers[:] = quick
    world.passes(world.services.lease_s)
    assert stopped(world, silent) == [True, True, True]
    assert_all_is_stopped(world)


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


def test_a_stop_that_was_tried_twice_is_not_taken_for_a_ring(world: World) -> None:
    """Whoever is rung next, by a request whose answer is lost, is rung once."""
    rings_once(world)
    goes_silent(world, "one")
    is_not_needed_any_more(world)
    world.sender.breakers.answered("one")
    world.works()
    [hang_up] = world.deliveries(purpose="hang_up", to_number=PHONES["N02"])
    assert hang_up.attempts == 2
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N02")
    world.provider.will(Outcome.ANSWER_LOST, to_number=PHONES["N02"])
    world.works()
    world.passes(1)
    assert [provider.rung.count(PHONES["N02"]) for provider in world.providers] == [2, 0]


def test_that_a_ring_could_be_stopped_is_a_sign_that_the_provider_is_back(world: World) -> None:
    rings_once(world)
    goes_silent(world, "one")
    world.hand.advance(PROBE_EVERY_S)
    is_not_needed_any_more(world)
    assert not world.sender.breakers.is_open("one")
