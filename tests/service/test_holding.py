"""What a report changes of a delivery is written, whenever it is changed, on both databases."""

import re

import pytest

from dispatch.domain.vocabulary import DeliveryState
from dispatch.service import holding
from models.traffic import Delivery
from tests.service.asked import Listener
from tests.world import World


def alert_of(world: World) -> Delivery:
    world.resident().rings()
    world.works()
    alert, *_ = world.deliveries(purpose="alert", channel="voice")
    return alert


def test_a_change_after_one_that_waits_for_what_comes_next_is_written_as_well(world: World) -> None:
    alert = alert_of(world)
    listener = Listener(world.uow.engine, re.compile(""))
    with (
        world.uow.write() as session,
        holding.delivery_held(session, world.services, alert.id) as row,
    ):
        assert row is not None
        row.provider_status = "ringing"
        holding.write_delivery(session, row, with_next=True)
        row.error_code = "busy"
        holding.write_delivery(session, row, with_next=True)
        row.state = DeliveryState.FAILED
    (written,) = [each for each in world.deliveries() if each.id == alert.id]
    assert (written.provider_status, written.error_code, written.state) == ("ringing", "busy", "failed")
    changes = [statement.count("UPDATE delivery") for statement, _ in listener.asked]
    assert max(changes) == 1, "of two changes of one row in one statement a server carries out one"


def note(world: World, delivery_id: str, words: str, *, breaks_off: bool = False) -> None:
    with (
        world.uow.write() as session,
        holding.delivery_held(session, world.services, delivery_id) as row,
    ):
        assert row is not None
        row.details = {**row.details, "note": words}
        if breaks_off:
            raise LookupError


def test_what_is_changed_last_is_written_at_the_end_and_nothing_when_it_breaks_off(world: World) -> None:
    alert = alert_of(world)
    note(world, alert.id, "kept")
    with pytest.raises(LookupError):
        note(world, alert.id, "lost", breaks_off=True)
    (written,) = [each for each in world.deliveries() if each.id == alert.id]
    assert written.details["note"] == "kept"


def test_a_delivery_that_nobody_knows_is_none(world: World) -> None:
    with world.uow.write() as session, holding.delivery_held(session, world.services, "nobody's") as row:
        assert row is None
