"""A provider's log that cannot be read for a while: when that is an outage of the provider, and when not."""

import itertools

import pytest
from sqlalchemy import select

from dispatch.domain.vocabulary import OutageCause
from dispatch.ports import LoggedCall, ProviderUnavailableError
from dispatch.service.invariants import LOG_UNREAD
from dispatch.service.reconcile import EVERY_S, RUNS_FOR_S, reconcile
from dispatch.service.watchdog import Watchdog
from models.traffic import Outage, Pulse
from tests.world import World


def reads(world: World) -> None:
    reconcile(world.services, world.providers)


def outages(world: World) -> list[Outage]:
    with world.uow.read() as session:
        return list(session.scalars(select(Outage).order_by(Outage.from_at)))


def test_a_provider_that_was_away_for_a_while_is_an_outage(world: World) -> None:
    away_at = world.clock.now()
    world.provider.log_fails = ProviderUnavailableError("no connection", code="connect")
    for _ in range(3):
        reads(world)
        world.hand.advance(EVERY_S)
    world.provider.log_fails = None
    reads(world)
    (outage,) = outages(world)
    assert (outage.cause, outage.details) == (OutageCause.PROVIDER, {"provider": "fake"})
    assert (outage.from_at, outage.until_at) == (away_at, world.clock.now())
    world.hand.advance(EVERY_S)
    reads(world)
    assert len(outages(world)) == 1


def test_two_engines_do_not_make_an_outage_of_one_blip(world: World) -> None:
    """Each reads once a minute, and the line was bad for a moment."""
    other = world.restarted()
    world.provider.log_fails = ProviderUnavailableError("no connection", code="connect")
    reads(world)
    world.hand.advance(2)
    reads(other)
    world.provider.log_fails = None
    world.hand.advance(EVERY_S - 2)
    reads(world)
    assert outages(world) == []
    world.hand.advance(2)
    reads(other)
    assert outages(world) == []


def test_one_failure_is_none_either_when_the_clock_is_set_forward(world: World) -> None:
    world.provider.log_fails = ProviderUnavailableError("no connection", code="connect")
    reads(world)
    world.provider.log_fails = None
    world.hand.advance(3600)
    reads(world)
    assert outages(world) == []


def test_one_request_that_failed_is_none(world: World) -> None:
    world.provider.log_fails = ProviderUnavailableError("no connection", code="connect")
    reads(world)
    world.provider.log_fails = None
    reads(world)
    assert outages(world) == []
    with world.uow.read() as session:
        pulse = session.get(Pulse, "reconcile:fake")
    assert pulse is not None
    assert pulse.details == {}


def called(world: World, number: int) -> LoggedCall:
    """A call that never reached us, and is over."""
    at = world.hand.now()
    return LoggedCall(
        provider_sid=f"CA-{number}",
        from_number=f"+62811999{number:04}",
        began_at=at,
        ended_at=at,
        status="completed",
        duration_s=0,
    )


def found(world: World) -> list[str]:
    report = Watchdog(world.services).round()
    assert report is not None
    return [finding.check for finding in report.findings]


def test_a_reading_that_has_begun_and_does_not_end_is_found(world: World) -> None:
    world.provider.calls_in = [called(world, 1)]
    world.provider.dies_over = "CA-1"
    world.hand.advance(120)
    with pytest.raises(KeyboardInterrupt):
        reads(world)
    world.hand.advance(9 * 60)
    assert LOG_UNREAD not in found(world)
    world.hand.advance(2 * 60)
    assert LOG_UNREAD in found(world)
    world.provider.dies_over = None
    reads(world)
    world.hand.advance(60)
    assert LOG_UNREAD not in found(world)


def test_a_run_ends_after_a_while_and_the_next_one_goes_on(world: World) -> None:
    """Each look at the clock takes as long as a run may: there is time for one entry."""
    world.provider.calls_in = [called(world, number) for number in range(3)]
    world.hand.advance(3600)
    seconds = itertools.count(step=int(RUNS_FOR_S * 0.6))
    for expected in (1, 2, 3):
        reconcile(world.services, world.providers, monotonic=lambda: float(next(seconds)))
        assert len(world.calls()) == expected
