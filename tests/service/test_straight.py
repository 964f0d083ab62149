"""What goes straight to the driver is what SQLAlchemy itself would ask, give and say of an error."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, PendingRollbackError
from sqlalchemy.orm import Session

from dispatch.domain.commands import Action
from models.base import table_of
from models.session import ENDLESS, is_database_away, open_database
from models.sessions import gathered, together
from models.statements import Prepared
from models.straight import straight
from models.tables import Base
from models.traffic import Inbox
from models.unit_of_work import UnitOfWork
from tests.databases import ended
from tests.world import World, inbox_row

INBOX = table_of(Inbox)
INSERT = Prepared(insert(INBOX))
SECRET = "nyeri dada, rumah biru"


def after_a_whole_call(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.resident().presses("3")
    world.works()
    world.worker("N01").accepts(incident_id)
    for step in ("3", "4", "5"):
        world.worker("N01").texts(step)
    world.works()
    world.desk(world.resident("+6281299990002").rings().incident_id, Action.NOTE, text="hilang sinyal")


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_a_row_is_the_same_as_by_the_long_way(world: World, table: Any) -> None:  # noqa: ANN401 - of any table
    after_a_whole_call(world)
    query = select(table).order_by(*table.primary_key)
    with world.uow.read() as session:
        ours = Prepared(query).run(session.connection(), {})
        theirs = session.connection().execute(query).all()
    assert ours == theirs
    # Word for word: the same instant in another zone is another one.
    assert [repr(row) for row in ours] == [repr(row) for row in theirs]
    assert [row._fields for row in ours] == [row._fields for row in theirs]


@pytest.fixture
def uow(world: World) -> UnitOfWork:
    return world.uow


def put(session: Session, name: str) -> None:
    INSERT.run(session.connection(), inbox_row(name, {"said": SECRET}))


def put_both(session: Session) -> None:
    """One that is new, and one that is there."""
    for name in ("b", "a"):
        put(session, name)


def kept(uow: UnitOfWork) -> list[str]:
    with uow.read() as session:
        return sorted(session.scalars(select(Inbox.id)))


def test_an_error_is_the_librarys_own_and_does_not_say_what_was_written(uow: UnitOfWork) -> None:
    with uow.write() as session:
        put(session, "a")
    with pytest.raises(IntegrityError) as caught, uow.write() as session:
        put_both(session)
    assert not is_database_away(caught.value)
    assert "INSERT INTO inbox" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert kept(uow) == ["a"], "the transaction failed as a whole"


def test_whoever_listens_to_statements_hears_of_it(uow: UnitOfWork) -> None:
    heard: list[tuple[str, str, int, bool]] = []
    for when in ("before_cursor_execute", "after_cursor_execute"):

        def note(*said: Any, when: str = when) -> None:  # noqa: ANN401 - what SQLAlchemy tells
            heard.append((when, said[2].partition(" (")[0], len(said[3]), said[5]))

        event.listen(uow.engine, when, note, named=False)
    with uow.write() as session:
        heard.clear()
        put(session, "a")
        INSERT.run(session.connection(), [inbox_row(name, {}) for name in ("b", "c")])
    columns = len(INBOX.c)
    assert [one for one in heard if one[1] == "INSERT INTO inbox"] == [
        ("before_cursor_execute", "INSERT INTO inbox", columns, False),
        ("after_cursor_execute", "INSERT INTO inbox", columns, False),
        ("before_cursor_execute", "INSERT INTO inbox", 2, True),
        ("after_cursor_execute", "INSERT INTO inbox", 2, True),
    ]


def test_a_sign_of_per_cent_stays_one(uow: UnitOfWork) -> None:
    query = Prepared(select(INBOX.c.id).where(INBOX.c.id.like("a%"), text("'100 %' = '100 ' || '%'")))
    with uow.write() as session:
        for name in ("ab", "ba"):
            put(session, name)
        assert query.run(session.connection(), {}) == [("ab",)]


def fail_unnoticed(session: Session) -> None:
    """As nobody should: what the ORM writes fails, its transaction is over, and the command goes on."""
    with suppress(IntegrityError):
        session.add(Inbox(**inbox_row("a", {})))
        session.flush()


def write_at_once(session: Session) -> None:
    fail_unnoticed(session)
    put(session, "stray")


def gather(session: Session) -> None:
    writes = gathered(session)
    fail_unnoticed(session)
    writes.add(INSERT, inbox_row("stray", {}))


def gather_in_a_block(session: Session) -> None:
    with together(session) as writes:
        writes.add(INSERT, inbox_row("stray", {}))
        fail_unnoticed(session)


def write_by_the_orm(session: Session) -> None:
    fail_unnoticed(session)
    session.add(Inbox(**inbox_row("stray", {})))


@pytest.mark.parametrize("stray", [write_at_once, gather, gather_in_a_block, write_by_the_orm])
def test_nothing_stands_that_comes_after_the_end_of_its_transaction(
    uow: UnitOfWork, stray: Callable[[Session], None]
) -> None:
    with uow.write() as session:
        put(session, "a")
    with pytest.raises(PendingRollbackError), uow.write() as session:
        stray(session)
    assert kept(uow) == ["a"]


def test_only_the_unit_of_work_ends_a_transaction(uow: UnitOfWork) -> None:
    with pytest.raises(RuntimeError, match="only the unit of work"), uow.write() as session:
        session.rollback()


@pytest.fixture
def server(postgresql_database_url: str) -> Iterator[UnitOfWork]:
    """Two connections to PostgreSQL."""
    World(postgresql_database_url).close()
    uow = UnitOfWork(open_database(postgresql_database_url, pool_size=2, overflow=0))
    yield uow
    uow.engine.dispose()


PID = "SELECT pg_backend_pid()"


def backend(session: Session) -> int:
    return int(straight(session.connection(), PID, make_row=lambda row: row[0])[0])


def test_a_connection_that_broke_takes_those_with_it_that_are_no_younger(
    server: UnitOfWork, postgresql_database_url: str
) -> None:
    """They went to the same server; each by itself would be waited for."""
    with server.look() as one, server.look() as other:
        older = {backend(one), backend(other)}
        ended(postgresql_database_url, backend(one))
        with pytest.raises(DBAPIError) as caught:
            backend(one)
        assert is_database_away(caught.value)
        assert caught.value.connection_invalidated
    assert isinstance(caught.value, OperationalError)
    with server.look() as one, server.look() as other:
        assert not {backend(one), backend(other)} & older


def test_what_somebody_began_is_over_when_the_connection_is_given_back(server: UnitOfWork) -> None:
    with server.engine.connect() as connection:
        straight(connection, "BEGIN")
        INSERT.run(connection, inbox_row("a", {}))
    with server.engine.connect() as connection:
        (is_open,) = straight(
            connection, "SELECT pg_current_xact_id_if_assigned() IS NOT NULL", make_row=lambda row: row[0]
        )
    assert not is_open
    assert kept(server) == []


def test_a_transaction_in_which_something_failed_is_not_taken_for_done(server: UnitOfWork) -> None:
    """The server answers every COMMIT, also of what it has thrown away."""
    with server.write() as session:
        put(session, "a")
    with pytest.raises(OperationalError, match="gone") as caught, server.write() as session:
        put_both_unnoticed(session)
    assert is_database_away(caught.value)
    assert kept(server) == ["a"]


def put_both_unnoticed(session: Session) -> None:
    with suppress(IntegrityError):
        put_both(session)


def test_a_database_that_was_made_read_only_takes_nothing(
    server: UnitOfWork, postgresql_database_url: str
) -> None:
    name = make_url(postgresql_database_url).database
    with server.write() as session:
        session.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    server.engine.dispose()
    with pytest.raises(DBAPIError, match="read-only"), server.write() as session:
        put(session, "a")
    assert kept(server) == []


def test_where_the_driver_begins_transactions_a_decision_stands_all_the_same(
    postgresql_database_url: str,
) -> None:
    World(postgresql_database_url).close()
    uow = UnitOfWork(open_database(postgresql_database_url, pool_size=1, patience=ENDLESS))
    row = inbox_row("a", {})
    uow.decide(lambda session: gathered(session).add(INSERT, row))
    with uow.write() as session:
        put(session, "b")
    assert kept(uow) == ["a", "b"]
    uow.engine.dispose()
