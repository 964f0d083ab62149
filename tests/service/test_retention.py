"""What the facility keeps no longer is erased every night, once, in small steps, and only then."""

from datetime import UTC, date, datetime, time

from sqlalchemy import select, update

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import Outcome
from dispatch.service import retention
from dispatch.service.retention import Retention
from models.incident import Incident
from models.record import Audit
from models.traffic import Inbox
from tests.service.conftest import MakeWorld
from tests.world import World, at_once

DAY_S = 86_400.0
CLASSES = {"calls": 90, "incidents": 0, "recordings": 90}


def local(world: World, day: date, hour: int) -> None:
    """Set the clock to an hour of the facility's day."""
    at = datetime.combine(day, time(hour), tzinfo=world.services.zone).astimezone(UTC)
    world.hand.advance((at - world.hand.now()).total_seconds())


def prank(world: World, sid: str) -> None:
    incident_id = world.resident("+628119999001").rings(sid).incident_id
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.PRANK, reason="iseng")
    world.works()


def numbers(world: World) -> list[str | None]:
    with world.uow.read() as session:
        return list(session.scalars(select(Incident.caller_number).order_by(Incident.short_number)))


def lines(world: World) -> list[Audit]:
    with world.uow.read() as session:
        return list(session.scalars(select(Audit).order_by(Audit.id)))


def test_it_is_done_after_two_at_night_once_a_day(world: World) -> None:
    prank(world, "CA-1")
    job = Retention(world.services, CLASSES)
    local(world, date(2027, 3, 1), 1)
    job.look()
    assert numbers(world) == ["+628119999001"], "nothing before its hour"
    local(world, date(2027, 3, 1), 2)
    job.look()
    assert numbers(world) == [None]
    [line] = lines(world)
    assert (line.actor, line.action, line.subject) == ("engine", "personal.erased", "retention")
    assert line.data["reason"] == retention.REASON
    prank(world, "CA-2")
    with world.uow.write() as session:
        session.execute(
            update(Inbox).values(received_at=datetime(2026, 11, 1, tzinfo=UTC), body={"From": "x"})
        )
    Retention(world.services, CLASSES).look()
    assert len(lines(world)) == 1, "the database remembers that today is done"


def test_nothing_is_erased_where_everything_is_kept_for_ever(world: World) -> None:
    prank(world, "CA-1")
    local(world, date(2036, 3, 1), 12)
    Retention(world.services, dict.fromkeys(CLASSES, 0)).look()
    assert numbers(world) == ["+628119999001"]


def test_of_several_processes_one_does_it(world: World) -> None:
    prank(world, "CA-1")
    local(world, date(2027, 3, 1), 3)
    at_once(*(Retention(world.services, CLASSES).look for _ in range(3)))
    assert numbers(world) == [None]
    assert len(lines(world)) == 1


def test_a_day_that_was_missed_is_made_up_for_and_late_requests_are_seen(world: World) -> None:
    prank(world, "CA-1")
    local(world, date(2027, 3, 1), 3)
    Retention(world.services, CLASSES).look()
    # A clock that was set back dates a request into what was looked at already.
    world.hand.advance(-92 * DAY_S)
    world.resident(None).texts("Pulsa Anda habis")
    local(world, date(2027, 3, 9), 12)
    Retention(world.services, CLASSES).look()
    with world.uow.read() as session:
        assert set(map(str, session.scalars(select(Inbox.body)))) == {"{}"}


def test_what_does_not_fit_into_one_look_goes_on_at_the_next(make_world: MakeWorld) -> None:
    world = make_world()
    for number in range(3):
        prank(world, f"CA-{number}")
    local(world, date(2027, 3, 1), 3)
    job = Retention(world.services, CLASSES, batch=1, most_steps=2)
    job.look()
    assert numbers(world).count(None) == 2
    job.look()
    assert numbers(world).count(None) == 3
    assert world.findings() == []
