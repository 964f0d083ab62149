"""Where a transaction begins and ends, and nowhere else.

``write()`` is one transaction that is committed when its block ends without an error and rolled back
otherwise. After the commit of one that gave the engine something to do, the listeners are told (the engine
wakes). While a block is open, a context variable forbids every adapter to use the network.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.server import LOOKS_ONLY, HoldsNothingError, must_stand
from models.session import READS_LONG, each_by_itself, is_database_away, was_held_up
from models.sessions import AtOnce, Holds, Looks, Transaction, gathered
from models.shared_commit import SingleWriter
from models.statements import Prepared, Values

log = structlog.get_logger(__name__)

T = TypeVar("T")

_transaction_open: ContextVar[bool] = ContextVar("transaction_open", default=False)

_FOR_ENGINE = "for_engine"

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_VIEW = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

WRITER_WITHIN_S = 1.0
"""How long a transaction waits for SQLite's single writer; a disk that hangs must not gather threads."""

WRITES_WITHIN_S = 3.0
"""Twice what a caller is made to wait: whoever takes so long is waiting for something that hangs."""

FAILED_LATELY_S = 15.0
"""An engine tries every five seconds: three in vain. Who writes nothing more knows nothing more."""


class NetworkInTransactionError(RuntimeError):
    """An adapter was about to use the network while a transaction was open: a programmer's error."""


def refuse_inside_transaction(what: str) -> None:
    """Raise unless no transaction is open here; every network adapter calls this first."""
    if _transaction_open.get():
        raise NetworkInTransactionError(f"{what} must not run inside a database transaction")


def wake_engine_after(session: Session) -> None:
    """Say that this transaction sets a deadline or something to be sent: its commit wakes the engine."""
    session.info[_FOR_ENGINE] = True


class Shared:
    """What all units of work on one database of this process have in common."""

    def __init__(self) -> None:
        # SQLite's busy handler polls with growing pauses; a queue in this process hands over at once.
        self.writer = SingleWriter()
        self.listeners: list[Callable[[], None]] = []
        self.commits = 0
        self.committed_s = float("-inf")
        """When the last one was, by a clock that nobody sets."""
        self.failed_s = float("-inf")
        """When the database last took nothing."""
        self.begun_s: dict[object, float] = {}
        """Since when each transaction that writes is under way, or waits for its turn."""

    @contextmanager
    def watched(self) -> Iterator["_UnderWay"]:
        """Remember of what is written in the block how long it takes, and how it ends."""
        one = _UnderWay()
        self.begun_s[one] = time.monotonic()
        try:
            yield one
            if one.has_written:
                self.commits += 1
                self.committed_s = time.monotonic()
        except BaseException as error:
            if is_database_away(error) and not was_held_up(error):
                self.failed_s = time.monotonic()
            raise
        finally:
            del self.begun_s[one]


class _UnderWay:
    """A transaction that writes; one that wrote nothing after all says nothing of the disk."""

    has_written = True


class UnitOfWork:
    """Hands out transactions on one database."""

    def __init__(self, engine: Engine, *, beside: "UnitOfWork | None" = None) -> None:
        """Wrap *engine*; SQLite gets a queue of its own in front of its single writer.

        With connections of its own *beside* another one of the same database, it stands in the same queue.
        """
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._at_once = engine if self.is_sqlite else each_by_itself(engine)
        self._looking = self._at_once.execution_options(**{LOOKS_ONLY: True})
        # Where somebody computes for as long as it takes, nobody else's answer may depend on it.
        self._shares_commits = not engine.get_execution_options().get(READS_LONG, False)
        self.shared: Shared = Shared() if beside is None else beside.shared

    @property
    def commits(self) -> int:
        """Grows with every transaction that ends well: while it does, the database is there, however slow."""
        return self.shared.commits

    @property
    def committed_s(self) -> float:
        """When the last transaction ended well, as ``time.monotonic`` counts."""
        return self.shared.committed_s

    def trouble(self) -> str | None:
        """Why this process cannot be trusted to write down what comes next, or None."""
        shared, now_s = self.shared, time.monotonic()
        waits_s = now_s - min(list(shared.begun_s.values()), default=now_s)
        if waits_s > WRITES_WITHIN_S:
            return f"a transaction has not ended for {waits_s:.0f} s"
        if shared.failed_s > shared.committed_s and now_s - shared.failed_s < FAILED_LATELY_S:
            return f"the last one failed {now_s - shared.failed_s:.0f} s ago, and none has ended well since"
        return None

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call *listener* after each commit that concerns the engine; it must be quick and must not raise."""
        self.shared.listeners.append(listener)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction for reading and writing; committed at the end of the block.

        Raises:
            sqlalchemy.exc.TimeoutError: another transaction of this process has not ended in time.
        """
        with self.shared.watched(), self._begun() as session:
            token = _transaction_open.set(True)
            try:
                yield session
                gathered(session).run()
                if not self.is_sqlite:
                    must_stand(session.connection())
                session.commit()
            finally:
                # What was not committed is undone when the session closes.
                _transaction_open.reset(token)
        self._tell(session)

    def _tell(self, session: Session) -> None:
        """Wake the engine, if what *session* has committed concerns it."""
        if _FOR_ENGINE in session.info:
            for listener in self.shared.listeners:
                listener()

    def decide(self, command: Callable[[Session], T]) -> T:
        """What *command* returns, when all that it wants written is written (ADR 0045).

        On PostgreSQL it holds nothing at first, and what it writes *together* is one statement, which fails
        when anybody was faster: two cannot write the same line of a record. Then, or when it needs to hold
        something, it is carried out anew in a transaction, as on SQLite always. So it may run twice, and does
        nothing that must not be done in vain.

        Raises:
            sqlalchemy.exc.TimeoutError: another transaction of this process has not ended in time.
        """
        if not self.is_sqlite:
            try:
                return self._decided_at_once(command)
            except (HoldsNothingError, IntegrityError) as reason:
                log.debug("command.in_turn", reason=type(reason).__name__)
        with self.write() as session:
            return command(session)

    def _decided_at_once(self, command: Callable[[Session], T]) -> T:
        with self.shared.watched() as one, AtOnce(self._looking) as session:
            token = _transaction_open.set(True)
            try:
                outcome = command(session)
                # It stands at once: there is nothing to commit.
                one.has_written = session.write_gathered()
            finally:
                _transaction_open.reset(token)
        self._tell(session)
        return outcome

    def write_one(self, statement: Prepared, values: Values) -> Any:  # noqa: ANN401 - whatever it returns
        """Run *statement* as a transaction by itself, and return its first row: it returns what it wrote.

        To PostgreSQL a beginning and an end would be two more. On SQLite it is a part like any other. What it
        writes must give the engine nothing to do.

        Raises:
            sqlalchemy.exc.TimeoutError: another transaction of this process has not ended in time.
        """
        if self.is_sqlite:
            with self.write() as session:
                return statement.run(session.connection(), values).first()
        with self.shared.watched() as one, self._at_once.connect() as connection:
            token = _transaction_open.set(True)
            try:
                row = statement.run(connection, values).first()
                # Nothing to the server: it was committed at once.
                connection.commit()
            finally:
                _transaction_open.reset(token)
            one.has_written = row is not None
            return row

    @contextmanager
    def _begun(self) -> Iterator[Session]:
        """A session in a transaction; on SQLite in a part of the one that all threads share."""
        if not self.is_sqlite:
            with Holds(self._at_once, _BEGIN) as session:
                yield session
            return
        with (
            self.shared.writer.part(
                self.engine, shares=self._shares_commits, within_s=WRITER_WITHIN_S
            ) as shared,
            Transaction(
                shared.connection, expire_on_commit=False, join_transaction_mode="rollback_only"
            ) as session,
        ):
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view that is never committed."""
        engine = self._at_once
        view = Transaction(engine, expire_on_commit=False) if self.is_sqlite else Holds(engine, _BEGIN_VIEW)
        with view as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN")
            elif self.engine.get_execution_options().get(READS_LONG):
                session.connection().exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            token = _transaction_open.set(True)
            try:
                yield session
            finally:
                _transaction_open.reset(token)
                # What was read stays readable after the block.
                session.expunge_all()
            if not self.is_sqlite:
                # Nothing was written. After a rollback the driver forgets every statement that it prepared.
                session.commit()

    @contextmanager
    def look(self) -> Iterator[Session]:
        """For single questions, each of which sees the state of its own instant; nothing is written here.

        To PostgreSQL a transaction around one question is two more. SQLite has one view for all of the block.
        """
        if self.is_sqlite:
            with self.read() as session:
                yield session
            return
        with Looks(self._looking) as session:
            token = _transaction_open.set(True)
            try:
                yield session
                session.flush()
            finally:
                _transaction_open.reset(token)
