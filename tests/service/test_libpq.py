"""PostgreSQL's own library carries out what the driver's cursors would, also where something breaks."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from models.base import table_of
from models.server import ROOM
from models.session import DESK, LIVE, is_database_away, open_database
from models.statements import Prepared
from models.straight import straight
from models.traffic import Inbox
from models.unit_of_work import UnitOfWork
from tests.databases import ended
from tests.world import World, inbox_row

INSERT = Prepared(insert(table_of(Inbox)))
NOON = datetime(2026, 11, 29, 3, 0, 0, 123000, tzinfo=UTC)

KINDS = [
    ("INTEGER", 1),
    ("INTEGER", 40_000),
    ("BIGINT", 2**40),
    ("BOOLEAN", True),
    ("BOOLEAN", False),
    ("BYTEA", b"\x00\xff' \\"),
    ("DOUBLE PRECISION", -4.537128),
    ("TIMESTAMP WITH TIME ZONE", NOON),
    ("VARCHAR", "Jl. Cenderawasih 'biru' \\ % $1 {} é 🚑"),
    ("VARCHAR", ""),
    ("VARCHAR", None),
    ("INTEGER", None),
    ("VARCHAR[]", ["a", "b,c", '"', "", "NULL"]),
    ("VARCHAR[]", []),
]


@pytest.fixture
def server(postgresql_database_url: str) -> Iterator[UnitOfWork]:
    """One connection to PostgreSQL, for calls."""
    World(postgresql_database_url).close()
    uow = UnitOfWork(open_database(postgresql_database_url, pool_size=1, overflow=0, patience=LIVE))
    yield uow
    uow.engine.dispose()


def asked(connection: Connection, sql: str, *values: object) -> list[Any]:
    return straight(connection, sql, values, tuple)


def write_twice(session: Session) -> None:
    for _ in range(2):
        INSERT.run(session.connection(), inbox_row("a", {}))


def write_and_forget(session: Session) -> None:
    INSERT.run(session.connection(), inbox_row("a", {}))
    asked(session.connection(), "DEALLOCATE ALL")
    asked(session.connection(), "SELECT $1::VARCHAR", "c")


def write_and_lose(session: Session, url: str) -> None:
    INSERT.run(session.connection(), inbox_row("a", {}))
    ended(url, asked(session.connection(), "SELECT pg_backend_pid()")[0][0])


def kept_ready(connection: Connection) -> list[str]:
    """What the server keeps ready on *connection*, beside this question."""
    rows = asked(connection, "SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
    return [statement for (statement,) in rows if "pg_prepared_statements" not in statement]


@pytest.mark.parametrize(("kind", "value"), KINDS)
def test_a_value_arrives_and_comes_back_as_it_was(server: UnitOfWork, kind: str, value: object) -> None:
    with server.look() as session:
        for _ in range(3):
            assert asked(session.connection(), f"SELECT $1::{kind}", value) == [(value,)]


def test_a_statement_is_kept_ready_from_its_second_use_on_and_only_once(server: UnitOfWork) -> None:
    """The driver by itself keeps one for small numbers, one for large ones, and one for nothing."""
    sql = "SELECT $1::BIGINT"
    with server.look() as session:
        connection = session.connection()
        asked(connection, sql, 1)
        assert kept_ready(connection) == []
        for value in (1, 40_000, 2**40, None):
            assert asked(connection, sql, value) == [(value,)]
        assert kept_ready(connection) == [sql]


def test_the_server_keeps_no_more_ready_than_there_is_room_for(server: UnitOfWork) -> None:
    with server.look() as session:
        connection = session.connection()
        for number in [*range(ROOM + 2)] * 2:
            assert asked(connection, f"SELECT {number}") == [(number,)]
        assert len(kept_ready(connection)) == ROOM


def test_what_is_kept_ready_outlives_what_was_undone(server: UnitOfWork) -> None:
    """The driver has the server forget all of it, as soon as it keeps something ready there itself."""
    sql = "SELECT $1::VARCHAR"
    with server.look() as session:
        for _ in range(3):
            asked(session.connection(), sql, "a")
            session.execute(text("SELECT 'the long way'"))
        assert len(kept_ready(session.connection())) == 2
    with pytest.raises(IntegrityError), server.write() as session:
        write_twice(session)
    with server.look() as session:
        assert sql in kept_ready(session.connection())
        assert asked(session.connection(), "SELECT count(*) FROM inbox") == [(0,)]


def test_what_the_server_was_made_to_forget_is_asked_all_the_same(server: UnitOfWork) -> None:
    sql = "SELECT $1::VARCHAR"
    with server.look() as session:
        connection = session.connection()
        for value in ("a", "b"):
            asked(connection, sql, value)
        asked(connection, "DEALLOCATE ALL")
        for value in ("c", "d", "e"):
            assert asked(connection, sql, value) == [(value,)]
        assert sql in kept_ready(connection)


def test_a_transaction_in_which_the_server_forgot_is_over_and_the_next_one_is_whole(
    server: UnitOfWork,
) -> None:
    with server.look() as session:
        for value in ("a", "b"):
            asked(session.connection(), "SELECT $1::VARCHAR", value)
    with pytest.raises(ProgrammingError), server.write() as session:
        write_and_forget(session)
    with server.write() as session:
        INSERT.run(session.connection(), inbox_row("b", {}))
        assert asked(session.connection(), "SELECT $1::VARCHAR", "c") == [("c",)]
    with server.look() as session:
        assert asked(session.connection(), "SELECT id FROM inbox") == [("b",)]


def test_a_commit_that_did_not_arrive_is_an_error(server: UnitOfWork, postgresql_database_url: str) -> None:
    with pytest.raises(DBAPIError) as caught, server.write() as session:
        write_and_lose(session, postgresql_database_url)
    assert is_database_away(caught.value)
    with server.look() as session:
        assert asked(session.connection(), "SELECT count(*) FROM inbox") == [(0,)]


def test_what_no_column_can_hold_is_an_error_about_the_value(server: UnitOfWork) -> None:
    with pytest.raises(DataError) as caught, server.look() as session:
        asked(session.connection(), "SELECT $1::VARCHAR", "a\x00b")
    assert not is_database_away(caught.value)


def test_a_number_is_not_rounded_on_its_way(server: UnitOfWork) -> None:
    """SQLite and the driver's cursor would take it."""
    with pytest.raises(DataError), server.look() as session:
        asked(session.connection(), "SELECT $1::INTEGER", 2.5)


def by_the_library(session: Session) -> list[Any]:
    return asked(session.connection(), "SELECT body FROM reply")


def by_the_cursor(session: Session) -> list[Any]:
    return [tuple(row) for row in session.execute(text("SELECT body FROM reply"))]


@pytest.mark.parametrize("ask", [by_the_library, by_the_cursor])
def test_a_column_of_another_type_costs_a_connection_and_no_more(
    server: UnitOfWork, postgresql_database_url: str, ask: Callable[[Session], list[Any]]
) -> None:
    desk = UnitOfWork(open_database(postgresql_database_url, pool_size=1, patience=DESK))
    with desk.write() as session:
        session.execute(text("CREATE TABLE reply AS SELECT 'BERANGKAT'::VARCHAR(20) AS body"))
    for _ in range(3):
        with server.write() as session:
            assert ask(session) == [("BERANGKAT",)]
    with desk.write() as session:
        session.execute(text("ALTER TABLE reply ALTER body TYPE VARCHAR(64)"))
    with pytest.raises(DBAPIError), server.write() as session:
        ask(session)
    with server.write() as session:
        assert ask(session) == [("BERANGKAT",)]
    desk.engine.dispose()


def test_whoever_may_wait_long_keeps_the_cursor_that_a_person_can_interrupt(
    postgresql_database_url: str,
) -> None:
    engine = open_database(postgresql_database_url, pool_size=1, patience=DESK)
    with engine.connect() as connection:
        for _ in range(3):
            asked(connection, "SELECT $1::VARCHAR", "a")
        assert kept_ready(connection) == []
    engine.dispose()
