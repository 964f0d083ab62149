"""What leaves the house: leases, retries, refusals, unknown outcomes and late callbacks (DESIGN 4 and 6)."""

from datetime import timedelta

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, DeliveryState
from dispatch.service import claiming, delivery_reports
from dispatch.service.outbox import TEXT_VALID_S
from models.unit_of_work import NetworkInTransactionError
from tests.builders import START, policy, tier
from tests.fakes.telephony import Outcome
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

VOICE_ONLY = policy(
    tier("jaga", at_once=1, within_s=30.0, channels=(AlertChannel.VOICE,)),
    tier("cadangan", at_once=1, within_s=30.0, channels=(AlertChannel.VOICE,)),
)


def test_an_alert_leaves_once_and_is_recorded_when_the_provider_took_it(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    assert world.incident(incident_id).times.alerted_at is None
    world.hand.advance(0.04)
    assert world.works() == 4
    assert world.works() == 0
    assert world.incident(incident_id).times.alerted_at == START + timedelta(seconds=0.04)
    alerts = world.deliveries(purpose="alert")
    assert {(d.state, d.provider, d.attempts) for d in alerts} == {(DeliveryState.ACCEPTED, "fake", 1)}
    assert len({d.provider_sid for d in alerts}) == 4


def test_the_text_carries_the_workers_own_page_and_is_kept_as_it_was_sent(world: World) -> None:
    world.resident().rings()
    world.works()
    (body,) = world.provider.texts_to(PHONES["N01"])
    assert body.startswith("alert 100 https://siaga.test/w/")
    (kept,) = world.deliveries(to_number=PHONES["N01"], channel="sms")
    assert kept.body == body


# --- a provider that fails ------------------------------------------------------------------------


def test_a_refusal_rings_the_next_worker_at_once(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.will(Outcome.REFUSED, to_number=PHONES["N01"])
    incident_id = world.resident().rings().incident_id
    world.works()
    assert world.provider.rung == [PHONES["N02"]]
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert (part.status, part.alerted_at) == (AssignmentStatus.NO_ANSWER, None)
    assert "alert.failed" in world.kinds(incident_id)
    assert world.findings() == []


def test_a_refused_call_leaves_the_text_its_chance(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    for code in ("N01", "N02"):
        world.provider.will(Outcome.REFUSED, to_number=PHONES[code])
    world.works()
    assert world.provider.rung == []
    assert sorted(world.provider.texted) == [PHONES["N01"], PHONES["N02"]]
    assert [a.status for a in world.incident(incident_id).assignments] == [AssignmentStatus.ALERTED] * 2


def test_when_both_channels_are_refused_nobody_waits_for_the_silence(world: World) -> None:
    world.resident().rings()
    for code in ("N01", "N02"):
        world.provider.will(Outcome.REFUSED, Outcome.REFUSED, to_number=PHONES[code])
    world.works()
    assert world.provider.rung == [PHONES["N03"]]


def test_out_of_reach_is_tried_again_with_longer_pauses_and_without_end(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.always(Outcome.UNREACHABLE)
    world.resident().rings()
    pauses = []
    for _ in range(8):
        (claimed, *_) = claiming.claim(world.services, limit=1)
        world.sender.send(claimed)
        (delivery,) = world.deliveries(id=claimed.id)
        pause = delivery.next_attempt_at - world.hand.now()
        pauses.append(pause.total_seconds())
        world.hand.advance(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_the_next_provider_is_asked_in_the_same_breath(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY, provider_names=("first", "second"))
    first, second = world.providers
    first.always(Outcome.UNREACHABLE)
    incident_id = world.resident().rings().incident_id
    world.works()
    assert (first.rung, second.rung) == ([], [PHONES["N01"]])
    (delivery,) = world.deliveries(to_number=PHONES["N01"])
    assert (delivery.state, delivery.provider, delivery.attempts) == (DeliveryState.ACCEPTED, "second", 1)
    assert world.incident(incident_id).times.alerted_at == START


def test_a_dead_provider_never_holds_back_the_next_person(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.always(Outcome.UNREACHABLE)
    world.resident().rings()
    world.passes(31)
    assert [d.to_number for d in world.deliveries(purpose="alert")] == [PHONES["N01"], PHONES["N02"]]
    world.provider.always(Outcome.TAKEN)
    world.passes(30)
    assert set(world.provider.rung) >= {PHONES["N01"], PHONES["N02"]}


def test_no_provider_for_a_channel_is_a_refusal(make_world: MakeWorld) -> None:
    world = make_world(provider_names=())
    incident_id = world.resident().rings().incident_id
    world.works()
    assert {d.error_code for d in world.deliveries(purpose="alert")} == {"no_provider"}
    assert world.incident(incident_id).needs_people
    assert world.deadlines()


# --- not knowing ----------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_about_and_what_is_there_is_adopted(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    (delivery,) = world.deliveries()
    assert (delivery.state, delivery.provider_sid) == (DeliveryState.UNKNOWN, None)
    world.passes(1)
    (delivery,) = world.deliveries()
    assert (delivery.state, delivery.provider_sid) == (DeliveryState.ACCEPTED, "fake-1")
    assert world.provider.asked == [PHONES["N01"]]
    assert world.provider.rung == [PHONES["N01"]], "adopted, not rung twice"


def test_what_the_provider_never_got_is_sent_again(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.provider.will(Outcome.LOST_ON_THE_WAY)
    world.resident().rings()
    world.works()
    world.passes(1)
    assert world.provider.asked == [PHONES["N01"]]
    assert world.provider.rung == [PHONES["N01"]]


def test_a_call_that_belongs_to_another_alert_is_not_adopted(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.resident("+628119999001").rings("CA-1")
    world.works()
    second = world.resident("+628119999002").rings("CA-2").incident_id
    world.desk(second, Action.ASSIGN, "N01")
    world.provider.will(Outcome.LOST_ON_THE_WAY, to_number=PHONES["N01"])
    world.works()
    world.passes(1)
    assert world.provider.rung.count(PHONES["N01"]) == 2
    sids = [d.provider_sid for d in world.deliveries(to_number=PHONES["N01"])]
    assert len(set(sids)) == 2


def test_an_engine_that_died_while_sending_leaves_an_unknown_outcome(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=8)
    world.hand.advance(world.services.lease_s - 0.001)
    assert claiming.claim(world.services, limit=8) == []
    world.hand.advance(0.001)
    again = [c for c in claiming.claim(world.services, limit=8) if c.id == claimed.id]
    assert [(c.ask_first, c.attempts) for c in again] == [(True, 2)]
    world.sender.send(again[0])
    assert world.provider.asked == [PHONES["N01"]]
    assert world.provider.rung == [PHONES["N01"]]


def test_what_the_dead_engine_had_handed_over_is_adopted(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=8)
    world.sender._hand_over(world.provider, claimed)  # and then the power failed
    world.hand.advance(world.services.lease_s)
    world.works()
    assert world.provider.rung.count(PHONES["N01"]) == 1
    (delivery,) = world.deliveries(to_number=PHONES["N01"])
    assert (delivery.state, delivery.provider_sid) == (DeliveryState.ACCEPTED, "fake-1")


def test_no_two_engines_send_the_same(world: World) -> None:
    world.resident().rings()
    other = world.restarted()
    ours = claiming.claim(world.services, limit=2)
    theirs = claiming.claim(other.services, limit=8)
    assert len(ours) == len(theirs) == 2
    assert {c.id for c in ours}.isdisjoint(c.id for c in theirs)


def test_red_goes_before_yellow_and_calls_before_good_news(world: World) -> None:
    calm = world.resident("+628119999001").rings("CA-1").incident_id
    world.resident("+628119999001").presses("4", "CA-1")
    world.works()
    world.worker("N01").does(calm, Action.DECLINE)
    world.worker("N02").accepts(calm)
    world.worker("N02").does(calm, Action.HELP)
    world.resident("+628119999002").rings("CA-2")
    world.resident("+628119999002").presses("1", "CA-2")
    order = [(c.incident_id == calm, str(c.purpose)) for c in claiming.claim(world.services, limit=50)]
    urgent = [entry for entry in order if not entry[0]]
    assert order[: len(urgent)] == urgent


def test_an_old_alarm_is_not_sent_any_more(world: World) -> None:
    world.resident().rings()
    world.hand.advance(TEXT_VALID_S)
    world.engine.run_once()
    stale = world.deliveries(channel="sms", to_number=PHONES["N01"])
    assert [(d.state, d.error_code) for d in stale] == [(DeliveryState.WITHDRAWN, "expired")]
    assert PHONES["N01"] not in world.provider.texted
    assert PHONES["N01"] in world.provider.rung, "a call tells of now"


def test_what_becomes_too_old_in_the_hands_of_a_dead_engine_is_nobodys_any_more(
    make_world: MakeWorld,
) -> None:
    world = make_world(plan=policy(tier("jaga", at_once=1, within_s=9000.0, channels=(AlertChannel.SMS,))))
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=8)
    world.hand.advance(TEXT_VALID_S)
    world.works()
    (stale,) = world.deliveries(id=claimed.id)
    assert (stale.state, stale.error_code) == (DeliveryState.WITHDRAWN, "expired")
    assert (stale.lease_until, stale.finished_at) == (None, world.clock.now())


# --- callbacks ------------------------------------------------------------------------------------


def test_a_late_busy_after_completed_is_no_step_back(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    call = world.provider.last_call_to(PHONES["N01"])
    for status in ("initiated", "ringing", "in-progress", "completed"):
        assert world.network_says(call, status)
    lines = world.kinds(incident_id)
    assert world.network_says(call, "busy") is False
    (delivery,) = world.deliveries(id=call.delivery_id)
    assert (delivery.state, delivery.provider_status) == (DeliveryState.DELIVERED, "completed")
    assert world.kinds(incident_id) == lines


def test_callbacks_twice_and_shuffled_end_the_same(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    call = world.provider.last_call_to(PHONES["N01"])
    for status, sequence in [
        ("ringing", 1),
        ("no-answer", 2),
        ("initiated", 0),
        ("ringing", 1),
        ("no-answer", 2),
    ]:
        world.network_says(call, status, sequence=sequence)
    (delivery,) = world.deliveries(id=call.delivery_id)
    assert (delivery.state, delivery.provider_sequence) == (DeliveryState.FAILED, 2)
    assert world.kinds(incident_id).count("alert.failed") == 1


def test_a_callback_that_overtakes_our_own_request_is_believed(world: World) -> None:
    world.resident().rings()
    claimed = next(c for c in claiming.claim(world.services, limit=8) if c.channel is AlertChannel.VOICE)
    handed = world.sender._hand_over(world.provider, claimed)
    (sent,) = [s for s in world.provider.sent if s.sid == handed.provider_sid]
    world.network_says(sent, "completed")
    delivery_reports.handed_over(world.services, claimed, handed, "fake")
    (delivery,) = world.deliveries(id=claimed.id)
    assert (delivery.state, delivery.provider_status, delivery.provider_sid) == (
        DeliveryState.DELIVERED,
        "completed",
        handed.provider_sid,
    )


def test_a_callback_about_something_unknown_changes_nothing(world: World) -> None:
    assert (
        delivery_reports.callback(
            world.services,
            "no-such-delivery",
            provider_sid="CA-x",
            status="ringing",
            sequence=1,
            error_code=None,
        )
        is False
    )


def test_busy_on_the_only_channel_rings_the_next_at_once(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.resident().rings()
    world.works()
    world.network_says(world.provider.last_call_to(PHONES["N01"]), "busy", error_code=None)
    world.works()
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"]]


# --- the rule about networks ----------------------------------------------------------------------


def test_the_network_is_refused_inside_a_transaction(world: World) -> None:
    world.resident().rings()
    (claimed, *_) = claiming.claim(world.services, limit=1)
    with world.uow.write(), pytest.raises(NetworkInTransactionError):
        world.sender._hand_over(world.provider, claimed)
    with world.uow.read(), pytest.raises(NetworkInTransactionError):
        world.provider.stop_ringing("CA-1")
    assert world.provider.sent == []
