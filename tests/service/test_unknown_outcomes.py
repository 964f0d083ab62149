"""A request whose answer was lost: the provider is asked, what is there is adopted, the rest sent again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, DeliveryState
from dispatch.domain.vocabulary import Outcome as ClosedAs
from dispatch.ports import (
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
)
from dispatch.service import claiming, outbox
from models.traffic import Delivery
from tests.builders import policy, tier
from tests.fakes.telephony import FakeProvider, Outcome
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

N01, N02 = PHONES["N01"], PHONES["N02"]
VOICE_ONLY = policy(tier("jaga", at_once=1, within_s=900.0, channels=(AlertChannel.VOICE,)))
TEXT_ONLY = policy(tier("jaga", at_once=1, within_s=900.0, channels=(AlertChannel.SMS,)))

CANNOT_SAY: dict[str, TelephonyError] = {
    "refuses to list": ProviderRefusedError("no such resource", code="20404"),
    "is out of reach": ProviderUnavailableError("no connection", code="connect"),
    "hangs": OutcomeUnknownError("no answer", code="timeout"),
}


def the_alert(world: World, **where: object) -> Delivery:
    (alert,) = world.deliveries(purpose="alert", **where)
    return alert


# --- the answer of the list -----------------------------------------------------------------------


@pytest.mark.parametrize("why", CANNOT_SAY)
def test_who_cannot_say_keeps_nothing_from_being_sent(make_world: MakeWorld, why: str) -> None:
    """Two calls to a nurse beat none."""
    world = make_world(plan=VOICE_ONLY)
    world.provider.lists_fail = CANNOT_SAY[why]
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    world.passes(1)
    assert world.provider.asked == [N01]
    assert world.provider.rung == [N01, N01]
    assert the_alert(world).state == DeliveryState.ACCEPTED


def test_where_the_answer_was_lost_is_where_it_is_asked_for(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY, provider_names=("first", "second"))
    first, second = world.providers
    first.always(Outcome.UNREACHABLE)
    second.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    assert (the_alert(world).state, the_alert(world).provider) == (DeliveryState.UNKNOWN, "second")
    first.always(Outcome.TAKEN)
    world.passes(1)
    assert (first.asked, second.asked) == ([], [N01])
    assert (first.rung, second.rung) == ([], [N01])


def test_a_provider_that_does_not_even_say_comes_last(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY, provider_names=("first", "second"))
    first, second = world.providers
    first.will(Outcome.LOST_ON_THE_WAY)
    first.lists_fail = CANNOT_SAY["hangs"]
    world.resident().rings()
    world.works()
    world.passes(1)
    assert (first.rung, second.rung) == ([], [N01])


def test_after_a_crash_every_provider_is_asked(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY, provider_names=("first", "second"))
    first, second = world.providers
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=1)
    world.sender._hand_over(second, claimed)  # and then the power failed
    world.hand.advance(world.services.lease_s)
    world.works()
    assert (first.asked, second.asked) == ([N01], [N01])
    assert (first.rung, second.rung) == ([], [N01])
    assert (the_alert(world).state, the_alert(world).provider) == (DeliveryState.ACCEPTED, "second")


@pytest.mark.parametrize(
    ("status", "state", "next_one_rung"),
    [
        ("in-progress", DeliveryState.ACCEPTED, False),
        ("completed", DeliveryState.DELIVERED, False),
        ("busy", DeliveryState.FAILED, True),
        ("no-answer", DeliveryState.FAILED, True),
    ],
)
def test_what_is_over_already_is_adopted_as_it_is(
    make_world: MakeWorld, status: str, state: DeliveryState, next_one_rung: bool
) -> None:
    """No callback will come any more for what ended while nobody listened."""
    world = make_world(plan=VOICE_ONLY)
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    world.provider.statuses["fake-1"] = status
    world.passes(1)
    alert = the_alert(world, to_number=N01)
    assert (alert.state, alert.provider_status, alert.provider_sid) == (state, status, "fake-1")
    assert world.provider.rung == ([N01, N02] if next_one_rung else [N01])


# --- whose call it is -----------------------------------------------------------------------------


def two_incidents(world: World, *answers: Outcome) -> tuple[str, str]:
    """Two alerts to the same worker in the same instant, with these answers."""
    first = world.resident("+628119999001").rings("CA-1").incident_id
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N01")
    world.provider.will(*answers, to_number=N01)
    world.works()
    return first, second


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param((Outcome.ANSWER_LOST, Outcome.LOST_ON_THE_WAY), id="the first arrived"),
        pytest.param((Outcome.LOST_ON_THE_WAY, Outcome.ANSWER_LOST), id="the second arrived"),
        pytest.param((Outcome.ANSWER_LOST, Outcome.ANSWER_LOST), id="both arrived"),
    ],
)
def test_a_call_that_may_be_anothers_is_not_adopted(
    make_world: MakeWorld, answers: tuple[Outcome, ...]
) -> None:
    """A call does not say what it is about: of two alerts in doubt none may vanish into the other's call."""
    world = make_world(plan=VOICE_ONLY)
    first, second = two_incidents(world, *answers)
    world.passes(3)
    alerts = world.deliveries(to_number=N01)
    assert {d.incident_id for d in alerts} == {first, second}
    assert {d.state for d in alerts} == {DeliveryState.ACCEPTED}
    placed = {sent.sid: sent.delivery_id for sent in world.provider.sent}
    assert [placed[str(d.provider_sid)] for d in alerts] == [d.id for d in alerts]


def test_a_call_under_way_for_another_incident_is_not_adopted(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.resident("+628119999001").rings("CA-1")
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N01")
    lost, under_way = (c for c in claiming.claim(world.services, limit=8) if c.to_number == N01)
    world.provider.will(Outcome.LOST_ON_THE_WAY, to_number=N01)
    world.sender.send(lost)
    world.sender._hand_over(world.provider, under_way)  # taken over, and not yet recorded
    world.hand.advance(1)
    (again,) = claiming.claim(world.services, limit=8)
    world.sender.send(again)
    assert world.provider.rung.count(N01) == 2
    sent = {s.sid: s.delivery_id for s in world.provider.sent}
    (row,) = world.deliveries(id=lost.id)
    assert sent[str(row.provider_sid)] == lost.id


def test_a_call_that_another_left_behind_at_this_provider_is_not_adopted(make_world: MakeWorld) -> None:
    """The first alert was sent again through the other provider: its call here is nobody's on record."""
    world = make_world(plan=VOICE_ONLY, provider_names=("one", "two"))
    one, two = world.providers
    one.lists_fail = CANNOT_SAY["is out of reach"]
    one.will(Outcome.ANSWER_LOST, to_number=N01)
    world.resident("+628119999001").rings("CA-1")
    world.works()
    world.passes(1)
    assert (one.rung.count(N01), two.rung.count(N01)) == (1, 1)
    one.lists_fail = None
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N01")
    one.will(Outcome.LOST_ON_THE_WAY, to_number=N01)
    world.works()
    world.passes(3)
    (row,) = world.deliveries(incident_id=second, to_number=N01)
    placed = {sent.sid: sent.delivery_id for provider in world.providers for sent in provider.sent}
    assert placed[str(row.provider_sid)] == row.id


def left_behind(
    make_world: MakeWorld, *, channel: AlertChannel = AlertChannel.VOICE, slow_s: float = 0.0
) -> World:
    """N01 got two calls, or two texts, about one incident: of the earlier one no row has the name.

    Our clock is *slow_s* behind the provider's.
    """
    world = make_world(plan=policy(tier("jaga", at_once=1, within_s=900.0, channels=(channel,))))
    slow = timedelta(seconds=slow_s)
    world.providers[:] = [FakeProvider("fake", now=lambda: world.clock.now() + slow)]
    world.provider.lists_fail = CANNOT_SAY["is out of reach"]
    world.provider.will(Outcome.ANSWER_LOST, to_number=N01)
    world.resident("+628119999001").rings("CA-1")
    world.works()
    world.passes(1)
    world.provider.lists_fail = None
    assert [sent.to_number for sent in world.provider.sent] == [N01, N01]
    return world


def each_alert_left(world: World) -> bool:
    """Whether every alert to N01 that is said to have left is one that the provider was given."""
    placed = {sent.sid: sent.delivery_id for sent in world.provider.sent}
    alerts = world.deliveries(to_number=N01, purpose="alert", state="accepted")
    return [placed[str(row.provider_sid)] for row in alerts] == [row.id for row in alerts]


def is_asked_again(world: World) -> None:
    """A second incident, whose alert to N01 gets lost on the way."""
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N01")
    world.provider.will(Outcome.LOST_ON_THE_WAY, to_number=N01)
    world.works()
    world.passes(3)


def test_nor_when_the_incident_that_it_was_about_is_over(make_world: MakeWorld) -> None:
    world = left_behind(make_world)
    (first,) = world.incidents()
    world.desk(first.id, Action.CLOSE, outcome=ClosedAs.ADVICE)
    is_asked_again(world)
    assert each_alert_left(world)
    assert world.provider.rung.count(N01) == 3


def test_nor_when_a_clock_that_was_set_back_makes_it_look_new(make_world: MakeWorld) -> None:
    """The provider is asked for what came after an hour that it has seen already."""
    world = left_behind(make_world)
    (first,) = world.incidents()
    world.desk(first.id, Action.CLOSE, outcome=ClosedAs.ADVICE)
    world.passes(1800)
    world.hand.advance(-3600)
    is_asked_again(world)
    assert each_alert_left(world)
    assert world.provider.rung.count(N01) == 3


def test_nor_when_our_clock_has_been_slow_all_the_time(make_world: MakeWorld) -> None:
    world = left_behind(make_world, slow_s=3600)
    (first,) = world.incidents()
    world.desk(first.id, Action.CLOSE, outcome=ClosedAs.ADVICE)
    world.passes(1800)
    is_asked_again(world)
    assert each_alert_left(world)
    assert world.provider.rung.count(N01) == 3


def test_nor_a_text_of_before_that_says_the_same(make_world: MakeWorld) -> None:
    world = left_behind(make_world, channel=AlertChannel.SMS)
    (incident,) = world.incidents()
    world.worker("N01").does(incident.id, Action.DECLINE)
    world.hand.advance(-3600)
    world.provider.will(Outcome.LOST_ON_THE_WAY, to_number=N01)
    world.desk(incident.id, Action.ASSIGN, "N01")
    world.works()
    world.passes(3)
    assert each_alert_left(world)
    assert len(world.provider.texts_to(N01)) == 3
    assert len(set(world.provider.texts_to(N01))) == 1


def test_what_was_sent_again_days_ago_leaves_nobody_in_doubt(make_world: MakeWorld) -> None:
    """A provider does not show what is so old: what it shows is adopted, and nobody is rung for nothing."""
    world = left_behind(make_world)
    (first,) = world.incidents()
    world.desk(first.id, Action.CLOSE, outcome=ClosedAs.ADVICE)
    world.hand.advance(2 * 86400)
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N01")
    world.provider.will(Outcome.ANSWER_LOST, to_number=N01)
    world.works()
    world.passes(3)
    assert each_alert_left(world)
    assert world.provider.rung.count(N01) == 3


def test_a_text_is_known_by_its_words(make_world: MakeWorld) -> None:
    world = make_world(plan=TEXT_ONLY)
    _first, second = two_incidents(world, Outcome.LOST_ON_THE_WAY, Outcome.ANSWER_LOST)
    world.passes(3)
    assert len(world.provider.texts_to(N01)) == 2, "one was adopted, the other sent again"
    assert len(set(world.provider.texts_to(N01))) == 2
    bodies = {s.sid: s.body for s in world.provider.sent}
    for row in world.deliveries(to_number=N01):
        assert row.body == bodies[str(row.provider_sid)]
    assert second in {row.incident_id for row in world.deliveries(to_number=N01)}


def test_the_words_are_those_that_were_sent_although_the_incident_has_changed(make_world: MakeWorld) -> None:
    world = make_world(plan=TEXT_ONLY)
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    sent = world.provider.texts_to(N01)
    world.sender._wording = _Louder()
    world.passes(1)
    assert world.provider.texts_to(N01) == sent, "adopted by the words of the first time"
    assert the_alert(world).body == sent[0]


class _Louder:
    def text(self, _facts: object) -> str:
        return "OTHER WORDS"


# --- who is not needed any more -------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(lambda world, i: world.worker("N02").accepts(i), id="somebody else accepted"),
        pytest.param(lambda world, i: world.worker("N01").does(i, Action.DECLINE), id="declined elsewhere"),
    ],
)
def test_what_never_arrived_is_not_sent_again_to_somebody_who_is_not_needed(
    make_world: MakeWorld, ending: Callable[[World, str], object]
) -> None:
    world = make_world(plan=VOICE_ONLY)
    incident_id = world.resident().rings().incident_id
    world.desk(incident_id, Action.ASSIGN, "N02")
    world.provider.will(Outcome.LOST_ON_THE_WAY, to_number=N01)
    world.works()
    ending(world, incident_id)
    world.passes(5)
    assert N01 not in world.provider.rung
    (row,) = world.deliveries(to_number=N01, purpose="alert")
    assert row.state == DeliveryState.WITHDRAWN


def test_what_did_arrive_is_stopped_when_nobody_needs_it(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    incident_id = world.resident().rings().incident_id
    world.desk(incident_id, Action.ASSIGN, "N02")
    world.provider.will(Outcome.ANSWER_LOST, to_number=N01)
    world.works()
    lost = world.provider.last_call_to(N01).sid
    world.worker("N02").accepts(incident_id)
    world.passes(2)
    assert world.provider.stopped == [lost]


# --- one delivery that became two calls -----------------------------------------------------------


def sent_twice(make_world: MakeWorld) -> tuple[World, str, str]:
    """The answer was lost, the provider could not say, and so the phone rings twice: the earlier call's
    identifier, and the later one's, which is on record."""
    world = make_world(plan=VOICE_ONLY)
    world.provider.lists_fail = CANNOT_SAY["hangs"]
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    world.passes(1)
    return world, "fake-1", "fake-2"


def says(world: World, sid: str, status: str, sequence: int | None = None) -> bool:
    (sent,) = (s for s in world.provider.sent if s.sid == sid)
    return world.network_says(sent, status, sequence=sequence)


@pytest.mark.parametrize("status", ["initiated", "ringing", "busy", "no-answer", "failed"])
def test_a_callback_about_the_other_call_changes_nothing(make_world: MakeWorld, status: str) -> None:
    world, earlier, later = sent_twice(make_world)
    assert says(world, earlier, status, 7) is False
    alert = the_alert(world)
    assert (alert.state, alert.provider_sid, alert.provider_status) == ("accepted", later, "queued")
    assert says(world, later, "ringing", 1), "the numbers of one call do not silence the other"


def test_the_call_that_is_picked_up_first_is_the_one_that_counts(make_world: MakeWorld) -> None:
    world, earlier, later = sent_twice(make_world)
    says(world, later, "ringing", 5)
    assert says(world, earlier, "in-progress", 2)
    assert (the_alert(world).provider_sid, the_alert(world).provider_status) == (earlier, "in-progress")
    assert says(world, later, "no-answer", 6) is False
    assert says(world, earlier, "completed", 3)
    assert the_alert(world).state == DeliveryState.DELIVERED


def test_both_calls_stop_when_somebody_else_accepts(make_world: MakeWorld) -> None:
    world, earlier, later = sent_twice(make_world)
    says(world, earlier, "ringing")
    (incident,) = world.incidents()
    world.desk(incident.id, Action.ASSIGN, "N02")
    world.works()
    world.worker("N02").accepts(incident.id)
    world.works()
    assert sorted(world.provider.stopped) == [earlier, later]


def test_a_callback_that_comes_before_the_second_send_saves_it(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    assert says(world, "fake-1", "ringing")
    world.passes(60)
    assert (world.provider.asked, world.provider.rung) == ([], [N01])
    assert the_alert(world).state == DeliveryState.ACCEPTED


def test_a_callback_during_the_second_send_leaves_both_known(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.lists_fail = CANNOT_SAY["hangs"]
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    world.hand.advance(1)
    (again,) = claiming.claim(world.services, limit=8)
    says(world, "fake-1", "ringing")
    world.sender.send(again)
    alert = the_alert(world)
    assert (alert.provider_sid, alert.details[outbox.OTHER_SIDS]) == ("fake-1", ["fake-2"])
    assert alert.provider_status == "ringing"


def test_a_ring_of_what_was_called_off_meanwhile_is_stopped(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    incident_id = world.resident().rings().incident_id
    world.desk(incident_id, Action.ASSIGN, "N02")
    world.provider.lists_fail = CANNOT_SAY["hangs"]
    world.provider.will(Outcome.ANSWER_LOST, to_number=N01)
    world.works()
    lost = world.provider.last_call_to(N01)
    world.worker("N02").accepts(incident_id)
    world.passes(5)
    with world.uow.read() as session:
        state = session.scalar(select(Delivery.state).where(Delivery.id == lost.delivery_id))
    assert state == DeliveryState.WITHDRAWN
    assert world.network_says(lost, "ringing")
    world.works()
    assert world.provider.stopped == [lost.sid]
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.status is AssignmentStatus.STOOD_DOWN
