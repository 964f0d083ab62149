"""A caller rings or texts again about an incident that somebody has accepted: they are not left alone."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from dispatch.domain.commands import Action, ReconstructCall
from dispatch.domain.meeting import ALONE_FOR_S
from dispatch.domain.reconstruction import Missed
from dispatch.domain.vocabulary import DeliveryState, Source
from dispatch.service import alert_calls, intake
from dispatch.service.callers_alone import ALONE_AFTER, CALLER_LEFT_ALONE, left_alone
from dispatch.service.checks import Finding
from dispatch.service.reconcile import reconstruct_call
from models.incident import Incident as IncidentRow
from models.traffic import Deadline
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

N01 = PHONES["N01"]
DAY_S = 26 * 3600.0


def talked(world: World) -> str:
    """N01 accepted by key, talked with the caller, who hung up, and reached the scene; nobody pressed 5."""
    incident_id = world.resident().rings("CA-1").incident_id
    world.works()
    alert = world.provider.last_call_to(N01)
    world.network_says(alert, "in-progress")
    world.worker("N01").accepts(incident_id)
    world.worker("N01").joins(incident_id)
    world.works()
    for sent in list(world.provider.sent):
        world.network_says(sent, "completed" if sent.answer_url else "delivered")
    world.resident().hangs_up("CA-1")
    world.worker("N01").does(incident_id, Action.ON_SCENE)
    world.works()
    world.provider.forgets()
    return incident_id


def enters(world: World, incident_id: str, sid: str) -> None:
    meeting = alert_calls.enter_room(world.services, incident_id, sid)
    if meeting is not None:
        intake.join_caller(world.services, meeting)


def to_others(world: World) -> list[str]:
    return [number for number in world.provider.rung if number != N01]


@pytest.mark.parametrize("later_s", [120.0, DAY_S])
def test_who_rings_again_is_connected_with_the_worker_who_accepted(world: World, later_s: float) -> None:
    incident_id = talked(world)
    world.passes(later_s)
    again = world.resident().rings("CA-2")
    assert again.incident_id == incident_id
    world.resident().presses("1", "CA-2")
    world.works()
    assert world.provider.rung == [N01], "called in once, by the call and not by the key too"

    calling_in = world.provider.last_call_to(N01)
    world.network_says(calling_in, "in-progress")
    alert_calls.begin_joining(world.services, incident_id, "N01")
    enters(world, incident_id, calling_in.sid)
    world.passes(ALONE_FOR_S + 1)
    assert world.incident(incident_id).call(again.call_id).answered_at is not None
    assert to_others(world) == []
    assert world.deadlines() == []


def test_nobody_comes_and_the_ladder_climbs_again(world: World) -> None:
    incident_id = talked(world)
    world.passes(DAY_S)
    world.resident().rings("CA-2")
    world.passes(ALONE_FOR_S - 0.001)
    assert to_others(world) == []
    world.passes(0.001)
    assert len(to_others(world)) == 1
    assert world.incident(incident_id).needs_people
    world.passes(300)
    assert len(set(to_others(world))) > 2, "and goes on climbing"


def test_a_worker_who_is_busy_is_called_in_again(world: World) -> None:
    talked(world)
    world.resident().rings("CA-2")
    world.works()
    world.network_says(world.provider.last_call_to(N01), "busy")
    world.provider.forgets()
    world.passes(5)
    assert world.provider.rung == [N01]


def test_each_new_call_calls_in_anew(world: World) -> None:
    talked(world)
    for sid in ("CA-2", "CA-3"):
        world.resident().rings(sid)
        world.works()
        world.network_says(world.provider.last_call_to(N01), "completed")
        world.resident().hangs_up(sid)
        world.passes(60)
    assert world.provider.rung == [N01, N01]


def test_who_is_in_the_room_already_is_not_called_out_of_it(world: World) -> None:
    incident_id = world.resident().rings("CA-1").incident_id
    world.works()
    alert = world.provider.last_call_to(N01)
    world.network_says(alert, "in-progress")
    world.worker("N01").accepts(incident_id)
    enters(world, incident_id, alert.sid)
    world.works()
    world.provider.forgets()
    again = world.resident().rings("CA-2")
    world.works()
    assert N01 not in world.provider.rung
    enters(world, incident_id, "CA-2")
    assert world.incident(incident_id).call(again.call_id).answered_at is not None


def test_who_only_seems_to_be_in_the_room_is_called_when_nobody_comes(world: World) -> None:
    """The word that their call is over was lost."""
    incident_id = world.resident().rings("CA-1").incident_id
    world.works()
    alert = world.provider.last_call_to(N01)
    world.network_says(alert, "in-progress")
    world.worker("N01").accepts(incident_id)
    enters(world, incident_id, alert.sid)
    world.resident().hangs_up("CA-1")
    world.works()
    world.provider.forgets()
    world.resident().rings("CA-2")
    world.passes(ALONE_FOR_S)
    assert N01 in world.provider.rung


def test_a_helper_who_accepts_and_does_not_come_is_followed_by_another(world: World) -> None:
    incident_id = talked(world)
    world.resident().rings("CA-2")
    world.passes(ALONE_FOR_S)
    helper = next(code for code, number in PHONES.items() if number in to_others(world))
    world.worker(helper).does(incident_id, Action.ACCEPT, source=Source.WEB)
    world.works()
    asked = len(world.incident(incident_id).assignments)
    for number in (N01, PHONES[helper]):
        world.network_says(world.provider.last_call_to(number), "no-answer")
    world.passes(ALONE_FOR_S)
    assert len(world.incident(incident_id).assignments) > asked


def test_a_second_text_of_the_caller_reaches_the_worker_with_their_number(world: World) -> None:
    talked(world)
    world.resident().texts("Cepat, dia tidak bernapas")
    world.works()
    world.resident().texts("Di belakang gereja")
    world.works()
    assert [text.split()[:3] for text in world.provider.texts_to(N01)] == [["caller", "100", "texted"]] * 2
    assert to_others(world) == []


def test_who_hangs_up_before_the_worker_comes_is_told_of(world: World) -> None:
    talked(world)
    world.resident().rings("CA-2")
    world.resident().hangs_up("CA-2")
    world.works()
    assert [text.split()[:3] for text in world.provider.texts_to(N01)] == [["caller", "100", "rang"]]


def test_a_call_that_only_the_log_knows_is_told_of_too(world: World) -> None:
    talked(world)
    world.passes(300)
    now = world.clock.now()
    command = ReconstructCall(
        provider="fake",
        provider_sid="CA-missed",
        caller_number="+628119999001",
        received_at=now - timedelta(seconds=200),
        missed=Missed(status="completed", ended_at=now - timedelta(seconds=150)),
    )
    assert reconstruct_call(world.services, command)
    world.works()
    assert [text.split()[2] for text in world.provider.texts_to(N01)] == ["rang"]


def test_while_people_are_asked_anyway_nobody_is_asked_for_the_call_too(world: World) -> None:
    world.resident().rings("CA-1")
    world.works()
    world.resident().rings("CA-2")
    world.works()
    assert {deadline.kind for deadline in world.deadlines()}.isdisjoint({"unheard"})


# --- the watchdog ---------------------------------------------------------------------------------


def found(world: World) -> list[Finding]:
    with world.uow.read() as session:
        return list(left_alone(session, world.services, world.clock.now()))


def a_call_goes_on(world: World) -> str:
    """The same as a fault of the program would leave it: nobody waits for anything any more."""
    incident_id = talked(world)
    world.resident().rings("CA-2")
    world.works()
    with world.uow.write() as session:
        session.execute(delete(Deadline))
    return incident_id


def test_the_watchdog_finds_a_caller_to_whom_nobody_is_called(make_world: MakeWorld) -> None:
    world = make_world()
    a_call_goes_on(world)
    world.hand.advance(ALONE_AFTER.total_seconds())
    assert found(world) == []
    world.hand.advance(1)
    [finding] = found(world)
    assert (finding.check, finding.short_number) == (CALLER_LEFT_ALONE, 100)
    world.resident().hangs_up("CA-2")
    assert found(world) == []


def test_a_caller_who_may_be_with_a_duty_phone_is_no_finding(make_world: MakeWorld) -> None:
    world = make_world()
    incident_id = a_call_goes_on(world)
    calls = {call.provider_sid: call.id for call in world.calls()}
    with world.uow.write() as session:
        row = session.get_one(IncidentRow, incident_id)
        ladder = {**row.ladder, "elsewhere": [calls["CA-2"]]}
        session.execute(update(IncidentRow).values(ladder=ladder))
    world.hand.advance(300)
    assert found(world) == []


def test_a_caller_for_whom_people_are_asked_is_no_finding(world: World) -> None:
    talked(world)
    world.resident().rings("CA-2")
    for _ in range(10):
        world.passes(60)
        assert found(world) == []


def test_the_worker_is_told_at_the_right_number(world: World) -> None:
    talked(world)
    world.resident().texts("Tolong lagi")
    world.works()
    [text] = world.deliveries(purpose="caller")
    assert (text.to_number, text.state) == (N01, DeliveryState.ACCEPTED)
