"""What is wanted a second time is done a second time; what one decision wants is done once."""

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import Outcome, Source
from tests.world import PHONES, World

N01, N02 = PHONES["N01"], PHONES["N02"]
CALLER = "+628119999001"


def test_who_accepts_steps_back_and_accepts_again_is_called_in_again(world: World) -> None:
    world.resident(CALLER).rings()
    world.works()
    for sent in list(world.provider.sent):
        world.network_says(sent, "completed" if sent.answer_url else "delivered")
    world.provider.forgets()
    for count in (1, 2):
        world.worker("N01").texts("1")
        world.works()
        assert world.provider.rung.count(N01) == count
        world.network_says(world.provider.last_call_to(N01), "completed")
        world.worker("N01").texts("2")
        world.works()


def test_who_came_back_as_support_is_told_when_it_is_over(world: World) -> None:
    incident_id = world.resident(CALLER).rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.hand.advance(1)
    world.worker("N02").does(incident_id, Action.ACCEPT, source=Source.WEB)
    world.provider.forgets()
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.CANCELLED)
    world.works()
    assert [text.split()[:3] for text in world.provider.texts_to(N02)] == [["stand_down", "100", "closed"]]
    assert len(world.deliveries(purpose="stand_down", to_number=N02)) == 2


def test_a_caller_is_called_back_for_each_worker_who_waits_for_them(world: World) -> None:
    incident_id = world.resident(CALLER).rings().incident_id
    world.works()
    world.resident(CALLER).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 1
    world.network_says(world.provider.last_call_to(CALLER), "completed")
    world.worker("N01").does(incident_id, Action.DECLINE)
    world.worker("N02").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 2


def test_a_caller_whose_phone_rings_is_not_called_back_beside_it(world: World) -> None:
    incident_id = world.resident(CALLER).rings().incident_id
    world.works()
    world.resident(CALLER).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.network_says(world.provider.last_call_to(CALLER), "ringing")
    world.worker("N02").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 1


def test_a_caller_who_has_picked_up_is_not_called_back_beside_it(world: World) -> None:
    """They listen to the menu still, and come into the room by themselves."""
    incident_id = world.resident(CALLER).rings().incident_id
    world.works()
    world.resident(CALLER).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.network_says(world.provider.last_call_to(CALLER), "in-progress")
    world.worker("N02").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 1
    world.hand.advance(700)
    world.worker("N03").texts("2")
    world.desk(incident_id, Action.ASSIGN, "N03")
    world.worker("N03").accepts(incident_id)
    world.works()
    assert world.provider.rung.count(CALLER) == 2, "the word of its end must have been lost"
