"""One delivery that became two calls, and everything that is said about both: late, twice, in any order.

Whatever the order, the delivery comes to one end and never leaves it, the incident hears of its alert once
and of its failure at most once, and the record stays whole.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AlertChannel, DeliveryState, Outcome
from dispatch.ports import Handed
from dispatch.service import claiming, delivery_reports
from dispatch.service.claiming import Claimed
from models.traffic import Delivery
from tests.builders import policy, tier
from tests.world import World

ENDS = (DeliveryState.DELIVERED, DeliveryState.FAILED)
STORIES = (
    ("initiated", "ringing", "in-progress", "completed"),
    ("initiated", "ringing", "no-answer"),
    ("initiated", "busy"),
    ("queued", "failed"),
)
Said = tuple[str, str, int | None]
"""Which call, what of it (``handed`` is the answer to our own request), and its number as a callback."""


@st.composite
def reports(draw: st.DrawFn) -> list[Said]:
    """Everything that is said about two calls, in any order and some of it twice."""
    said: list[Said] = [("first", "handed", None), ("second", "handed", None)]
    for name in ("first", "second"):
        for number, status in enumerate(draw(st.sampled_from(STORIES))):
            said.append((name, status, number))
    return draw(st.permutations([*said, *draw(st.lists(st.sampled_from(said), max_size=4))]))


@pytest.fixture
def one_world(sqlite_database_url: str) -> Iterator[World]:
    plan = policy(tier("jaga", at_once=1, within_s=9000.0, channels=(AlertChannel.VOICE,)))
    world = World(sqlite_database_url, plan=plan)
    yield world
    assert world.findings() == []
    world.close()


def claimed_twice(world: World, number: int) -> Claimed:
    """The second attempt at an alert whose first attempt is in doubt; nothing of former examples is left."""
    for incident in world.incidents():
        if incident.closed_at is None:
            world.desk(incident.id, Action.CLOSE, outcome=Outcome.CANCELLED)
    world.works()
    world.hand.advance(600)
    world.works()
    incident_id = world.resident(f"+62811{number:08d}").rings(f"CA-{number}").incident_id
    assert [c.incident_id for c in claiming.claim(world.services, limit=8)] == [incident_id]
    world.hand.advance(world.services.lease_s)
    (again,) = claiming.claim(world.services, limit=8)
    return again


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=reports())
def test_any_order_comes_to_one_end(one_world: World, said: list[Said]) -> None:
    world = one_world
    number = len(world.incidents()) + 1
    claimed = claimed_twice(world, number)
    sids = {"first": f"CA-out-{number}-1", "second": f"CA-out-{number}-2"}
    ended: tuple[object, ...] | None = None
    for name, what, sequence in said:
        if what == "handed":
            handed = Handed(provider_sid=sids[name], status="queued")
            delivery_reports.handed_over(world.services, claimed, handed, "fake")
        else:
            delivery_reports.callback(
                world.services,
                claimed.id,
                provider_sid=sids[name],
                status=what,
                sequence=sequence,
                error_code=None,
            )
        (row,) = world.deliveries(id=claimed.id)
        assert ended in (None, standing(row)), "an end is not left again"
        if row.state in ENDS:
            ended = standing(row)
    assert ended is not None, "it came to an end"
    kinds = world.kinds(str(claimed.incident_id))
    assert kinds.count("alert.sent") <= 1
    assert kinds.count("alert.failed") <= 1
    assert (ended[0] == DeliveryState.FAILED) == ("alert.failed" in kinds)


def standing(row: Delivery) -> tuple[object, ...]:
    return row.state, row.provider_status, row.provider_sid, row.finished_at, row.error_code
