"""Two commands that cross on PostgreSQL: in the right order they do not, and who loses is not lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from dispatch.domain.commands import Action
from dispatch.domain.errors import CannotMergeError
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import DeliveryState, IncidentStatus, Outcome
from dispatch.service import delivery_reports
from models.session import lost_a_race, open_database, was_held_up
from tests.crossing import crossed, soon, terminal, until_somebody_waits
from tests.fakes.telephony import WAIT_S
from tests.fakes.telephony import Outcome as Answer
from tests.world import PHONES, World, at_once

RESIDENTS = ("+628119999001", "+628119999002")


@pytest.fixture
def world(postgresql_database_url: str) -> Iterator[World]:
    world = World(postgresql_database_url)
    yield world
    assert world.findings() == []
    world.close()


def by_the_desk(world: World, action: Action, incident_id: str, into: str) -> Incident | CannotMergeError:
    try:
        return world.desk(incident_id, action, into=into)
    except CannotMergeError as refused:
        return refused


def test_of_two_incidents_merged_into_each_other_one_stays_open(world: World) -> None:
    other = world.restarted()
    first, second = (world.resident(number).rings(f"CA-{number}").incident_id for number in RESIDENTS)
    done = crossed(
        world,
        other,
        partial(by_the_desk, world, Action.MERGE, first, second),
        partial(by_the_desk, other, Action.MERGE, second, first),
    )
    assert sum(isinstance(each, CannotMergeError) for each in done) == 1
    standing = sorted(world.incident(one).status for one in (first, second))
    assert standing.count(IncidentStatus.CLOSED) == 1, "somebody is still alerted for"
    refused = next(one for one in (first, second) if not world.incident(one).is_closed)
    assert world.kinds(refused)[-1] == "action.refused"


def test_a_late_callback_and_a_closing_do_not_wait_for_each_other(world: World) -> None:
    """A call that seemed not to get through waits for its next try, and meanwhile it rings after all."""
    other = world.restarted()
    world.provider.will(Answer.UNREACHABLE, to_number=PHONES["N01"])
    incident_id = world.resident().rings().incident_id
    world.works()
    (waiting,) = world.deliveries(state=str(DeliveryState.PENDING), to_number=PHONES["N01"])
    rings = partial(
        delivery_reports.callback,
        world.services,
        waiting.id,
        provider_sid="CA-out-late",
        status="ringing",
        sequence=None,
        error_code=None,
    )
    close = partial(other.desk, incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
    with capture_logs() as logs:
        crossed(world, other, rings, close)
    assert world.incident(incident_id).is_closed
    world.works()
    assert "CA-out-late" in world.provider.stopped, "nobody is rung for what is closed"
    assert "command.repeated" not in [line["event"] for line in logs]


def test_who_loses_is_carried_out_again(postgresql_database_url: str) -> None:
    world = World(soon(postgresql_database_url))
    incident_id = world.resident().rings().incident_id
    alert = f"SELECT * FROM delivery WHERE incident_id = '{incident_id}' FOR UPDATE"
    incident = text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE")
    with (
        terminal(postgresql_database_url) as other,
        capture_logs() as logs,
        ThreadPoolExecutor(1) as desk,
    ):
        other.execute(text(alert))
        closing = desk.submit(world.desk, incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
        until_somebody_waits(postgresql_database_url)
        other.execute(incident)
        other.rollback()
        assert closing.result(WAIT_S).is_closed
    assert [line["reason"] for line in logs if line["event"] == "command.repeated"] == ["DeadlockDetected"]
    assert world.kinds(incident_id).count("incident.closed") == 1
    assert world.findings() == []
    world.close()


def test_of_two_that_wait_for_each_other_one_goes_on(postgresql_database_url: str) -> None:
    """As long as a lock is waited for, one of them has been told before that it lost: not both give up."""
    database = open_database(postgresql_database_url, pool_size=2)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE crossing (id integer PRIMARY KEY)"))
        connection.execute(text("INSERT INTO crossing VALUES (1), (2)"))
    both_hold = threading.Barrier(2)

    def take(*order: int) -> DBAPIError | None:
        lock = text("SELECT id FROM crossing WHERE id = :id FOR UPDATE")
        try:
            with database.begin() as connection:
                connection.execute(lock, {"id": order[0]})
                both_hold.wait(WAIT_S)
                connection.execute(lock, {"id": order[1]})
        except DBAPIError as error:
            return error
        return None

    errors = [error for error in at_once(partial(take, 1, 2), partial(take, 2, 1)) if error is not None]
    assert [(lost_a_race(error), was_held_up(error)) for error in errors] == [(True, True)]
    database.dispose()
