"""A provider that does not answer: the others take over, first alerts go out, and people are told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import OperationalError

from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import OutcomeUnknownError
from dispatch.service import claiming, provider_signs
from dispatch.service.breakers import OPEN_AFTER, PROBE_EVERY_S
from dispatch.service.engine import PULSE_EVERY_S
from models.traffic import Delivery, Outage, Pulse
from tests.builders import START, policy, tier
from tests.fakes.telephony import WAIT_S, FakeProvider, Outcome
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

VOICE_ONLY = policy(tier("jaga", at_once=1, within_s=9000.0, channels=(AlertChannel.VOICE,)))
TEXT_ONLY = policy(tier("jaga", at_once=1, within_s=9000.0, channels=(AlertChannel.SMS,)))


def two_providers(make_world: MakeWorld) -> tuple[World, FakeProvider, FakeProvider]:
    world = make_world(plan=VOICE_ONLY, provider_names=("first", "second"))
    return world, world.providers[0], world.providers[1]


def goes_silent(world: World, provider: FakeProvider, how: Outcome = Outcome.UNREACHABLE) -> None:
    """Alerts fail at it until it is known to be silent."""
    provider.always(how)
    number = 0
    while not world.sender.breakers.is_open(provider.name):
        number += 1
        world.resident(f"+62811999{number:04d}").rings(f"CA-{number}")
        world.works()


def silent_now(world: World) -> list[str]:
    with world.uow.read() as session:
        return [provider.name for provider in provider_signs.silent_providers(session, world.clock.now())]


def gauge(world: World, provider: str) -> float | None:
    return world.services.metrics.registry.get_sample_value("siaga_provider_silent", {"provider": provider})


def test_the_next_provider_takes_over_without_asking_the_silent_one(make_world: MakeWorld) -> None:
    world, first, second = two_providers(make_world)
    goes_silent(world, first)
    assert first.tries == OPEN_AFTER
    assert len(second.rung) == OPEN_AFTER, "each went out by the other one in the same breath"
    world.resident("+628119999991").rings("CA-late")
    world.works()
    assert (first.tries, len(second.rung)) == (OPEN_AFTER, OPEN_AFTER + 1)


def test_first_alerts_pay_for_no_probe_while_another_provider_works(make_world: MakeWorld) -> None:
    world, first, _second = two_providers(make_world)
    goes_silent(world, first)
    world.hand.advance(PROBE_EVERY_S)
    world.resident("+628119999991").rings("CA-late")
    world.works()
    assert first.tries == OPEN_AFTER


def test_whatever_else_there_is_to_send_finds_out_that_it_is_back(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(*VOICE_ONLY.alerting.tiers, second_ring_s=30.0), provider_names=("a", "b"))
    first, second = world.providers
    goes_silent(world, first)
    first.always(Outcome.TAKEN)
    world.passes(30)
    assert first.rung, "the second ring probed it"
    assert not world.sender.breakers.is_open("a")
    before = len(second.rung)
    world.resident("+628119999991").rings("CA-late")
    world.works()
    assert len(second.rung) == before


def test_with_one_provider_the_first_alert_is_always_tried(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    goes_silent(world, world.provider)
    world.provider.always(Outcome.TAKEN)
    world.resident("+628119999991").rings("CA-late")
    world.works()
    assert len(world.provider.rung) == OPEN_AFTER + 1, (
        "it found the provider back, and what waited left with it"
    )


def test_with_one_provider_what_waits_is_tried_one_at_a_time_and_never_given_up(
    make_world: MakeWorld,
) -> None:
    world = make_world(plan=VOICE_ONLY)
    goes_silent(world, world.provider)
    tries = world.provider.tries
    world.passes(60)
    assert 1 <= world.provider.tries - tries <= 60 / PROBE_EVERY_S
    waiting = world.deliveries(purpose="alert")
    assert {d.state for d in waiting} == {DeliveryState.PENDING}
    world.provider.always(Outcome.TAKEN)
    while world.sender.breakers.is_open("fake"):
        world.passes(1)
    world.works()
    assert {d.state for d in world.deliveries(purpose="alert")} == {DeliveryState.ACCEPTED}


def test_a_lost_answer_is_not_followed_by_the_next_provider_in_the_same_breath(
    make_world: MakeWorld,
) -> None:
    world, first, second = two_providers(make_world)
    first.will(Outcome.ANSWER_LOST)
    world.resident().rings()
    world.works()
    assert second.tries == 0
    world.passes(1)
    assert (first.rung, second.rung) == ([PHONES["N01"]], []), "it was asked about and adopted"


def test_a_silent_provider_is_asked_about_a_lost_answer_no_oftener_than_it_is_probed(
    make_world: MakeWorld,
) -> None:
    """Each question may hang for as long as a request may, and would hold a sender that others need."""
    world = make_world(plan=VOICE_ONLY)
    goes_silent(world, world.provider, Outcome.ANSWER_LOST)
    world.provider.lists_fail = OutcomeUnknownError("no answer", code="timeout")
    asked, rung = len(world.provider.asked), len(world.provider.rung)
    world.passes(60)
    assert 1 <= len(world.provider.asked) - asked <= 60 / PROBE_EVERY_S
    assert len(world.provider.rung) - rung <= 60 / PROBE_EVERY_S


def test_what_is_in_doubt_at_a_silent_provider_is_asked_about_when_it_is_back(make_world: MakeWorld) -> None:
    world, first, second = two_providers(make_world)
    first.will(Outcome.ANSWER_LOST)
    second.always(Outcome.UNREACHABLE)
    world.resident().rings()
    world.works()
    for name in ("first", "second"):
        for _ in range(OPEN_AFTER):
            world.sender.breakers.failed(name, OutcomeUnknownError("no answer", code="timeout"))
    world.passes(1)
    (alert,) = world.deliveries(purpose="alert")
    assert (alert.state, alert.provider, alert.error_code) == (DeliveryState.UNKNOWN, "first", "breaker_open")
    assert (first.asked, first.rung) == ([], [PHONES["N01"]])
    world.sender.breakers.answered("first")
    world.works()
    (alert,) = world.deliveries(purpose="alert")
    assert (alert.state, alert.provider_sid) == (DeliveryState.ACCEPTED, "first-1")
    assert (first.asked, first.rung) == ([PHONES["N01"]], [PHONES["N01"]]), "it was there, and rings once"


def test_a_silent_provider_with_a_lost_answer_does_not_keep_the_next_one_from_taking_over(
    make_world: MakeWorld,
) -> None:
    world, first, second = two_providers(make_world)
    first.will(Outcome.LOST_ON_THE_WAY)
    world.resident().rings()
    world.works()
    for _ in range(OPEN_AFTER):
        world.sender.breakers.failed("first", OutcomeUnknownError("no answer", code="timeout"))
    world.passes(1)
    assert (first.asked, second.rung) == ([], [PHONES["N01"]])


def test_a_provider_that_never_says_what_it_has_is_still_given_the_call(make_world: MakeWorld) -> None:
    """Two calls to a nurse beat none, also where only its lists are broken and its breaker is open."""
    world = make_world(plan=VOICE_ONLY)
    goes_silent(world, world.provider, Outcome.LOST_ON_THE_WAY)
    world.provider.lists_fail = OutcomeUnknownError("no answer", code="timeout")
    world.provider.always(Outcome.TAKEN)
    world.passes(120)
    assert {d.state for d in world.deliveries(purpose="alert")} == {DeliveryState.ACCEPTED}


def test_that_it_is_silent_is_said_and_taken_back(make_world: MakeWorld) -> None:
    world, first, _ = two_providers(make_world)
    assert silent_now(world) == []
    goes_silent(world, first)
    with world.uow.read() as session:
        (sign,) = provider_signs.silent_providers(session, START)
    assert (sign.name, sign.since, sign.code) == ("first", START, "unreachable")
    assert (gauge(world, "first"), gauge(world, "second")) == (1.0, None)
    world.sender.breakers.answered("first")
    assert silent_now(world) == []
    assert gauge(world, "first") == 0.0


def test_that_it_was_silent_stays_on_record_as_an_outage(make_world: MakeWorld) -> None:
    world, first, _ = two_providers(make_world)
    goes_silent(world, first)
    world.hand.advance(120)
    world.sender.breakers.answered("first")
    with world.uow.read() as session:
        (outage,) = session.scalars(select(Outage))
    assert (outage.cause, outage.details) == ("provider", {"provider": "first"})
    assert (outage.from_at, outage.until_at) == (START, world.clock.now())


def test_a_new_engine_takes_the_signs_of_the_old_one_down(make_world: MakeWorld) -> None:
    world, first, _ = two_providers(make_world)
    goes_silent(world, first)
    again = world.restarted()
    again.engine.start()
    assert silent_now(again) == []


def test_a_sign_that_cannot_be_written_keeps_nothing_from_being_sent(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world, first, second = two_providers(make_world)

    with no_sign_is_written(world):
        goes_silent(world, first)
    assert len(second.rung) == OPEN_AFTER
    assert "provider.sign_not_written" in capsys.readouterr().out
    assert silent_now(world) == []
    world.engine.pulse()
    assert silent_now(world) == ["first"], "it is put up with the next sign of life"


def test_a_sign_that_could_not_be_taken_down_is_with_the_next_sign_of_life(make_world: MakeWorld) -> None:
    world, first, _ = two_providers(make_world)
    goes_silent(world, first)
    world.hand.advance(60)
    with no_sign_is_written(world):
        world.sender.breakers.answered("first")
    assert silent_now(world) == []
    world.hand.advance(PULSE_EVERY_S)
    world.engine.pulse()
    with world.uow.read() as session:
        assert session.get(Pulse, "provider:first") is None
        (outage,) = session.scalars(select(Outage))
    assert (outage.from_at, outage.until_at) == (START, START + timedelta(seconds=60))


def test_a_sign_stays_as_long_as_its_engine_lives_and_not_longer(make_world: MakeWorld) -> None:
    """Of several engines one may die while a provider is silent, and the others never ask that provider."""
    world, first, _ = two_providers(make_world)
    goes_silent(world, first)
    for _ in range(10):
        world.hand.advance(PULSE_EVERY_S)
        world.engine.pulse()
    assert silent_now(world) == ["first"]
    world.hand.advance(provider_signs.LAPSES_AFTER.total_seconds())
    assert silent_now(world) == []


def test_what_was_said_too_late_is_put_right(make_world: MakeWorld) -> None:
    """Two threads: one request fails, another is answered, and the word of the failure comes last."""
    world, first, _ = two_providers(make_world)
    goes_silent(world, first)
    late = world.sender.breakers.silent()["first"]
    world.sender.breakers.answered("first")
    world.sender._signs(late)
    assert silent_now(world) == ["first"]
    world.engine.pulse()
    assert silent_now(world) == []


def test_who_comes_back_waits_for_no_row_that_another_transaction_holds(
    postgresql_database_url: str,
) -> None:
    """Two that wait for each other's rows would end in a deadlock, and one of them in vain."""
    world = World(postgresql_database_url, plan=VOICE_ONLY)
    with closing(world), ThreadPoolExecutor(max_workers=1) as pool:
        goes_silent(world, world.provider)
        held, *others = world.deliveries(purpose="alert")
        with world.restarted().uow.write() as session:
            session.scalars(select(Delivery).where(Delivery.id == held.id).with_for_update()).one()
            pool.submit(world.sender.breakers.answered, "fake").result(timeout=WAIT_S)
        due = [row.id for row in world.deliveries(purpose="alert") if row.next_attempt_at <= START]
        assert due == [row.id for row in others]


def test_what_may_be_at_any_provider_is_asked_about_when_one_of_them_is_back(make_world: MakeWorld) -> None:
    world, first, second = two_providers(make_world)
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=1)
    world.sender._hand_over(first, claimed)  # and then the power failed
    world.hand.advance(world.services.lease_s)
    for provider in (first, second):
        for _ in range(OPEN_AFTER):
            world.sender.breakers.failed(provider.name, OutcomeUnknownError("no answer", code="timeout"))
    world.works()
    (alert,) = world.deliveries(purpose="alert")
    assert (alert.state, alert.provider) == (DeliveryState.UNKNOWN, None)
    world.sender.breakers.answered("first")
    world.works()
    assert first.asked == [PHONES["N01"]]
    assert world.deliveries(purpose="alert")[0].state == DeliveryState.ACCEPTED


@contextmanager
def no_sign_is_written(world: World) -> Iterator[None]:
    """Every write about a provider's silence fails, and nothing else does."""

    def refuse(*event: object) -> None:
        parameters = str(event[3])
        if "provider:first" in parameters and str(event[2]).startswith(("INSERT", "UPDATE", "DELETE")):
            raise OperationalError("INSERT", {}, Exception("the disk is full"))

    listen(world.uow.engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        remove(world.uow.engine, "before_cursor_execute", refuse)


def test_no_request_is_begun_that_might_outlive_the_lease(make_world: MakeWorld) -> None:
    world, first, second = two_providers(make_world)
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=1)
    world.hand.advance(world.services.lease_s - world.services.request_s)
    world.sender.send(claimed)
    assert (first.tries, second.tries) == (0, 0)
    (row,) = world.deliveries(id=claimed.id)
    assert (row.state, row.error_code) == (DeliveryState.PENDING, "breaker_open")


@pytest.mark.parametrize("request_s", [3.1, 13.0, 63.0])
def test_asking_and_sending_fit_into_the_lease(make_world: MakeWorld, request_s: float) -> None:
    """Whatever ``SIAGA_TWILIO_TIMEOUT_S`` is."""
    services = replace(make_world().services, request_s=request_s)
    assert services.lease_s > 2 * request_s


def test_an_error_that_nobody_may_retry_is_not_hidden_by_one_that_passes(make_world: MakeWorld) -> None:
    world, first, second = two_providers(make_world)
    first.always(Outcome.UNREACHABLE)
    second.will(Outcome.REFUSED, to_number=PHONES["N01"])
    world.resident().rings()
    world.works()
    (alert,) = world.deliveries(to_number=PHONES["N01"])
    assert (alert.state, alert.error_code) == (DeliveryState.FAILED, "21211")
