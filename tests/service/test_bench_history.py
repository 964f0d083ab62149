"""The benchmark's large databases: copies that hold together, and that the program goes on from."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, NullPool, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from bench import history
from dispatch.domain.commands import Action
from models.base import Base
from models.incident import Call, Incident
from models.record import Event
from models.traffic import Delivery, Inbox
from tests.service.conftest import MakeWorld
from tests.world import World

COPIES = 40
LAST = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def lived(make_world: MakeWorld) -> World:
    """Two incidents that were lived to their end; let go, or SQLite would not give up its journal."""
    world = make_world()
    _helped(world)
    _wrong_number(world)
    world.close()
    return world


@pytest.fixture
def url(lived: World, database_url: str) -> str:
    """A database with copies of both."""
    history.multiply(database_url, COPIES, last=LAST)
    return database_url


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def test_every_copy_has_all_that_its_original_has(url: str, connection: Connection) -> None:
    history.check(url, COPIES + 2)
    incidents = connection.execute(
        select(Incident).order_by(Incident.short_number >= 1000, Incident.id)
    ).all()
    helped, wrong_number, *copies = incidents
    assert [copy.event_count for copy in copies[:2]] == [helped.event_count, wrong_number.event_count]
    for table in (Event, Call, Delivery):
        counts = dict(
            connection.execute(select(table.incident_id, func.count()).group_by("incident_id")).all()
        )
        assert {counts[copy.id] for copy in copies[::2]} == {counts[helped.id]}
        assert {counts[copy.id] for copy in copies[1::2]} == {counts[wrong_number.id]}
    assert connection.scalar(select(func.count()).select_from(Inbox)) == 2 + COPIES


def test_a_copy_took_as_long_as_its_original_years_ago(connection: Connection) -> None:
    helped, _, *copies = connection.execute(select(Incident).order_by(Incident.received_at.desc())).all()
    took = {row.closed_at - row.received_at for row in copies if row.outcome == helped.outcome}
    assert took <= {helped.closed_at - helped.received_at, timedelta()}
    span = copies[0].received_at - copies[-1].received_at
    assert abs(span - (COPIES - 1) * history.APART) < timedelta(seconds=1)
    begun = dict(
        connection.execute(select(Event.incident_id, Event.occurred_at).where(Event.sequence == 1)).all()
    )
    assert all(begun[row.id] == row.received_at for row in copies)
    # In the order of time, as the program's own are.
    assert [row.id for row in copies] == sorted((row.id for row in copies), reverse=True)


def test_nothing_in_a_copy_leads_nowhere(connection: Connection) -> None:
    for table in Base.metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            here = [column.name for column in constraint.columns]
            there = [element.column.name for element in constraint.elements]
            met = " AND ".join(f"o.{b} = t.{a}" for a, b in zip(here, there, strict=True))
            named = " AND ".join(f"t.{a} IS NOT NULL" for a in here)
            query = (
                f"SELECT count(*) FROM {table.name} t WHERE {named} AND NOT EXISTS "
                f"(SELECT 1 FROM {constraint.referred_table.name} o WHERE {met})"
            )
            assert connection.scalar(text(query)) == 0, (table.name, here)


def test_the_record_stays_append_only_and_every_index_is_there(connection: Connection) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text("DELETE FROM event"))
    connection.rollback()
    wanted = {str(index.name) for table in Base.metadata.sorted_tables for index in table.indexes}
    assert wanted <= _index_names(connection)


@pytest.mark.usefixtures("url")
def test_the_program_goes_on_counting_after_the_copies(lived: World) -> None:
    world = lived.restarted()
    latest = max(row.short_number for row in world.incidents() if row.year == 2026)
    state = world.resident("+628119990099").rings(sid="CA-after")
    world.close()
    assert state.short_number == latest + 1


def test_the_copied_tables_keep_the_order_of_their_indexes(sqlite_database_url: str) -> None:
    # Of two that serve alike, SQLite takes the one made last: another order would measure other plans.
    copied = ", ".join(f"'{model.__tablename__}'" for model in history.COPIED)
    query = text(
        f"SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({copied}) "
        "ORDER BY rowid"
    )

    def order() -> list[str]:
        engine = create_engine(sqlite_database_url, poolclass=NullPool)
        with engine.connect() as connection:
            return list(connection.scalars(query))

    before = order()
    history.multiply(sqlite_database_url, 1)
    assert order() == before


def _helped(world: World) -> None:
    state = world.resident().rings()
    world.works()
    worker = world.worker("N01")
    worker.accepts(state.incident_id)
    world.hand.advance(300)
    for action in (Action.EN_ROUTE, Action.ON_SCENE, Action.AVAILABLE):
        world.hand.advance(60.125)
        worker.does(state.incident_id, action)
    world.resident().hangs_up()
    world.works()


def _wrong_number(world: World) -> None:
    resident = world.resident("+628119999002")
    resident.rings(sid="CA-in-2")
    resident.presses("9", sid="CA-in-2")
    resident.hangs_up(sid="CA-in-2")
    world.works()


def _index_names(connection: Connection) -> set[str]:
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname FROM pg_indexes",
    }[connection.dialect.name]
    return set(connection.scalars(text(query)))
