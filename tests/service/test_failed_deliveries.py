"""What follows from a failure: another try, another way to the same person, or the next person at once."""

from datetime import timedelta

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, DeliveryState
from dispatch.ports import ProviderUnavailableError
from dispatch.service import claiming, delivery_reports
from dispatch.service.outbox import TEXT_VALID_S
from tests.builders import START, policy, tier
from tests.fakes.telephony import Outcome, Sent
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

VOICE, SMS = (AlertChannel.VOICE,), (AlertChannel.SMS,)
N01, N02 = PHONES["N01"], PHONES["N02"]


def one_by_one(make_world: MakeWorld, channels: tuple[AlertChannel, ...], **options: object) -> World:
    plan = policy(
        tier("jaga", at_once=1, within_s=30.0, channels=channels),
        tier("cadangan", at_once=1, within_s=30.0, channels=channels),
    )
    return make_world(plan=plan, **options)


def text_to(world: World, number: str) -> Sent:
    return next(s for s in reversed(world.provider.sent) if s.to_number == number and not s.answer_url)


# --- refused at the door --------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["21211", "21217"])
def test_a_wrong_number_rings_the_next_person_at_once(make_world: MakeWorld, code: str) -> None:
    world = one_by_one(make_world, VOICE)
    world.provider.refusal_code = code
    world.provider.will(Outcome.REFUSED, to_number=N01)
    world.resident().rings()
    world.works()
    assert world.provider.rung == [N02]
    assert world.provider.texted == [], "the other channel leads to the same wrong number"


@pytest.mark.parametrize("code", ["21614", "21610", "21635", "99999"])
def test_a_text_that_cannot_reach_becomes_a_call_although_the_tier_has_no_calls(
    make_world: MakeWorld, code: str
) -> None:
    world = one_by_one(make_world, SMS)
    world.provider.refusal_code = code
    world.provider.will(Outcome.REFUSED, to_number=N01)
    incident_id = world.resident().rings().incident_id
    world.works()
    assert world.provider.rung == [N01]
    assert world.provider.texted == [], "the next person is not asked while this one is rung"
    assert world.kinds(incident_id).count("alert.failed") == 1
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.status is AssignmentStatus.ALERTED


def test_when_the_other_channel_fails_too_the_next_person_is_asked(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS)
    world.provider.refusal_code = "21614"
    world.provider.will(Outcome.REFUSED, Outcome.REFUSED, to_number=N01)
    world.resident().rings()
    world.works()
    assert (world.provider.rung, world.provider.texted) == ([], [N02])


def test_a_channel_that_the_tier_uses_already_is_not_added_again(world: World) -> None:
    world.provider.refusal_code = "21614"
    world.provider.will(Outcome.TAKEN, Outcome.REFUSED, to_number=N01)
    world.resident().rings()
    world.works()
    assert world.provider.rung == [N01, N02]
    assert world.provider.texted == [N02]


def test_another_provider_is_asked_at_once_when_the_account_may_not(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, VOICE, provider_names=("first", "second"))
    first, second = world.providers
    first.refusal_code = "21215"
    first.always(Outcome.REFUSED)
    incident_id = world.resident().rings().incident_id
    world.works()
    assert second.rung == [N01]
    assert "alert.failed" not in world.kinds(incident_id), "it did not fail: it went out"


def test_a_wrong_number_is_not_offered_to_the_next_provider(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, VOICE, provider_names=("first", "second"))
    first, second = world.providers
    first.will(Outcome.REFUSED, to_number=N01)
    world.resident().rings()
    world.works()
    assert (first.rung, second.rung, second.tries) == ([N02], [], 0)


def test_a_full_queue_is_tried_again_and_nobody_is_passed_over(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS)
    world.provider.refusal_code = "21611"
    world.provider.will(Outcome.REFUSED, Outcome.REFUSED, to_number=N01)
    incident_id = world.resident().rings().incident_id
    world.works()
    (alert,) = world.deliveries(purpose="alert")
    assert (alert.state, alert.error_code, alert.attempts) == (DeliveryState.PENDING, "21611", 1)
    world.passes(3)
    assert world.provider.texted == [N01]
    assert "alert.failed" not in world.kinds(incident_id)


# --- failed on the way ----------------------------------------------------------------------------


def test_a_phone_out_of_reach_is_texted_again_while_the_next_person_is_asked(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS)
    incident_id = world.resident().rings().incident_id
    world.works()
    world.network_says(text_to(world, N01), "undelivered", error_code="30003")
    world.works()
    assert world.provider.texted == [N01, N02], "the next person does not wait for the bad line"
    (waiting,) = world.deliveries(to_number=N01, state="pending")
    assert waiting.error_code == "30003", "the board says why it is tried again"
    world.passes(14.9)
    assert world.provider.texted == [N01, N02]
    world.passes(0.1)
    assert world.provider.texted == [N01, N02, N01]
    tries = world.deliveries(to_number=N01)
    assert [(d.state, d.error_code) for d in tries] == [
        (DeliveryState.FAILED, "30003"),
        (DeliveryState.ACCEPTED, None),
    ]
    assert len({d.provider_sid for d in tries}) == 2
    assert world.worker("N01").accepts(incident_id).primary is not None


def test_each_further_try_comes_later_and_none_outlives_the_text(make_world: MakeWorld) -> None:
    world = make_world(
        plan=policy(tier("jaga", at_once=1, within_s=9000.0, channels=SMS), repeat_s=9000.0),
    )
    world.resident().rings()
    sent_at: list[float] = []
    for _ in range(60):
        before = len(world.provider.texts_to(N01))
        world.passes(15)
        if len(world.provider.texts_to(N01)) > before:
            sent_at.append((world.hand.now() - START).total_seconds())
            world.network_says(text_to(world, N01), "undelivered", error_code="30003")
    assert sent_at[:5] == [15, 30, 60, 120, 240]
    assert max(sent_at) < TEXT_VALID_S
    assert world.deliveries(to_number=N01, state="pending") == []
    valid = {d.valid_until for d in world.deliveries(to_number=N01)}
    assert valid == {START + timedelta(seconds=TEXT_VALID_S)}


def test_nobody_who_was_stood_down_is_tried_again(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS)
    incident_id = world.resident().rings().incident_id
    world.works()
    world.network_says(text_to(world, N01), "undelivered", error_code="30003")
    world.works()
    world.worker("N02").accepts(incident_id)
    world.provider.forgets()
    world.passes(300)
    assert N01 not in world.provider.rung
    assert [body.split()[0] for body in world.provider.texts_to(N01)] == ["stand_down"]


def test_who_declined_by_phone_is_not_texted_again(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").does(incident_id, Action.DECLINE)
    world.network_says(text_to(world, N01), "undelivered", error_code="30003")
    world.passes(20)
    assert len(world.provider.texts_to(N01)) == 1


def test_a_call_that_failed_on_the_way_is_placed_again_and_the_next_person_rung(
    make_world: MakeWorld,
) -> None:
    world = one_by_one(make_world, VOICE)
    world.resident().rings()
    world.works()
    world.network_says(world.provider.last_call_to(N01), "failed")
    world.works()
    assert world.provider.rung == [N01, N02]
    world.passes(15)
    assert world.provider.rung == [N01, N02, N01]


def test_a_number_that_does_not_exist_is_not_called_again(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, VOICE)
    world.resident().rings()
    world.works()
    world.network_says(world.provider.last_call_to(N01), "failed", error_code="sip-404")
    world.passes(29)
    assert world.provider.rung == [N01, N02]


def test_what_was_asked_for_again_meanwhile_is_not_tried_twice(make_world: MakeWorld) -> None:
    plan = policy(tier("jaga", at_once=1, within_s=30.0, channels=VOICE), second_ring_s=10.0)
    world = make_world(plan=plan)
    world.resident().rings()
    world.works()
    first = world.provider.last_call_to(N01)
    world.passes(10)
    assert world.provider.rung == [N01, N01]
    world.network_says(first, "failed")
    world.passes(19)
    assert world.provider.rung.count(N01) == 2


def test_a_filtered_text_goes_out_by_the_next_provider(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS, provider_names=("first", "second"))
    first, second = world.providers
    world.resident().rings()
    world.works()
    world.network_says(text_to(world, N01), "undelivered", error_code="30007")
    world.works()
    assert (first.texted, second.texted, second.rung) == ([N01], [N01], [])
    (refused,) = (s for s in second.sent)
    world.network_says(refused, "undelivered", error_code="30007")
    world.works()
    assert first.rung == [N01], "no provider is left for the text: the other channel"


def test_what_the_staff_is_told_besides_alerts_is_tried_again_too(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS)
    incident_id = world.resident().rings().incident_id
    world.passes(30)
    world.worker("N02").accepts(incident_id)
    world.works()
    world.network_says(text_to(world, N01), "undelivered", error_code="30003")
    world.passes(15)
    assert [body.split()[0] for body in world.provider.texts_to(N01)] == ["alert", "stand_down", "stand_down"]


def test_a_text_never_lives_longer_at_the_provider_than_it_may(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, SMS)
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=1)
    world.hand.advance(TEXT_VALID_S - 100.4)
    assert world.sender._still_valid_s(claimed) == 101
    world.hand.advance(500)
    assert world.sender._still_valid_s(claimed) == 1


# --- reports that come too late --------------------------------------------------------------------


def test_a_report_about_a_send_that_was_taken_over_changes_nothing(make_world: MakeWorld) -> None:
    world = one_by_one(make_world, VOICE)
    world.resident().rings()
    (first,) = claiming.claim(world.services, limit=1)
    world.hand.advance(world.services.lease_s)
    (again,) = [c for c in claiming.claim(world.services, limit=8) if c.id == first.id]
    error = ProviderUnavailableError("out of reach", code="connect")
    delivery_reports.not_handed_over(world.services, first, error, "fake")
    (row,) = world.deliveries(id=first.id)
    assert (row.state, row.attempts) == (DeliveryState.SENDING, 2)
    world.sender.send(again)
    (row,) = world.deliveries(id=first.id)
    assert row.state == DeliveryState.ACCEPTED
