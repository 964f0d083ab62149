"""The provider's calls per second: what repeats waits its turn, red first; what is waited for never does."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select

from dispatch.adapters.clock import SystemClock
from dispatch.domain.commands import Action
from dispatch.domain.policy import Policy
from dispatch.domain.vocabulary import AlertChannel, DeliveryState, Priority
from dispatch.service import claiming
from models.traffic import Pace
from tests.builders import START, policy, tier
from tests.fakes.telephony import Outcome
from tests.service.conftest import MakeWorld
from tests.world import PHONES, TEAM, World

VOICE = (AlertChannel.VOICE,)
RED, CALM = "+628119999001", "+628119999002"


def plan(*, within_s: float = 900.0, second_ring_s: float = 10.0, repeat_s: float = 900.0) -> Policy:
    return policy(
        tier("jaga", at_once=3, within_s=within_s, channels=VOICE),
        tier("cadangan", at_once=2, within_s=within_s, channels=VOICE),
        tier("pimpinan", at_once=5, within_s=within_s, channels=VOICE),
        second_ring_s=second_ring_s,
        repeat_s=repeat_s,
    )


def free_at(world: World) -> datetime | None:
    with world.uow.read() as session:
        return session.scalar(select(Pace.free_at))


def fire_only(world: World) -> None:
    """Let the deadlines that are due fire, and nothing be sent."""
    world.engine.fire_due()


def rung_over_time(world: World, seconds: int) -> list[int]:
    """How many calls were placed by each second from now on."""
    rung = []
    for _ in range(seconds):
        world.passes(1)
        rung.append(len(world.provider.rung))
    return rung


def test_first_asks_are_never_held_back(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=0.1)
    for number in range(12):
        world.resident(f"+62811999{number:04d}").rings(f"CA-{number}")
    world.works()
    assert len(world.provider.rung) == 36


def test_the_whole_ladder_of_first_asks_runs_in_fractions_of_seconds(make_world: MakeWorld) -> None:
    quick = policy(
        tier("jaga", at_once=1, within_s=0.3),
        tier("cadangan", at_once=1, within_s=0.3),
        tier("pimpinan", at_once=1, within_s=0.3),
    )
    world = make_world(plan=quick, calls_per_second=1.0)
    world.resident().rings()
    for code in ("N01", "N02", "N03", "C01", "C02", "P01"):
        world.works()
        assert world.provider.rung[-1] == PHONES[code]
        world.passes(0.3)


def test_repeats_leave_one_by_one_at_the_pace(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=1.0)
    world.resident().rings()
    world.passes(10)
    assert len(world.provider.rung) == 4, "one of the three second rings; the others wait"
    assert rung_over_time(world, 4) == [5, 6, 6, 6]


@pytest.mark.parametrize(("calls_per_second", "seconds_for_three"), [(0.5, 4.0), (3.0, 0.668), (20.0, 0.1)])
def test_the_pace_is_what_the_setting_says(
    make_world: MakeWorld, calls_per_second: float, seconds_for_three: float
) -> None:
    world = make_world(plan=plan(), calls_per_second=calls_per_second)
    world.resident().rings()
    world.passes(10 + seconds_for_three - 0.001)
    assert len(world.provider.rung) == 5
    world.passes(0.001)
    assert len(world.provider.rung) == 6


def test_without_a_limit_nothing_waits_and_nothing_is_written(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=0.0)
    world.resident().rings()
    world.passes(10)
    assert len(world.provider.rung) == 6
    assert free_at(world) is None


def test_red_goes_first_and_then_who_has_waited_longest(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=1.0)
    calm = world.resident(CALM).rings("CA-1").incident_id
    world.desk(calm, Action.SET_PRIORITY, priority=Priority.YELLOW)
    world.works()
    world.hand.advance(0.5)
    red = world.resident(RED).rings("CA-2").incident_id
    world.works()
    world.provider.forgets()
    world.passes(20)
    incident_of = {d.id: d.incident_id for d in world.deliveries()}
    order = [incident_of[sent.delivery_id] for sent in world.provider.sent]
    assert order == [calm, red, red, red, calm, calm], "what left at 10.0 s had left when red came due"


def test_red_that_comes_due_later_overtakes_what_is_held(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=0.5)
    calm = world.resident(CALM).rings("CA-1").incident_id
    world.desk(calm, Action.SET_PRIORITY, priority=Priority.GREEN)
    world.works()
    world.hand.advance(1)
    red = world.resident(RED).rings("CA-2").incident_id
    world.works()
    world.provider.forgets()
    world.passes(30)
    incident_of = {d.id: d.incident_id for d in world.deliveries()}
    assert [incident_of[s.delivery_id] for s in world.provider.sent] == [calm, red, red, red, calm, calm]


def test_first_asks_count_but_hold_nobody_for_long(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=1.0)
    world.resident().rings()
    world.works()
    world.passes(9.5)
    for number in range(5):
        world.resident(f"+62811998{number:04d}").rings(f"CA-b{number}")
    world.works()
    assert free_at(world) == START + timedelta(seconds=9.5 + 2.0), (
        "fifteen calls left, and two seconds are held"
    )
    world.provider.forgets()
    world.passes(1.999)
    assert world.provider.rung == []
    world.passes(0.001)
    assert len(world.provider.rung) == 1


def test_a_new_incident_goes_out_while_repeats_are_held(make_world: MakeWorld) -> None:
    """More is held than an engine has senders for: neither the new one nor good news is behind it."""
    world = make_world(plan=plan(), calls_per_second=0.1)
    for number in range(8):
        world.resident(f"+62811999{number:04d}").rings(f"CA-{number}")
    world.works()
    world.hand.advance(10)
    fire_only(world)
    ended, *_ = world.incidents()
    world.worker("N01").accepts(ended.id)
    world.resident("+628119980000").rings("CA-new")
    first = claiming.claim(world.services, limit=3)
    assert [c.details["turn"] for c in first] == [1, 1, 1]
    then = claiming.claim(world.services, limit=3)
    assert {str(c.purpose) for c in then} == {"hang_up", "stand_down"}


def test_a_claim_says_whether_more_may_wait(make_world: MakeWorld) -> None:
    """Whoever ends a request looks for more then, and not only with the next tick."""
    world = make_world(plan=plan(), calls_per_second=0.1)
    for number in range(2):
        world.resident(f"+62811999{number:04d}").rings(f"CA-{number}")
    assert claiming.claim(world.services, limit=1).more, "there was no room for the second"
    assert not claiming.claim(world.services, limit=8).more
    world.hand.advance(10)
    fire_only(world)
    assert claiming.claim(world.services, limit=50).more, "repeats wait for their turn"
    assert not claiming.claim(world.services, limit=50).more


def test_what_connects_a_waiting_caller_does_not_wait(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(second_ring_s=900.0), calls_per_second=0.1)
    incident_id = world.resident().rings().incident_id
    world.works()
    for code in ("N01", "N02", "N03"):
        world.network_says(world.provider.last_call_to(PHONES[code]), "no-answer")
    world.works()
    world.provider.forgets()
    world.worker("N01").texts("1")
    world.works()
    assert world.provider.rung == [PHONES["N01"]]
    assert [d.purpose for d in world.deliveries(incident_id=incident_id, purpose="connect")] == ["connect"]


def test_texts_are_not_paced(make_world: MakeWorld) -> None:
    texts = policy(tier("jaga", at_once=3, within_s=1.0, channels=(AlertChannel.SMS,)), repeat_s=5.0)
    world = make_world(plan=texts, team=[m for m in TEAM if m.tier == "jaga"], calls_per_second=0.1)
    world.resident().rings()
    world.passes(6)
    assert len(world.provider.texted) == 6
    assert free_at(world) is None


def test_a_clock_that_is_put_back_holds_nothing_for_an_hour(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=1.0)
    with world.uow.write() as session:
        session.add(Pace(provider="fake", free_at=START + timedelta(hours=1)))
    world.resident().rings()
    world.passes(12)
    assert len(world.provider.rung) == 6


def test_all_engines_share_one_pace(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(), calls_per_second=1.0)
    other = world.restarted()
    world.resident().rings()
    world.works()
    world.hand.advance(10)
    fire_only(world)
    ours = claiming.claim(world.services, limit=1)
    theirs = claiming.claim(other.services, limit=8)
    assert (len(ours), len(theirs)) == (1, 0)


def test_a_ring_that_has_not_left_yet_is_not_asked_for_twice(make_world: MakeWorld) -> None:
    """After an outage a phone rings once, and not once for each repeat that nobody could carry."""
    world = make_world(plan=plan(within_s=5.0, repeat_s=10.0, second_ring_s=8.0))
    world.provider.always(Outcome.UNREACHABLE)
    world.resident().rings()
    world.passes(300)
    waiting = [d for d in world.deliveries(purpose="alert") if d.state == DeliveryState.PENDING]
    assert sorted(d.to_number for d in waiting) == sorted(PHONES.values())
    world.provider.always(Outcome.TAKEN)
    while not world.provider.rung:
        world.passes(1)
    assert sorted(world.provider.rung) == sorted(set(world.provider.rung))


def test_an_engine_wakes_when_the_pace_is_free_and_not_before(make_world: MakeWorld) -> None:
    world = make_world(plan=plan(second_ring_s=0.5), calls_per_second=5.0, clock=SystemClock())
    asked: list[str] = []
    event.listen(
        world.uow.engine, "before_cursor_execute", lambda *args: asked.append(str(args[2])), named=False
    )
    world.uow.on_commit(world.engine.wake)
    world.engine.start()
    world.resident().rings()
    assert world.provider.waits_for(lambda provider: len(provider.rung) == 6)
    world.engine.stop()
    claims = [statement for statement in asked if "urgency" in statement and statement.startswith("SELECT")]
    assert len(claims) < 60, "it sleeps until the pace is free"
