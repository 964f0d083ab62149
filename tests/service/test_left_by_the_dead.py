"""What an engine was sending when its process died: it is asked about at once, and not after its lease."""

from sqlalchemy import update

from dispatch.adapters.clock import SystemClock
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.service import claiming
from dispatch.service.claiming import SETTLES_S
from dispatch.service.engine import Engine
from dispatch.service.engine_lease import EngineLease
from dispatch.service.processes import name_of_this_process
from models.traffic import Delivery
from tests.builders import policy, tier
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

N01 = PHONES["N01"]
VOICE_ONLY = policy(tier("jaga", at_once=1, within_s=900.0, channels=(AlertChannel.VOICE,)))


def dies_while_sending(world: World) -> None:
    """An engine's process hands a call over, and is no more; it has not written that down."""
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=1)
    world.sender._hand_over(world.provider, claimed)
    machine = name_of_this_process().rsplit(":", 2)[0]
    with world.uow.write() as session:
        session.execute(update(Delivery).values(claimed_by=f"{machine}:4194305:1"))


def the_alert(world: World) -> Delivery:
    (alert,) = world.deliveries(purpose="alert")
    return alert


def test_it_is_asked_about_as_soon_as_the_provider_can_know(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    dies_while_sending(world)
    world.engine.let_go_of_the_dead()
    world.hand.advance(SETTLES_S - 0.001)
    assert world.works() == 0
    world.hand.advance(0.001)
    world.works()
    assert (world.provider.asked, world.provider.rung) == ([N01], [N01])
    assert (the_alert(world).state, the_alert(world).attempts) == (DeliveryState.ACCEPTED, 2)


def test_looking_again_puts_nothing_off(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    dies_while_sending(world)
    for _ in range(4):
        world.engine.let_go_of_the_dead()
        world.hand.advance(SETTLES_S / 4)
    assert world.works() == 1


def test_what_a_living_process_sends_is_its_own_until_the_lease_runs_out(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    world.resident().rings()
    (claimed,) = claiming.claim(world.services, limit=1)
    world.restarted().engine.let_go_of_the_dead()
    assert the_alert(world).lease_until == claimed.lease_until
    world.hand.advance(world.services.lease_s - 0.001)
    assert world.works() == 0


def test_an_engine_that_stands_by_leaves_it_to_the_one_at_work(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY)
    EngineLease(world.services).renew()
    dies_while_sending(world)
    lease_until = the_alert(world).lease_until
    Engine(world.services, world.sender, lease=EngineLease(world.services)).let_go_of_the_dead()
    assert the_alert(world).lease_until == lease_until


def test_a_new_engine_does_so_by_itself(make_world: MakeWorld) -> None:
    world = make_world(plan=VOICE_ONLY, clock=SystemClock())
    dies_while_sending(world)
    world.engine.start()
    assert world.provider.waits_for(lambda provider: provider.asked == [N01])
