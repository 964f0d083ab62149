"""Most callbacks only say that a call or a text is a step further: one statement, which holds up nobody."""

from collections.abc import Iterator
from itertools import product

from sqlalchemy import text, update

from dispatch.domain.deliveries import STEPS, after_callback
from dispatch.domain.vocabulary import DeliveryState
from dispatch.service import alert_calls, delivery_reports
from models.traffic import Delivery
from tests.crossing import terminal
from tests.world import World

KNOWN = {
    "voice": ("queued", "initiated", "ringing", "in-progress", "answered", "from another world"),
    "sms": ("accepted", "scheduled", "queued", "sending", "sent"),
}
KNOWN_SEQUENCE = 3
SEQUENCES = (None, 2, 3, 4)


def steps() -> Iterator[tuple[str, str, str, int | None]]:
    """A channel, where its delivery stands, and what is said next."""
    for channel, known in KNOWN.items():
        for before, status, sequence in product(known, STEPS, SEQUENCES):
            yield channel, before, status, sequence


def said_of(
    world: World, row: Delivery, status: str, sequence: int | None = None, *, sid: str | None = None
) -> bool:
    return delivery_reports.callback(
        world.services,
        row.id,
        provider_sid=sid or row.provider_sid,
        status=status,
        sequence=sequence,
        error_code=None,
    )


def put(world: World, row: Delivery, **values: object) -> None:
    with world.uow.write() as session:
        session.execute(update(Delivery).where(Delivery.id == row.id).values(**values))


def stands(world: World, row: Delivery) -> Delivery:
    (found,) = world.deliveries(id=row.id)
    return found


def alert_by(world: World, channel: str) -> Delivery:
    (row, *_) = world.deliveries(purpose="alert", channel=channel)
    return row


def test_every_step_leads_where_all_callbacks_lead(world: World) -> None:
    world.resident().rings()
    world.works()
    rows = {channel: alert_by(world, channel) for channel in KNOWN}
    for channel, before, status, sequence in steps():
        row = rows[channel]
        going = {"state": DeliveryState.ACCEPTED, "finished_at": None}
        put(world, row, provider_status=before, provider_sequence=KNOWN_SEQUENCE, **going)
        expected = after_callback(
            channel=channel,
            known_status=before,
            known_sequence=KNOWN_SEQUENCE,
            status=status,
            sequence=sequence,
        )
        case = (channel, before, status, sequence)
        assert said_of(world, row, status, sequence) is (expected is not None), case
        now = stands(world, row)
        standing = (before, KNOWN_SEQUENCE) if expected is None else (expected.status, expected.sequence)
        assert (now.provider_status, now.provider_sequence) == standing, case
        assert now.state == (DeliveryState.ACCEPTED if expected is None else expected.state), case
        assert (now.finished_at is None) is (now.state == DeliveryState.ACCEPTED), case


def test_a_step_of_another_call_is_none_of_this_one(world: World) -> None:
    world.resident().rings()
    world.works()
    row = alert_by(world, "voice")
    put(world, row, provider_status="initiated")
    assert said_of(world, row, "ringing", sid="CA-of-somebody-else") is False
    assert stands(world, row).provider_status == "initiated"


def test_a_step_of_what_was_in_doubt_settles_the_doubt(world: World) -> None:
    """It goes the long way, where more is written than the step."""
    world.resident().rings()
    world.works()
    row = alert_by(world, "voice")
    put(world, row, state=DeliveryState.UNKNOWN, provider_status="initiated")
    assert said_of(world, row, "ringing") is True
    assert stands(world, row).state == DeliveryState.ACCEPTED


def test_a_step_waits_for_nobody_who_holds_the_incident(postgresql_database_url: str) -> None:
    """A command may hold it for a second: that the phone rings is known at once all the same."""
    world = World(postgresql_database_url)
    incident_id = world.resident().rings().incident_id
    world.works()
    row = alert_by(world, "voice")
    with terminal(postgresql_database_url) as other:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE"))
        assert said_of(world, row, "ringing") is True
    assert stands(world, row).provider_status == "ringing"
    assert world.findings() == []
    world.close()


def test_what_changes_nothing_is_no_sign_that_the_disk_takes_anything(postgresql_database_url: str) -> None:
    """Where nothing is written nothing is flushed, and it succeeds on a disk that is full."""
    world = World(postgresql_database_url)
    world.resident().rings()
    world.works()
    row = alert_by(world, "voice")
    commits = world.uow.commits
    assert alert_calls.enter_room(world.services, str(row.incident_id), "CA-of-somebody-else") is None
    assert world.uow.commits == commits
    assert said_of(world, row, "ringing") is True
    assert world.uow.commits == commits + 1
    world.close()
