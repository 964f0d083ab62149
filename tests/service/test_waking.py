"""Which commits wake the engine: those that give it something to do, and no others."""

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import Outcome
from models.facility import Staff
from models.unit_of_work import wake_engine_after
from tests.builders import policy
from tests.service.conftest import MakeWorld
from tests.world import World


@pytest.fixture
def wakes(world: World) -> list[str]:
    """Grows by one with each commit that wakes the engine."""
    return _wakes_of(world)


def test_a_call_wakes_the_engine_once_and_its_repeat_does_not(world: World, wakes: list[str]) -> None:
    world.resident().rings()
    assert wakes == ["woken"]
    world.resident().rings()
    assert wakes == ["woken"]


def test_something_to_send_alone_wakes_it(world: World, wakes: list[str]) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    wakes.clear()
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.CANCELLED)
    assert (world.deadlines(), wakes) == ([], ["woken"])


def test_a_deadline_alone_wakes_it(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(alert_after_s=3.0))
    wakes = _wakes_of(world)
    world.resident().rings()
    assert (world.deliveries(), wakes) == ([], ["woken"])


def test_what_concerns_it_not_at_all_lets_it_sleep(world: World, wakes: list[str]) -> None:
    with world.uow.write() as session:
        session.add(Staff(**_somebody(world)))
    assert wakes == []


def test_what_was_rolled_back_wakes_nobody(world: World, wakes: list[str]) -> None:
    def breaks() -> None:
        with world.uow.write() as session:
            wake_engine_after(session)
            raise RuntimeError("the command breaks")

    with pytest.raises(RuntimeError):
        breaks()
    assert wakes == []


def _wakes_of(world: World) -> list[str]:
    told: list[str] = []
    world.uow.on_commit(lambda: told.append("woken"))
    return told


def _somebody(world: World) -> dict[str, object]:
    return {
        "id": world.services.ids.new_id(),
        "facility_id": world.services.facility_id,
        "code": "N09",
        "name": "Ns. N09",
        "role": "responder",
        "phone": "+6281100000099",
        "skills": ["nurse"],
        "updated_at": world.clock.now(),
    }
