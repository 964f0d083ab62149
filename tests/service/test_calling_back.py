"""A caller whom nobody has heard is called back until somebody has talked with them."""

from dataclasses import replace

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import DeliveryState, Outcome
from dispatch.service import alert_calls, intake, waiting
from dispatch.service.callers_alone import CALLER_NOT_REACHED
from dispatch.service.watchdog import Watchdog
from tests.fakes.heartbeat import FakeHeartbeat
from tests.fakes.telephony import Outcome as Answer
from tests.world import PHONES, World

N01 = PHONES["N01"]
CALLER = "+628119999001"


def hung_up(world: World) -> str:
    """The caller left unheard; N01 accepted by key, and the call back rings."""
    incident_id = world.resident(CALLER).rings().incident_id
    world.works()
    world.resident(CALLER).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 1
    return incident_id


def fails(world: World, status: str, error_code: str | None = None) -> None:
    assert world.network_says(world.provider.last_call_to(CALLER), status, error_code=error_code)


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_a_caller_who_does_not_pick_up_is_called_again_and_again(world: World, status: str) -> None:
    incident_id = hung_up(world)
    pauses_s = (15, 30, 60, 120, 120, 120, 300, 600, 900, 900, 900)
    for count, pause_s in enumerate(pauses_s, start=1):
        fails(world, status)
        world.passes(pause_s - 0.001)
        assert world.provider.rung.count(CALLER) == count
        world.passes(0.001)
        assert world.provider.rung.count(CALLER) == count + 1
    assert world.kinds(incident_id).count("call.back_failed") == len(pauses_s)


def test_a_caller_who_is_not_reached_for_ten_minutes_is_told_of_until_somebody_is_there(
    world: World,
) -> None:
    """The incident stays open, the calls go on, and a person is asked to find another way."""
    incident_id = hung_up(world)
    heard: list[list[str]] = []

    def round_after(seconds: float) -> list[str]:
        world.passes(seconds)
        world.engine.pulse()
        report = Watchdog(world.services).round()
        assert report is not None
        world.works()
        return [finding.check for finding in report.findings]

    for _ in range(5):
        fails(world, "no-answer")
        heard.append(round_after(121))
    assert (heard[:4], heard[4]) == ([[]] * 4, [CALLER_NOT_REACHED])
    told = [text for text in world.provider.texts_to(PHONES["P01"]) if CALLER_NOT_REACHED in text]
    assert len(told) == 1
    assert not world.incident(incident_id).is_closed
    world.worker("N01").texts("4")
    assert round_after(60) == []


def test_a_caller_whose_phone_is_off_is_no_fault_of_the_program(world: World) -> None:
    """Whoever watches the machine from outside would be called out for a phone without a battery."""
    hung_up(world)
    fails(world, "failed", "21211")
    world.passes(601)
    world.engine.pulse()
    beat = FakeHeartbeat()
    report = Watchdog(world.services, beat).round()
    assert report is not None
    assert [finding.check for finding in report.findings] == [CALLER_NOT_REACHED]
    assert beat.waits_for(1)


def test_a_clock_that_is_set_back_makes_no_call_back_wait_for_the_hour_to_come_again(world: World) -> None:
    hung_up(world)
    for pause_s in (15, 30, 60, 120, 120, 120):
        fails(world, "busy")
        world.passes(pause_s)
    fails(world, "busy")
    world.passes(10)
    world.hand.is_set(-3600)
    waiting.count_anew(world.services)
    before = world.provider.rung.count(CALLER)
    world.passes(299)
    assert world.provider.rung.count(CALLER) == before
    world.passes(1)
    assert world.provider.rung.count(CALLER) == before + 1


def test_the_worker_is_told_the_number_once(world: World) -> None:
    hung_up(world)
    for _ in range(3):
        fails(world, "no-answer")
        world.passes(60)
    told = [text.split()[:3] for text in world.provider.texts_to(N01) if text.startswith("caller")]
    assert told == [["caller", "100", "unheard"]]


def test_who_accepts_without_a_call_in_hand_is_told_the_number(world: World) -> None:
    world.resident(CALLER).rings()
    world.works()
    world.resident(CALLER).hangs_up()
    world.worker("N01").texts("1")
    world.works()
    assert [text.split()[2] for text in world.provider.texts_to(N01) if text.startswith("caller")] == [
        "unheard"
    ]


def test_a_number_that_does_not_exist_is_not_called_again(world: World) -> None:
    hung_up(world)
    fails(world, "failed", "21211")
    world.passes(600)
    assert world.provider.rung.count(CALLER) == 1


def test_nobody_is_called_back_once_it_is_closed_or_they_were_heard(world: World) -> None:
    incident_id = hung_up(world)
    fails(world, "no-answer")
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.TREATED)
    world.passes(600)
    assert world.provider.rung.count(CALLER) == 1
    assert world.deliveries(purpose="call_back")[-1].state == DeliveryState.FAILED
    assert world.kinds(incident_id).count("call.back_failed") == 2


def test_who_accepts_while_the_next_try_is_waited_for_waits_for_none(world: World) -> None:
    incident_id = hung_up(world)
    for pause_s in (15, 30):
        fails(world, "busy")
        world.passes(pause_s)
    fails(world, "busy")
    world.passes(1)
    world.worker("N01").does(incident_id, Action.DECLINE)
    world.worker("N02").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 4
    world.passes(60)
    assert world.provider.rung.count(CALLER) == 4


def test_a_try_that_gave_way_and_rang_after_all_begins_no_second_row_of_calls(world: World) -> None:
    """Nobody knew that the network had it, and when that fails, the caller's phone rings for the next one."""
    incident_id = hung_up(world)
    fails(world, "busy")
    world.provider.will(Answer.UNREACHABLE, to_number=CALLER)
    world.hand.advance(15)
    world.works()
    (waiting,) = world.deliveries(purpose="call_back", state=str(DeliveryState.PENDING))
    world.worker("N02").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 2
    late = replace(world.provider.last_call_to(CALLER), sid="CA-late", status_url=f"status/{waiting.id}")
    assert world.network_says(late, "no-answer")
    world.passes(60)
    assert world.provider.rung.count(CALLER) == 2
    fails(world, "no-answer")
    world.passes(60)
    assert world.provider.rung.count(CALLER) == 3, "the row that goes on, goes on"


def test_a_caller_who_picks_up_later_finds_the_worker(world: World) -> None:
    """The worker does not wait in the room for minutes: they are called in when the caller is there."""
    incident_id = world.resident(CALLER).rings().incident_id
    world.works()
    for sent in list(world.provider.sent):
        world.network_says(sent, "completed" if sent.answer_url else "delivered")
    world.resident(CALLER).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    fails(world, "no-answer")
    world.provider.forgets()
    world.passes(15)
    calling_back = world.provider.last_call_to(CALLER)
    world.network_says(calling_back, "in-progress")
    intake.return_call(world.services, incident_id, world.calls()[0].id)
    world.works()
    calling_in = world.provider.last_call_to(N01)
    world.network_says(calling_in, "in-progress")
    answered = alert_calls.answered(world.services, calling_in.delivery_id)
    assert answered is not None
    assert answered.caller_waits
    assert alert_calls.enter_room(world.services, incident_id, calling_back.sid) is None
    meeting = alert_calls.enter_room(world.services, incident_id, calling_in.sid)
    assert meeting is not None
    intake.join_caller(world.services, meeting)
    assert world.incident(incident_id).times.answered_at is not None
    world.network_says(calling_back, "completed")
    world.passes(300)
    assert world.provider.rung.count(CALLER) == 1
