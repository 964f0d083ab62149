"""What one decision writes goes to PostgreSQL together, and is the same rows as one after another."""

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import bindparam, event, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, object_session
from sqlalchemy.pool import ConnectionPoolEntry

from dispatch.domain.vocabulary import Role
from models.base import table_of
from models.incident import Assignment
from models.server import UNUSED_FOR_S, HoldsNothingError
from models.session import is_database_away, open_database
from models.sessions import together
from models.statements import Prepared
from models.together import ROWS, Together
from models.traffic import Inbox
from models.unit_of_work import UnitOfWork
from tests.builders import policy, tier
from tests.databases import ended
from tests.world import Member, World, inbox_row

INSERT = Prepared(insert(table_of(Inbox)))


@pytest.fixture
def world(postgresql_database_url: str) -> Iterator[World]:
    world = World(postgresql_database_url)
    yield world
    world.close()


def row(name: str) -> dict[str, object]:
    return inbox_row(name, {"per cent": "100 %", "dollar": "$1", "name": "%(id)s"})


def test_a_call_writes_its_incident_in_one_statement(world: World) -> None:
    written: list[str] = []
    event.listen(world.uow.engine, "before_cursor_execute", lambda *said: written.append(said[2]))
    world.resident().rings()
    (whole,) = [statement for statement in written if "INSERT INTO incident " in statement]
    for table in ("event", "private_value", "call", "assignment", "deadline", "link", "delivery"):
        assert f"INSERT INTO {table} " in whole
    assert world.findings() == []


def test_however_many_are_woken_the_rows_are_the_same(postgresql_database_url: str) -> None:
    """Of many rows each table goes by itself: a statement for every number of them would be one too many."""
    team = [Member(f"N{n:02}", "jaga", phone=f"+6281100000{n:03}") for n in range(ROWS + 4)]
    boss = Member("P01", "jaga", role=Role.SUPERVISOR, phone="+6281100000999")
    plan = policy(tier("jaga", at_once=ROWS + 2))
    world = World(postgresql_database_url, plan=plan, team=[*team, boss])
    written: list[str] = []
    event.listen(world.uow.engine, "before_cursor_execute", lambda *said: written.append(said[2]))
    incident_id = world.resident().rings().incident_id
    with world.uow.read() as session:
        asked = session.scalars(select(Assignment).where(Assignment.incident_id == incident_id)).all()
    assert len(asked) == ROWS + 2
    assert len(world.deliveries()) == 2 * (ROWS + 2)
    assert not any(statement.startswith("WITH") for statement in written)
    assert world.findings() == []
    world.close()


def test_one_that_cannot_be_written_takes_the_others_with_it(world: World) -> None:
    def write(*names: str) -> None:
        with world.uow.write() as session:
            writes = Together(session.connection())
            for name in names:
                writes.add(INSERT, [row(name), row(f"{name}'")])
            writes.run()

    write("a")
    with pytest.raises(IntegrityError):
        write("b", "a")
    write("c", "d")
    with world.uow.read() as session:
        kept = {one.id: one.body for one in session.scalars(select(Inbox))}
    assert set(kept) == {"a", "a'", "c", "c'", "d", "d'"}
    assert kept["d'"] == row("d")["body"]


def test_a_sign_of_per_cent_is_itself(world: World) -> None:
    inbox = table_of(Inbox)
    renamed = Prepared(
        update(inbox).where(inbox.c.id == bindparam("row_id")).values(kind=literal_column("'100 %'"))
    )
    with world.uow.write() as session:
        INSERT.run(session.connection(), [row("a"), row("b")])
        writes = Together(session.connection())
        writes.add(renamed, {"row_id": "a"})
        writes.add(renamed, {"row_id": "b"})
        writes.run()
    with world.uow.read() as session:
        assert [one.kind for one in session.scalars(select(Inbox))] == ["100 %", "100 %"]


@pytest.fixture
def pool(postgresql_database_url: str) -> Iterator[UnitOfWork]:
    """One connection, for one after another."""
    uow = UnitOfWork(open_database(postgresql_database_url, pool_size=1, overflow=0))
    yield uow
    uow.engine.dispose()


def backend(session: Session) -> int:
    """The server's process behind this session."""
    return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_look_is_no_transaction_and_a_reading_is_one(pool: UnitOfWork) -> None:
    """When the transaction began is the same for all of its questions."""
    began = text("SELECT transaction_timestamp()")
    with pool.look() as session:
        assert session.scalar(began) != session.scalar(began)
    with pool.read() as session:
        assert session.scalar(began) == session.scalar(began)


def test_a_reading_sees_one_state_and_writes_nothing(pool: UnitOfWork, postgresql_database_url: str) -> None:
    World(postgresql_database_url).close()
    other = UnitOfWork(open_database(postgresql_database_url, pool_size=1))
    with pool.read() as session:
        before = session.scalars(select(Inbox.id)).all()
        with other.write() as writing:
            INSERT.run(writing.connection(), row("a"))
        assert session.scalars(select(Inbox.id)).all() == before == []
        with pytest.raises(DBAPIError, match="read-only"):
            INSERT.run(session.connection(), row("b"))
    other.engine.dispose()


def test_what_was_read_in_a_look_stays_readable_and_is_nobodys(world: World) -> None:
    world.resident().rings()
    with world.uow.look() as session:
        one = session.scalars(select(Assignment)).first()
    assert one is not None
    assert one.staff_code == "N01"
    assert object_session(one) is None


def test_nothing_is_written_in_a_look(pool: UnitOfWork) -> None:
    def look_and_write() -> None:
        with pool.look() as session:
            session.add(Inbox(**row("a")))
            session.scalars(select(Inbox)).all()

    def look_and_change() -> None:
        with pool.look() as session:
            INSERT.run(session.connection(), row("a"))

    def look_and_change_several() -> None:
        with pool.look() as session:
            INSERT.run(session.connection(), [row("a"), row("b")])

    def look_and_write_several() -> None:
        with pool.look() as session:
            session.add_all([Inbox(**row("a")), Inbox(**row("b"))])

    def look_and_gather() -> None:
        with pool.look() as session, together(session) as writes:
            writes.add(INSERT, row("a"))

    attempts = (
        look_and_write,
        look_and_change,
        look_and_change_several,
        look_and_write_several,
        look_and_gather,
    )
    for attempt in attempts:
        with pytest.raises(HoldsNothingError):
            attempt()
    with pool.read() as session:
        assert session.scalars(select(Inbox)).all() == []


def test_what_breaks_off_is_not_written_with_something_else(world: World) -> None:
    def break_off(session: Session) -> None:
        with together(session) as writes:
            writes.add(INSERT, row("a"))
            raise ArithmeticError

    with world.uow.write() as session:
        with pytest.raises(ArithmeticError):
            break_off(session)
        with together(session) as writes:
            writes.add(INSERT, row("b"))
    with world.uow.read() as session:
        assert [one.id for one in session.scalars(select(Inbox))] == ["b"]


def test_a_connection_that_the_server_closed_is_given_to_nobody(
    pool: UnitOfWork, postgresql_database_url: str
) -> None:
    with pool.read() as session:
        server = backend(session)
    ended(postgresql_database_url, server)
    with pool.write() as session:
        assert backend(session) != server


def test_only_a_connection_that_nobody_used_is_asked_whether_it_lives(
    pool: UnitOfWork, postgresql_database_url: str
) -> None:
    """Of a network that fell silent nothing else tells."""

    other = open_database(postgresql_database_url, pool_size=1)

    def last_question() -> str:
        asked = text("SELECT query FROM pg_stat_activity WHERE pid = :pid")
        with pool.engine.connect() as mine, other.connect() as looking:
            driver = cast("psycopg.Connection[Any]", mine.connection.driver_connection)
            return str(looking.execute(asked, {"pid": driver.info.backend_pid}).scalar_one())

    def backend_of_now() -> None:
        with pool.write() as session:
            backend(session)

    backend_of_now()
    assert last_question() == "COMMIT", "of whoever used it before"
    backend_of_now()

    @event.listens_for(pool.engine, "checkin")
    def some_time_passes(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used_s"] -= UNUSED_FOR_S

    backend_of_now()
    assert last_question() != "COMMIT"
    other.dispose()


def test_a_server_that_goes_in_the_middle_is_said_to_be_away(
    pool: UnitOfWork, postgresql_database_url: str
) -> None:
    def write() -> None:
        with pool.write() as session:
            ended(postgresql_database_url, backend(session))
            writes = Together(session.connection())
            writes.add(INSERT, row("a"))
            writes.add(INSERT, row("b"))
            writes.run()

    with pytest.raises(DBAPIError) as raised:
        write()
    assert is_database_away(raised.value)
    assert raised.value.connection_invalidated
    with pool.read() as session:
        assert session.scalars(select(Inbox)).all() == []
