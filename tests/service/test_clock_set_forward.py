"""The clock is set forward by an hour: nothing is taken for granted that had no time to be denied."""

import pytest

from dispatch.domain import meeting
from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AssignmentStatus, Source
from dispatch.service import alert_calls, intake
from tests.fakes.telephony import Sent
from tests.world import PHONES, World

HOUR_S = 3600.0
N01 = PHONES["N01"]


def accepted_by_key(world: World) -> tuple[str, Sent]:
    incident_id = world.resident().rings().incident_id
    world.works()
    alert = world.provider.last_call_to(N01)
    world.network_says(alert, "in-progress")
    world.worker("N01").accepts(incident_id)
    world.works()
    world.provider.forgets()
    return incident_id, alert


@pytest.mark.parametrize("jump_s", [2.5, 40.0, HOUR_S])
def test_a_meeting_is_assumed_no_sooner(world: World, jump_s: float) -> None:
    incident_id, _ = accepted_by_key(world)
    world.hand.advance(1)
    world.works()
    world.hand.is_set(jump_s)
    world.works()
    assert "call.answered" not in world.kinds(incident_id)
    world.passes(meeting.JOIN_GRACE_S - 0.001)
    assert "call.answered" not in world.kinds(incident_id)
    world.passes(0.001)
    assert "call.answered" in world.kinds(incident_id)


def test_who_hung_up_after_a_second_is_called_in_as_ever(world: World) -> None:
    incident_id, alert = accepted_by_key(world)
    world.hand.advance(1)
    world.works()
    world.hand.is_set(HOUR_S)
    world.works()
    world.network_says(alert, "completed")
    world.passes(meeting.LEFT_GRACE_S)
    assert world.provider.rung.count(N01) == 1
    assert world.incident(incident_id).times.answered_at is None


def test_what_is_recorded_meanwhile_does_not_bring_it_forward(world: World) -> None:
    incident_id, _ = accepted_by_key(world)
    world.hand.is_set(HOUR_S)
    world.works()
    world.passes(1)
    world.resident().presses("1")
    world.worker("N02").does(incident_id, Action.INFO)
    world.passes(5)
    assert "call.answered" not in world.kinds(incident_id)
    world.passes(3)
    assert "call.answered" in world.kinds(incident_id)


def test_a_clock_that_runs_as_it_should_puts_nothing_off(world: World) -> None:
    incident_id, _ = accepted_by_key(world)
    for _ in range(7):
        world.hand.advance(1)
        world.works()
    assert "call.answered" not in world.kinds(incident_id)
    world.hand.advance(1)
    world.works()
    assert "call.answered" in world.kinds(incident_id)


# --- an answer that was only assumed --------------------------------------------------------------


def enters(world: World, incident_id: str, sid: str) -> None:
    found = alert_calls.enter_room(world.services, incident_id, sid)
    if found is not None:
        intake.join_caller(world.services, found)


def test_whose_end_is_told_after_the_meeting_was_assumed_is_called_in_again(world: World) -> None:
    incident_id, alert = accepted_by_key(world)
    world.passes(meeting.JOIN_GRACE_S + 1)
    assert world.incident(incident_id).times.answered_at is not None
    world.network_says(alert, "completed")
    world.passes(meeting.LEFT_GRACE_S)
    assert world.provider.rung.count(N01) == 1

    calling_in = world.provider.last_call_to(N01)
    world.network_says(calling_in, "in-progress")
    alert_calls.begin_joining(world.services, incident_id, "N01")
    world.hand.advance(3)
    enters(world, incident_id, calling_in.sid)
    assert world.incident(incident_id).times.answered_at == world.clock.now(), "now it is known"
    assumed, known = [line for line in world.lines(incident_id) if line.kind == "call.answered"]
    assert known.data["corrects"] == assumed.sequence


def test_who_is_busy_then_is_called_again(world: World) -> None:
    _, alert = accepted_by_key(world)
    world.passes(meeting.JOIN_GRACE_S + 1)
    world.network_says(alert, "completed")
    world.passes(meeting.LEFT_GRACE_S)
    world.network_says(world.provider.last_call_to(N01), "busy")
    world.passes(meeting.CALL_IN_EVERY_S)
    assert world.provider.rung.count(N01) > 1


def test_when_the_caller_hangs_up_too_the_talk_is_over(world: World) -> None:
    _, alert = accepted_by_key(world)
    world.passes(60)
    world.network_says(alert, "completed")
    world.resident().hangs_up()
    world.passes(60)
    assert N01 not in world.provider.rung


# --- whoever is asked, is asked too soon and never too late ---------------------------------------


def test_the_next_are_rung_at_once_and_one_step_only(world: World) -> None:
    """Nobody waits for an hour that did not pass, and the whole staff is not rung for it either."""
    world.resident().rings()
    world.passes(1)
    first = set(world.provider.rung)
    world.hand.is_set(HOUR_S)
    world.works()
    second = set(world.provider.rung) - first
    assert second
    accept_within_s = world.services.policy.alerting.tiers[0].accept_within_s
    world.passes(accept_within_s - 0.001)
    assert set(world.provider.rung) == first | second
    world.passes(0.001)
    assert len(set(world.provider.rung)) > len(first | second)


@pytest.mark.parametrize("source", [Source.KEYPAD, Source.SMS, Source.WEB])
def test_whose_time_the_jump_ate_may_accept_all_the_same(world: World, source: Source) -> None:
    """Their phone is still ringing: that they are marked as silent takes nothing from them."""
    incident_id = world.resident().rings().incident_id
    world.passes(1)
    world.hand.is_set(HOUR_S)
    world.works()
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.status is AssignmentStatus.NO_ANSWER
    world.passes(2)
    world.worker("N01").does(incident_id, Action.ACCEPT, source=source, occurred_at=world.clock.now())
    owner = world.incident(incident_id).primary
    assert owner is not None
    assert owner.staff_code == "N01"


def test_a_caller_who_rang_again_gets_others_as_well_as_the_one_who_accepted(world: World) -> None:
    incident_id, alert = accepted_by_key(world)
    world.network_says(alert, "completed")
    world.resident().hangs_up()
    world.resident().rings("CA-again")
    world.passes(1)
    calling_in = world.provider.last_call_to(N01)
    asked = {part.staff_code for part in world.incident(incident_id).assignments}
    world.hand.is_set(HOUR_S)
    world.works()
    assert {part.staff_code for part in world.incident(incident_id).assignments} > asked
    world.network_says(calling_in, "in-progress")
    alert_calls.begin_joining(world.services, incident_id, "N01")
    assert world.incident(incident_id).times.answered_at is None, "it is known by nobody yet"
    enters(world, incident_id, calling_in.sid)
    assert world.incident(incident_id).times.answered_at == world.clock.now()
