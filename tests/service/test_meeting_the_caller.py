"""The caller who waits in the room, and the worker who should come into it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatch.domain.commands import Action, ReceiveCall
from dispatch.domain.meeting import CALL_IN_EVERY_S, JOIN_GRACE_S
from dispatch.domain.vocabulary import Source
from dispatch.service import alert_calls, intake
from dispatch.service.states import States
from models.facility import Facility
from models.traffic import Delivery
from tests.builders import policy
from tests.crossing import terminal, until_somebody_waits
from tests.fakes.telephony import WAIT_S, Sent
from tests.service.conftest import MakeWorld
from tests.world import PHONES, ZONE, World


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


def test_who_has_pressed_1_is_not_called_when_the_caller_presses_a_key(world: World) -> None:
    """Their line is busy with us until they are in the room."""
    incident_id = world.resident().rings().incident_id
    accepted_by_key(world, incident_id)
    world.provider.forgets()

    world.resident().presses("3")
    world.works()

    assert PHONES["N01"] not in world.provider.rung
    world.worker("N01").joins(incident_id)
    world.passes(JOIN_GRACE_S + 1)
    assert PHONES["N01"] not in world.provider.rung
    assert world.kinds(incident_id).count("call.answered") == 1


def test_who_pressed_1_and_hung_up_while_the_caller_pressed_a_key_is_called_in(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    alert = accepted_by_key(world, incident_id)
    world.provider.forgets()

    world.resident().presses("3")
    world.network_says(alert, "completed")
    world.passes(JOIN_GRACE_S + 1)

    assert world.provider.rung == [PHONES["N01"]]


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


def test_a_worker_who_is_busy_is_called_in_again_and_then_somebody_else_is_alerted_too(world: World) -> None:
    """The caller waits in the room: one failed call must not end the trying."""
    call = world.resident().rings()
    world.works()
    nurse = world.worker("N01")
    world.network_says(world.provider.last_call_to(nurse.number), "no-answer")
    nurse.does(call.incident_id, Action.ACCEPT, source=Source.SMS)
    world.works()
    asked = len(world.incident(call.incident_id).assignments)

    for _ in range(3):
        world.network_says(world.provider.last_call_to(nurse.number), "busy")
        world.provider.forgets()
        world.passes(CALL_IN_EVERY_S)
        assert nurse.number in world.provider.rung

    assert len(world.incident(call.incident_id).assignments) > asked
    assert world.incident(call.incident_id).times.answered_at is None


def test_an_end_that_is_told_before_its_call_is_not_lost(world: World) -> None:
    """Callbacks come in no certain order; a call that never ends would be joined with nobody."""
    resident = world.resident()
    assert not resident.hangs_up()

    call = resident.rings()

    [row] = world.calls()
    assert row.ended_at is not None
    assert world.incident(call.incident_id).live_call is None


def test_a_caller_who_cannot_be_called_back_has_people_alerted_at_once(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(alert_after_s=30))
    resident = world.resident()
    call = resident.rings()
    world.hand.advance(2)
    resident.hangs_up()
    world.works()
    [calling_back] = world.provider.sent
    world.provider.forgets()

    world.network_says(calling_back, "busy")
    world.works()

    assert world.provider.rung
    assert "call.back_failed" in world.kinds(call.incident_id)


def test_a_key_that_waited_for_the_database_joins_nobody(world: World) -> None:
    """It was pressed on a call that has ended since: the acceptance is true, the meeting would not be."""
    call = world.resident().rings()
    world.works()
    nurse = world.worker("N01")
    world.network_says(world.provider.last_call_to(nurse.number), "completed")
    pressed_at = world.hand.now()
    world.hand.advance(15)

    nurse.does(call.incident_id, Action.ACCEPT, occurred_at=pressed_at)
    world.provider.forgets()
    world.passes(JOIN_GRACE_S + 1)

    assert world.incident(call.incident_id).times.accepted_at == pressed_at
    assert world.incident(call.incident_id).times.answered_at is None
    assert nurse.number in world.provider.rung


def test_9_closes_what_the_same_caller_opened_by_two_calls(world: World) -> None:
    resident = world.resident()
    resident.rings("CA-1")
    resident.hangs_up("CA-1")
    call = resident.rings("CA-2")

    resident.presses("9", "CA-2")

    assert world.incident(call.incident_id).is_closed


def test_9_does_not_take_back_what_the_same_caller_said_before(world: World) -> None:
    resident = world.resident()
    resident.rings("CA-1")
    resident.presses("1", "CA-1")
    call = resident.rings("CA-2")

    resident.presses("9", "CA-2")

    assert not world.incident(call.incident_id).is_closed


# --- a call that was learned of late --------------------------------------------------------------

LATE_S = 20.0


def learned_late(world: World, sid: str = "CA-in-1") -> str:
    """A ring that waited in the journal: its caller was connected with the duty phones. The incident."""
    command = ReceiveCall(
        provider="fake",
        provider_sid=sid,
        caller_number="+628119999001",
        received_at=world.clock.now() - timedelta(seconds=LATE_S),
    )
    return intake.receive_call(world.services, command).incident_id


def accepted_by_key(world: World, incident_id: str) -> Sent:
    """N01 presses 1 on the alert call, which goes on; that call."""
    world.works()
    alert = world.provider.last_call_to(PHONES["N01"])
    world.network_says(alert, "in-progress")
    world.worker("N01").accepts(incident_id)
    return alert


def enters(world: World, incident_id: str, sid: str) -> None:
    """What the room's callback about this leg does."""
    meeting = alert_calls.enter_room(world.services, incident_id, sid)
    if meeting is not None:
        intake.join_caller(world.services, meeting)


def test_nobody_is_taken_to_have_met_a_caller_whom_a_duty_phone_may_have(world: World) -> None:
    incident_id = learned_late(world)
    alert = accepted_by_key(world, incident_id)
    enters(world, incident_id, alert.sid)
    world.passes(JOIN_GRACE_S + 1)
    world.provider.forgets()
    world.network_says(alert, "completed")
    world.passes(60)

    assert "call.answered" not in world.kinds(incident_id)
    assert world.incident(incident_id).times.accepted_at is not None
    assert PHONES["N01"] not in world.provider.rung, "nobody is called into an empty room"


def test_who_is_called_into_a_room_in_which_perhaps_nobody_waits_is_called_once(world: World) -> None:
    incident_id = learned_late(world)
    world.works()
    nurse = world.worker("N01")
    world.network_says(world.provider.last_call_to(nurse.number), "no-answer")
    nurse.does(incident_id, Action.ACCEPT, source=Source.SMS)
    world.works()
    calling_in = world.provider.last_call_to(nurse.number)
    world.provider.forgets()
    world.network_says(calling_in, "busy")
    world.passes(60)

    assert nurse.number not in world.provider.rung
    assert "assignment.called_in" not in world.kinds(incident_id)


@pytest.mark.parametrize("caller_first", [True, False])
def test_a_call_that_was_only_slow_counts_once_its_caller_is_in_the_room(
    world: World, caller_first: bool
) -> None:
    """A second may pass before a ring is committed, and the caller is in our hands all the same."""
    incident_id = learned_late(world)
    alert = accepted_by_key(world, incident_id)
    legs = ["CA-in-1", alert.sid] if caller_first else [alert.sid, "CA-in-1"]
    enters(world, incident_id, legs[0])
    assert "call.answered" not in world.kinds(incident_id)
    enters(world, incident_id, legs[1])

    kinds = world.kinds(incident_id)
    assert (kinds.count("call.waiting"), kinds.count("call.answered")) == (1, 1)


def test_a_caller_whose_entry_is_told_twice_at_once_is_found_waiting_once(
    postgresql_database_url: str,
) -> None:
    """Both find that it is to be written down, and the second one that it was."""
    world = World(postgresql_database_url)
    incident_id = learned_late(world)
    with terminal(postgresql_database_url) as other, ThreadPoolExecutor(2) as provider:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE"))
        told = [provider.submit(enters, world, incident_id, "CA-in-1") for _ in range(2)]
        until_somebody_waits(postgresql_database_url, many=2)
        other.rollback()
        for one in told:
            one.result(WAIT_S)
    assert world.kinds(incident_id).count("call.waiting") == 1
    assert world.findings() == []
    world.close()


def test_a_caller_who_presses_a_key_is_in_our_hands(world: World) -> None:
    incident_id = learned_late(world)
    world.resident().presses("1")
    accepted_by_key(world, incident_id)
    world.passes(JOIN_GRACE_S + 1)

    (answered,) = [line for line in world.lines(incident_id) if line.kind == "call.answered"]
    assert answered.data["assumed"] is True


def test_a_late_call_does_not_hide_the_caller_who_waits(world: World) -> None:
    incident_id = world.resident().rings("CA-in-1").incident_id
    assert learned_late(world, "CA-late") == incident_id
    accepted_by_key(world, incident_id)
    world.passes(JOIN_GRACE_S + 1)

    waiting, late = world.incident(incident_id).call, {c.provider_sid: c.id for c in world.calls()}
    assert waiting(late["CA-in-1"]).answered_at is not None
    assert waiting(late["CA-late"]).answered_at is None


def test_when_the_one_who_waited_hangs_up_nobody_is_assumed_to_have_met_the_other(world: World) -> None:
    incident_id = world.resident().rings("CA-in-1").incident_id
    learned_late(world, "CA-late")
    accepted_by_key(world, incident_id)
    world.resident().hangs_up("CA-in-1")
    world.passes(JOIN_GRACE_S + 1)

    assert "call.answered" not in world.kinds(incident_id)
    assert "confirm_join" not in {row.kind for row in world.deadlines()}


def test_whoever_enters_a_room_of_which_nothing_is_known_waits_there(world: World) -> None:
    """A room of before the database was restored, perhaps."""
    assert alert_calls.enter_room(world.services, "no-such-incident", "CA-in-9") is None


# --- another health centre of the same database ---------------------------------------------------


def elsewhere(world: World) -> World:
    """Another health centre in the same database."""
    other = world.restarted()
    with other.uow.write() as session:
        session.add(Facility(id="TMK", name="Timika", timezone=ZONE.key, created_at=other.clock.now()))
    other.services = replace(other.services, facility_id="TMK", states=States())
    return other


def as_they_stand(world: World) -> list[dict[str, object]]:
    columns = Delivery.__table__.c.keys()
    return [{name: getattr(row, name) for name in columns} for row in world.deliveries()]


def test_a_call_of_ours_is_none_of_another_health_centre(world: World) -> None:
    """Told of it there, nobody hears whom it is about, and nothing becomes of it."""
    other = elsewhere(world)
    incident_id = world.resident().rings().incident_id
    world.works()
    alert = world.provider.last_call_to(PHONES["N01"])
    before = as_they_stand(world)
    assert other.network_says(alert, "ringing") is False
    assert as_they_stand(world) == before
    world.network_says(alert, "in-progress")
    before = as_they_stand(world)
    assert alert_calls.answered(world.services, alert.delivery_id) is not None
    assert alert_calls.answered(other.services, alert.delivery_id) is None
    assert other.network_says(alert, "completed") is False
    assert alert_calls.enter_room(other.services, incident_id, alert.sid) is None
    assert as_they_stand(world) == before


def test_a_caller_whom_we_call_back_is_none_of_another_health_centre(world: World) -> None:
    other = elsewhere(world)
    ringing = world.resident().rings()
    world.works()
    world.resident().hangs_up()
    world.worker("N01").accepts(ringing.incident_id)
    world.works()
    back = world.provider.last_call_to("+628119999001")
    assert intake.call_state(world.services, back.sid) is not None
    assert intake.call_state(other.services, back.sid) is None
    assert other.resident().presses("1", back.sid) is None
    assert other.resident().hangs_up(back.sid) is False
