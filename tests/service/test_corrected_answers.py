"""An answer that was only assumed, and what the provider's log says of it afterwards."""

from datetime import datetime, timedelta

import pytest

from dispatch.domain.meeting import JOIN_GRACE_S
from dispatch.ports import CallDetails, LoggedCall
from dispatch.service.reconcile import Found, reconcile
from tests.world import PHONES, World

CALLER = "+628119999001"
MINUTE = timedelta(minutes=1)


def reads(world: World) -> Found:
    return reconcile(world.services, world.providers)


def call_in(world: World, sid: str, *, at: datetime, details: CallDetails | None = None) -> None:
    """What the log says of a call of 40 seconds."""
    world.provider.calls_in.append(
        LoggedCall(
            provider_sid=sid,
            from_number=CALLER,
            began_at=at,
            ended_at=at + timedelta(seconds=40),
            status="completed",
            duration_s=40,
        )
    )
    if details is not None:
        world.provider.details[sid] = details


def assumed_answer(world: World) -> tuple[str, datetime, datetime]:
    """An answer that nobody reported: incident, when the call began, and the instant that is assumed."""
    reads(world)
    rang_at = world.clock.now()
    incident_id = world.resident(CALLER).rings("CA-in-1").incident_id
    world.hand.advance(10)
    world.works()
    world.worker("N01").accepts(incident_id)
    world.passes(JOIN_GRACE_S)
    assumed_at = world.incident(incident_id).times.answered_at
    assert assumed_at is not None
    world.passes(20)
    world.resident(CALLER).hangs_up("CA-in-1")
    return incident_id, rang_at, assumed_at


@pytest.mark.parametrize("picked_up_after_s", [7, 25])
def test_who_really_picked_up_corrects_an_answer_that_was_assumed(
    world: World, picked_up_after_s: float
) -> None:
    """The fallback had connected the caller with a duty phone: sooner or later than what was assumed."""
    incident_id, rang_at, assumed_at = assumed_answer(world)
    picked_up_at = rang_at + timedelta(seconds=picked_up_after_s)
    assert picked_up_at != assumed_at
    details = CallDetails(picked_up_by=PHONES["N02"], picked_up_at=picked_up_at)
    call_in(world, "CA-in-1", at=rang_at, details=details)
    world.hand.advance(600)
    assert reads(world) == Found(answers=1)

    assumed, told = [one for one in world.lines(incident_id) if one.kind == "call.answered"]
    assert (assumed.data["assumed"], assumed.occurred_at) == (True, assumed_at)
    assert (told.data["corrects"], told.occurred_at) == (assumed.sequence, picked_up_at)
    assert (told.data["staff_code"], told.data["reconstructed"]) == ("N02", True)
    (call,) = world.calls()
    assert world.incident(incident_id).times.answered_at == call.answered_at == picked_up_at
    assert not reads(world), "it is corrected once"
    assert world.findings() == []


def test_an_assumed_answer_that_the_log_does_not_contradict_stands(world: World) -> None:
    incident_id, rang_at, assumed_at = assumed_answer(world)
    call_in(world, "CA-in-1", at=rang_at)
    world.hand.advance(600)
    assert not reads(world)
    assert world.incident(incident_id).times.answered_at == assumed_at


def test_an_answer_that_the_room_reported_is_never_asked_about(world: World) -> None:
    reads(world)
    rang_at = world.clock.now()
    incident_id = world.resident(CALLER).rings("CA-in-1").incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.worker("N01").joins(incident_id)
    world.resident(CALLER).hangs_up("CA-in-1")
    call_in(world, "CA-in-1", at=rang_at, details=CallDetails(picked_up_at=rang_at + MINUTE))
    world.hand.advance(600)
    assert not reads(world)
    assert [one.data.get("corrects") for one in world.lines(incident_id) if one.kind == "call.answered"] == [
        None
    ]
