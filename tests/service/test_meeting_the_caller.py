"""The caller who waits in the room, and the worker who should come into it."""

from dispatch.domain.commands import Action
from dispatch.domain.escalation import JOIN_GRACE_S
from dispatch.domain.vocabulary import Source
from dispatch.service import alert_calls
from tests.world import World


def test_who_presses_1_and_hangs_up_is_called_into_the_room_and_nobody_counts_as_answered(
    world: World,
) -> None:
    """Many press 1 and hang up at once; the caller must not be left alone and taken for served."""
    call = world.resident().rings()
    world.works()
    nurse = world.worker("N01")
    alert = world.provider.last_call_to(nurse.number)
    world.network_says(alert, "in-progress")
    nurse.accepts(call.incident_id)
    world.provider.forgets()

    world.network_says(alert, "completed")
    world.passes(JOIN_GRACE_S + 1)

    assert world.provider.rung == [nurse.number]
    assert "call.answered" not in world.kinds(call.incident_id)
    assert world.incident(call.incident_id).times.answered_at is None
    assert world.findings() == []


def test_who_was_joined_before_hanging_up_is_not_called_again(world: World) -> None:
    call = world.resident().rings()
    world.works()
    nurse = world.worker("N01")
    alert = world.provider.last_call_to(nurse.number)
    world.network_says(alert, "in-progress")
    nurse.accepts(call.incident_id)
    nurse.joins(call.incident_id)
    world.provider.forgets()

    world.network_says(alert, "completed")
    world.passes(JOIN_GRACE_S + 1)

    assert nurse.number not in world.provider.rung
    assert world.kinds(call.incident_id).count("call.answered") == 1


def test_a_phone_that_rings_already_is_not_called_a_second_time(world: World) -> None:
    """Who accepts on the page while the alert still rings would only be found busy."""
    call = world.resident().rings()
    world.works()
    nurse = world.worker("N01")
    alert = world.provider.last_call_to(nurse.number)
    world.network_says(alert, "ringing")
    world.provider.forgets()

    nurse.does(call.incident_id, Action.ACCEPT, source=Source.WEB)
    world.works()
    assert nurse.number not in world.provider.rung

    world.network_says(alert, "no-answer")
    world.works()
    assert world.provider.rung == [nurse.number]


def test_who_picks_up_the_connecting_call_is_taken_for_joined_when_the_room_says_nothing(
    world: World,
) -> None:
    call = world.resident().rings()
    world.works()
    nurse = world.worker("N01")
    world.network_says(world.provider.last_call_to(nurse.number), "no-answer")
    nurse.does(call.incident_id, Action.ACCEPT, source=Source.SMS)
    world.works()

    alert_calls.begin_joining(world.services, call.incident_id, "N01")
    world.passes(JOIN_GRACE_S + 1)

    answered = [line for line in world.lines(call.incident_id) if line.kind == "call.answered"]
    assert [line.data["assumed"] for line in answered] == [True]
