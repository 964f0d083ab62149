"""Ending the ringing of somebody who is not needed any more, whoever placed the call."""

from dispatch.ports import ProviderUnavailableError
from tests.fakes.telephony import FakeProvider
from tests.service.conftest import MakeWorld
from tests.world import PHONES


class OutOfReach(FakeProvider):
    """A company that cannot be told to stop anything."""

    def stop_ringing(self, provider_sid: str) -> None:
        raise ProviderUnavailableError("connection refused", code="unreachable")


def test_every_provider_is_told_to_stop_a_ring(make_world: MakeWorld) -> None:
    """An alert that was sent twice may ring through either, and its row knows of one provider only."""
    world = make_world(provider_names=("one", "two"))
    state = world.resident().rings()
    world.works()
    silent = world.provider.last_call_to(PHONES["N02"])
    world.worker("N01").accepts(state.incident_id)
    world.works()
    assert [silent.sid in provider.stopped for provider in world.providers] == [True, True]


def test_a_provider_out_of_reach_keeps_no_ring_of_another_from_being_stopped(make_world: MakeWorld) -> None:
    world = make_world(provider_names=("one", "two"))
    state = world.resident().rings()
    world.works()
    silent = world.provider.last_call_to(PHONES["N02"])
    world.providers[1] = OutOfReach("two", now=world.clock.now)
    world.worker("N01").accepts(state.incident_id)
    world.works()
    assert silent.sid in world.provider.stopped
    [hang_up] = world.deliveries(purpose="hang_up", to_number=PHONES["N02"])
    assert hang_up.state == "delivered"
