"""Calls that wait for another try, and what they are for: nobody is rung once it serves no purpose."""

from collections.abc import Callable

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import DeliveryState, Outcome, Role, Source
from tests.builders import policy
from tests.fakes.telephony import Outcome as Answer
from tests.service.conftest import MakeWorld
from tests.world import PHONES, TEAM, Member, World

CALLER, N01 = "+628119999001", PHONES["N01"]
LONG_S = 300.0


# --- the caller, called back ----------------------------------------------------------------------


@pytest.fixture
def hung_up(make_world: MakeWorld) -> World:
    """A caller hung up before anybody was alerted, and cannot be called back: no provider answers."""
    world = make_world(plan=policy(alert_after_s=30))
    resident = world.resident(CALLER)
    resident.rings("CA-1")
    world.hand.advance(2)
    resident.hangs_up("CA-1")
    world.provider.will(*[Answer.UNREACHABLE] * 3, to_number=CALLER)
    world.works()
    return world


def test_a_caller_is_called_back_until_a_provider_takes_the_call(hung_up: World) -> None:
    hung_up.passes(LONG_S)
    assert hung_up.provider.rung.count(CALLER) == 1


def test_nobody_is_called_back_about_an_incident_that_is_closed_and_everybody_sees_it(hung_up: World) -> None:
    (incident,) = hung_up.incidents()
    hung_up.desk(incident.id, Action.CLOSE, outcome=Outcome.NOT_FOUND, reason="nobody there")
    hung_up.passes(LONG_S)
    assert CALLER not in hung_up.provider.rung
    (call_back,) = hung_up.deliveries(purpose="call_back")
    assert (call_back.state, call_back.error_code) == (DeliveryState.FAILED, "unreachable")
    assert call_back.lease_until is None
    assert call_back.finished_at is not None
    assert hung_up.kinds(incident.id)[-1] == "call.back_failed"
    assert hung_up.findings() == []


def test_who_was_reached_otherwise_is_not_called_back(hung_up: World) -> None:
    (incident,) = hung_up.incidents()
    hung_up.resident(CALLER).rings("CA-2")
    hung_up.works()
    hung_up.worker("N01").accepts(incident.id)
    hung_up.worker("N01").joins(incident.id)
    hung_up.passes(LONG_S)
    assert CALLER not in hung_up.provider.rung
    (call_back,) = hung_up.deliveries(purpose="call_back")
    assert (call_back.state, call_back.lease_until) == (DeliveryState.WITHDRAWN, None)
    assert "call.back_failed" not in hung_up.kinds(incident.id)
    assert hung_up.findings() == []


# --- the worker, called into the room -------------------------------------------------------------


def waiting_for(world: World) -> str:
    """A caller waits; N01 accepted by text, and the call into the room does not get through."""
    incident_id = world.resident(CALLER).rings("CA-1").incident_id
    world.works()
    world.network_says(world.provider.last_call_to(N01), "no-answer")
    world.provider.forgets()
    world.provider.will(*[Answer.UNREACHABLE] * 2, to_number=N01)
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.SMS)
    world.works()
    assert [d.state for d in world.deliveries(purpose="connect")] == [DeliveryState.PENDING]
    return incident_id


def test_a_worker_is_called_in_until_the_call_gets_through(world: World) -> None:
    waiting_for(world)
    world.passes(5)
    assert world.provider.rung == [N01]


def helps(world: World, incident_id: str) -> None:
    world.desk(incident_id, Action.ASSIGN, "N02")
    world.works()
    world.worker("N02").accepts(incident_id)
    world.worker("N02").joins(incident_id)


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(lambda world, _: world.resident(CALLER).hangs_up("CA-1"), id="the caller hung up"),
        pytest.param(
            lambda world, i: world.worker("N01").does(i, Action.DECLINE), id="the worker stepped back"
        ),
        pytest.param(helps, id="somebody else talks with the caller"),
    ],
)
def test_nobody_is_called_into_a_room_where_nobody_waits_for_them(
    world: World, ending: Callable[[World, str], object]
) -> None:
    incident_id = waiting_for(world)
    ending(world, incident_id)
    world.passes(5)
    assert N01 not in world.provider.rung
    (connect,) = world.deliveries(purpose="connect", staff_id=staff_id(world, incident_id))
    assert (connect.state, connect.lease_until) == (DeliveryState.WITHDRAWN, None)


def staff_id(world: World, incident_id: str) -> str:
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    return part.staff_id


def test_who_accepts_while_a_call_taker_talks_with_the_caller_is_rung_all_the_same(
    make_world: MakeWorld,
) -> None:
    """Nobody waits alone, but the first call into the room was wanted, and goes on ringing."""
    team = (Member("C01", "jaga", role=Role.CALL_TAKER, phone=PHONES["C01"]), *TEAM[:2])
    world = make_world(team=team)
    incident_id = world.resident(CALLER).rings("CA-1").incident_id
    world.works()
    world.passes(31)
    world.worker("C01").accepts(incident_id)
    world.worker("C01").joins(incident_id)
    world.network_says(world.provider.last_call_to(N01), "no-answer")
    world.provider.forgets()
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.SMS)
    world.works()
    assert N01 in world.provider.rung
    assert world.provider.last_call_to(N01).sid not in world.provider.stopped
