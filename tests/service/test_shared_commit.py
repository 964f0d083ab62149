"""Threads that write at once on SQLite share one commit; each fails by itself, or all of them by the disk."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import NoneType
from typing import Any, cast

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from models.base import table_of
from models.session import BUSY_TIMEOUT_MS, COMMAND, is_database_away, open_database
from models.shared_commit import PARTS
from models.traffic import Inbox
from models.unit_of_work import UnitOfWork
from tests.world import FACILITY, World

INBOX = table_of(Inbox)
WITHIN_S = 20.0


@dataclass
class Desk:
    """Threads at one database; the first holds the writer's turn until everybody stands in line."""

    url: str
    uow: UnitOfWork
    commits: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(PARTS + 4))
    _goes_on: threading.Event = field(default_factory=threading.Event)

    def first(self, name: str) -> "Future[None]":
        """Begin to write *name*, and go on when :meth:`let_go` is called."""
        begun = threading.Event()

        def holds(session: Session) -> None:
            put(session, name)
            begun.set()
            assert self._goes_on.wait(WITHIN_S)

        writing = self._threads.submit(self._write, self.uow, holds)
        assert begun.wait(WITHIN_S)
        return writing

    def then(self, work: str | Callable[[Session], None], uow: UnitOfWork | None = None) -> "Future[None]":
        """Stand in line to do *work*, or to write that name."""
        before = len(self.uow.shared.begun_s)
        does = work if callable(work) else lambda session: put(session, work)
        writing = self._threads.submit(self._write, uow or self.uow, does)
        while len(self.uow.shared.begun_s) == before and not writing.done():
            threading.Event().wait(0.001)
        return writing

    def let_go(self) -> None:
        self._goes_on.set()

    def written(self) -> set[str]:
        with self.uow.read() as session:
            return set(session.scalars(select(Inbox.provider_key)))

    def close(self) -> None:
        self.let_go()
        self._threads.shutdown()

    @staticmethod
    def _write(uow: UnitOfWork, work: Callable[[Session], None]) -> None:
        with uow.write() as session:
            work(session)


def row_of(name: str, facility_id: str = FACILITY) -> dict[str, Any]:
    return {
        "id": name,
        "facility_id": facility_id,
        "provider_key": name,
        "kind": "test",
        "received_at": datetime.now(UTC),
        "body": {},
    }


def put(session: Session, name: str, *, facility_id: str = FACILITY) -> None:
    """One row."""
    session.execute(insert(INBOX).values(row_of(name, facility_id)))


def refers_to_nobody(session: Session) -> None:
    """What only the commit refuses."""
    session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    put(session, "nobody's", facility_id="nobody")


@pytest.fixture
def desk(sqlite_database_url: str) -> Iterator[Desk]:
    world = World(sqlite_database_url)
    there = Desk(sqlite_database_url, world.uow)

    @event.listens_for(world.uow.engine, "commit")
    def count(_connection: object) -> None:
        there.commits += 1

    yield there
    there.close()
    world.close()


def test_all_who_waited_meanwhile_share_one_commit(desk: Desk) -> None:
    writing = [desk.first("a"), *(desk.then(name) for name in "bcd")]
    before = desk.commits
    desk.let_go()
    for one in writing:
        one.result(WITHIN_S)
    assert desk.written() == set("abcd")
    assert desk.commits == before + 1


def test_nobody_goes_on_before_what_they_wrote_is_durable(desk: Desk) -> None:
    early: list[bool] = []
    writing = [desk.first("a"), desk.then("b"), desk.then("c")]

    @event.listens_for(desk.uow.engine, "commit")
    def look(_connection: object) -> None:
        early.extend(one.done() for one in writing)

    desk.let_go()
    for one in writing:
        one.result(WITHIN_S)
    assert early == [False, False, False]


@pytest.mark.parametrize("is_lost", [False, True])
def test_whoever_is_refused_because_of_anothers_work_hears_so_when_it_is_certain(
    desk: Desk, is_lost: bool
) -> None:
    class TakenError(Exception):
        pass

    def finds_it_taken(session: Session) -> None:
        assert session.get(Inbox, "a") is not None
        raise TakenError

    early: list[bool] = []
    first, refused = desk.first("a"), desk.then(finds_it_taken)
    last = desk.then(refers_to_nobody if is_lost else "c")
    event.listen(desk.uow.engine, "commit", lambda _connection: early.append(refused.done()))
    desk.let_go()
    assert isinstance(refused.exception(WITHIN_S), OperationalError if is_lost else TakenError)
    assert {type(one.exception(WITHIN_S)) for one in (first, last)} == {
        OperationalError if is_lost else NoneType
    }
    assert early == [False]


def test_a_long_line_is_served_in_several_commits(desk: Desk) -> None:
    """Whoever was first does not wait for all who ever come."""
    names = [f"{n:02}" for n in range(PARTS + 3)]
    writing = [desk.first("first"), *(desk.then(name) for name in names)]
    before = desk.commits
    desk.let_go()
    for one in writing:
        one.result(WITHIN_S)
    assert desk.written() == {"first", *names}
    assert desk.commits == before + 2


@pytest.mark.parametrize("by_the_orm", [False, True])
def test_one_that_fails_takes_back_its_own_and_leaves_the_others(desk: Desk, by_the_orm: bool) -> None:
    """Of itself the ORM takes everything back when a flush of its own is refused."""

    def fails(session: Session) -> None:
        put(session, "b")
        if by_the_orm:
            session.add(Inbox(**row_of("a")))
        else:
            put(session, "a")

    first, failing, last = desk.first("a"), desk.then(fails), desk.then("c")
    desk.let_go()
    first.result(WITHIN_S)
    last.result(WITHIN_S)
    with pytest.raises(IntegrityError):
        failing.result(WITHIN_S)
    assert desk.written() == {"a", "c"}


def test_what_cannot_be_told_apart_any_more_is_lost_for_all_and_all_know(desk: Desk) -> None:
    """Whoever hears that theirs came to nothing must not find it written with what the others did."""
    first, failing = desk.first("a"), desk.then("b")

    @event.listens_for(desk.uow.engine, "release_savepoint", once=True)
    def refuse(*_: object) -> None:
        raise OperationalError("RELEASE", None, RuntimeError("disk I/O error"))

    desk.let_go()
    assert all(isinstance(one.exception(WITHIN_S), OperationalError) for one in (first, failing))
    desk.then("c").result(WITHIN_S)
    assert desk.written() == {"c"}


def test_the_first_one_that_fails_leaves_nothing_to_the_next(desk: Desk) -> None:
    def fails(session: Session) -> None:
        put(session, "b")
        raise LookupError("b")

    writing, failing = desk.first("a"), desk.then(fails)
    desk.let_go()
    writing.result(WITHIN_S)
    with pytest.raises(LookupError):
        failing.result(WITHIN_S)
    with pytest.raises(LookupError):
        desk.then(fails).result(WITHIN_S)
    desk.then("c").result(WITHIN_S)
    assert desk.written() == {"a", "c"}


def test_a_commit_that_fails_fails_for_all_of_them(desk: Desk) -> None:
    writing = [desk.first("a"), desk.then(refers_to_nobody), desk.then("c")]
    desk.let_go()
    errors = [one.exception(WITHIN_S) for one in writing]
    # Nobody knows whose fault it was: none of them may be taken for what can never be carried out.
    assert [type(error) for error in errors] == [OperationalError] * 3
    assert len({id(error) for error in errors}) == 3, "each thread has its own"
    assert desk.written() == set()
    assert isinstance(desk.then(refers_to_nobody).exception(WITHIN_S), IntegrityError), "alone, it is its own"
    desk.then("d").result(WITHIN_S)
    assert desk.written() == {"d"}


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_transaction_that_sqlite_ended_is_lost_for_all_and_all_know(
    desk: Desk, is_told: bool, place: int
) -> None:
    """On a full or broken disk it rolls back by itself; a commit of nothing would be taken for done."""

    def loses_it(session: Session) -> None:
        put(session, "lost")
        session.connection().exec_driver_sql("ROLLBACK")
        if is_told:
            raise OperationalError("INSERT", None, RuntimeError("disk I/O error"))

    # Whoever stands in line behind this one begins anew, so that the place in the transaction is known.
    ahead = [desk.first("a"), *(desk.then(f"{n}") for n in range(PARTS - 1))]
    behind = [desk.then(work) for work in ("b", loses_it, "c")[2 - place :]]
    desk.let_go()
    for one in ahead:
        one.result(WITHIN_S)
    errors = [one.exception(WITHIN_S) for one in behind]
    assert errors.pop() is None
    assert all(isinstance(error, DBAPIError) and is_database_away(error) for error in errors)
    assert len(errors) == place
    assert desk.written() == {"a", *(f"{n}" for n in range(PARTS - 1)), "c"}


def test_a_connection_that_ends_no_transaction_any_more_is_given_to_nobody(desk: Desk) -> None:
    """Whoever got it would stand in what the others left open, and perhaps write it down."""

    def refuse(action: int, word: str | None, *_: object) -> int:
        ends = action == sqlite3.SQLITE_TRANSACTION and word in ("COMMIT", "ROLLBACK")
        return sqlite3.SQLITE_DENY if ends else sqlite3.SQLITE_OK

    def breaks_it(session: Session) -> None:
        put(session, "b")
        driver = cast("sqlite3.Connection", session.connection().connection.driver_connection)
        driver.set_authorizer(refuse)

    first, last = desk.first("a"), desk.then(breaks_it)
    desk.let_go()
    assert all(isinstance(one.exception(WITHIN_S), OperationalError) for one in (first, last))
    desk.then("c").result(WITHIN_S)
    assert desk.written() == {"c"}


def test_nobody_on_the_line_waits_for_what_takes_its_time_at_the_desk(desk: Desk) -> None:
    """A command of a person begins when those before it are through, and nobody joins it."""
    slow = UnitOfWork(open_database(desk.url, pool_size=1, patience=COMMAND), beside=desk.uow)
    seen: list[bool] = []
    writing = [desk.first("a"), desk.then("b")]

    def looks_back(session: Session) -> None:
        seen.extend(one.exception(WITHIN_S) is None for one in writing)
        put(session, "slow")

    writing_slowly, behind = desk.then(looks_back, slow), desk.then("c")
    before = desk.commits
    desk.let_go()
    writing_slowly.result(WITHIN_S)
    behind.result(WITHIN_S)
    assert seen == [True, True]
    assert desk.written() == {"a", "b", "slow", "c"}
    assert desk.commits == before + 2, "of the calls; the desk's own was on its own connection"
    slow.engine.dispose()


def test_whoever_gave_up_waiting_is_not_handed_the_others_work(desk: Desk) -> None:
    first, impatient = desk.first("a"), desk.then("b")
    error = impatient.exception(WITHIN_S)
    assert error is not None
    assert is_database_away(error)
    desk.let_go()
    first.result(WITHIN_S)
    desk.then("c").result(WITHIN_S)
    assert desk.written() == {"a", "c"}


def test_whoever_waits_for_another_process_looks_often(desk: Desk, sqlite_database_url: str) -> None:
    """A crowd there leaves hardly a gap, and an alert has to get through it."""

    def patient_for_the_rest(session: Session) -> None:
        assert session.connection().exec_driver_sql("PRAGMA busy_timeout").scalar() == BUSY_TIMEOUT_MS

    looks = threading.Semaphore(0)

    @event.listens_for(desk.uow.engine, "before_cursor_execute")
    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            looks.release()

    database = sqlite_database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(database, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        writing = desk.then(patient_for_the_rest)
        often = [looks.acquire(timeout=1) for _ in range(20)]
        another.execute("ROLLBACK")
    writing.result(WITHIN_S)
    assert all(often)
