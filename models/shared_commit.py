"""SQLite's single writer: whose turn it is, and one commit for all who waited meanwhile.

Whoever is through while others wait hands them the open transaction in place of committing it; the last one
commits for all, and only then does any of them go on. With many callers at once the commit is a quarter of an
answer, and on a slow disk nearly all of it (ADR 0039). If it fails, it fails for all of them.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

from sqlalchemy import Connection, Engine, NestedTransaction
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as BusyTooLongError

from models.session import BUSY_TIMEOUT_MS

LOOKS_EVERY_S = 0.0005
"""How often is looked whether another process has ended its transaction."""

PARTS = 12
"""Parts of one transaction at most: whoever was first waits for the last."""


class SingleWriter:
    """Hands the only writing transaction from one thread to the next, in the order of their coming."""

    def __init__(self) -> None:
        """Nobody writes."""
        self._mutex = threading.Lock()
        self._is_taken = False
        self._waiting: deque[_Place] = deque()
        self._open: SharedTransaction | None = None
        """What whoever had the turn before has left open; touched only by whoever has it now."""

    @contextmanager
    def part(self, engine: Engine, *, shares: bool, within_s: float) -> Iterator["SharedTransaction"]:
        """A part of a writing transaction, on a connection of *engine* or of whoever began it.

        What is done in the block is durable after it. Unless it *shares*, it has the transaction for itself:
        those who are through must not wait for what takes long.

        Raises:
            sqlalchemy.exc.TimeoutError: the turn did not come *within_s*.
            sqlalchemy.exc.DBAPIError: the database refused; nothing of the block is there.
        """
        self._take_turn(shares=shares, within_s=within_s)
        shared = None
        try:
            # It stays open for this one, who ends it whatever happens.
            shared, self._open = self._open or SharedTransaction(engine), None
            with shared.part():
                yield shared
        finally:
            self._end_turn(shared, shares=shares)
            if shared is not None:
                # Also whoever failed: perhaps because of what it saw of the others, which may be lost yet.
                shared.wait()

    def _take_turn(self, *, shares: bool, within_s: float) -> None:
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return
            place = _Place(shares=shares)
            self._waiting.append(place)
        if place.comes(within_s):
            return
        with self._mutex:
            if place in self._waiting:
                self._waiting.remove(place)
                raise BusyTooLongError("the database's writer is busy")
        # It came at the last instant, and perhaps with the work of others: it must not be refused any more.

    def _end_turn(self, shared: "SharedTransaction | None", *, shares: bool) -> None:
        if shared is not None and shares and shared.has_room and self._leave_to_next(shared):
            return
        try:
            if shared is not None:
                shared.end()
        finally:
            with self._mutex:
                if self._waiting:
                    self._waiting.popleft().give()
                else:
                    self._is_taken = False

    def _leave_to_next(self, shared: "SharedTransaction") -> bool:
        """Hand the turn on with the open transaction; False when nobody is there to share it."""
        with self._mutex:
            if not self._waiting or not self._waiting[0].shares:
                return False
            self._open = shared
            self._waiting.popleft().give()
            return True


class _Place:
    """Somebody in the queue."""

    def __init__(self, *, shares: bool) -> None:
        self.shares = shares
        self._turn = threading.Lock()
        self._turn.acquire()

    def give(self) -> None:
        self._turn.release()

    def comes(self, within_s: float) -> bool:
        return self._turn.acquire(timeout=within_s)


class SharedTransaction:
    """One transaction on one connection, with the parts of one or several threads."""

    def __init__(self, engine: Engine) -> None:
        """Begin it.

        Raises:
            sqlalchemy.exc.DBAPIError: another process writes, and did not end in time.
        """
        self.connection: Connection = engine.connect()
        try:
            self._driver = cast("sqlite3.Connection", self.connection.connection.driver_connection)
            self._root = self.connection.begin()
            self._take_from_other_processes()
        except BaseException:
            self.connection.close()
            raise
        self._parts = 0
        self._ended = threading.Event()
        self._error: BaseException | None = None

    def _take_from_other_processes(self) -> None:
        """Begin to write as soon as no other process does.

        A crowd there leaves the file free for a tenth of a millisecond between two commits. SQLite itself
        looks only ten times a second after a while, and so an engine would wait for seconds (ADR 0039).
        """
        pause, give_up_s = threading.Event(), time.monotonic() + BUSY_TIMEOUT_MS / 1000
        self._driver.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self.connection.exec_driver_sql("BEGIN IMMEDIATE")
                except OperationalError as error:
                    if not _is_busy(error) or time.monotonic() >= give_up_s:
                        raise
                else:
                    return
                pause.wait(LOOKS_EVERY_S)
        finally:
            self._driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    @property
    def has_room(self) -> bool:
        """Whether one more part may be added to those that stand in it."""
        return self._error is None and 0 < self._parts < PARTS

    @contextmanager
    def part(self) -> Iterator[None]:
        """One more part; whoever fails takes back what it did and leaves the others' work alone."""
        # One of SQLAlchemy's own, for the ORM to take back when a flush fails: else it takes back everything.
        mine = self.connection.begin_nested() if self._parts else None
        try:
            yield
            self._check()
            if mine is not None:
                mine.commit()
        except BaseException as error:
            if mine is not None:
                self._take_back(mine, error)
            raise
        self._parts += 1

    def _take_back(self, part: NestedTransaction, failure: BaseException) -> None:
        """Undo the part that failed; where even that fails, everybody's is gone with it."""
        self._error = failure
        # SQLite ends a transaction by itself when the disk is full or broken.
        with suppress(DBAPIError):
            self._check()
            if part.is_active:
                part.rollback()
            if self.connection.get_nested_transaction() is None:
                self._error = None

    def end(self) -> None:
        """Commit what stands in it, and let everybody know what came of it.

        Raises:
            sqlalchemy.exc.DBAPIError: it could not be committed.
        """
        try:
            if self._parts and self._error is None:
                self._root.commit()
        except DBAPIError as error:
            self._error = error
            if self._parts == 1:
                raise
        except BaseException as error:
            self._error = error
            raise
        finally:
            try:
                self._let_go()
            finally:
                self._ended.set()

    def wait(self) -> None:
        """Return when it is committed.

        Raises:
            sqlalchemy.exc.OperationalError: it was not. Whosever fault that is, it says nothing about what
                the others asked for: they may ask again.
        """
        self._ended.wait()
        error = self._error
        if error is not None:
            # One of its own for each thread, because each adds to it where it was raised.
            cause = error.orig if isinstance(error, DBAPIError) else None
            raise OperationalError("COMMIT", None, cause or error, hide_parameters=True) from error

    def _let_go(self) -> None:
        """Give the connection back without a transaction."""
        try:
            # SQLAlchemy takes one whose commit failed for ended; SQLite does not.
            self._driver.rollback()
        except sqlite3.Error:
            self.connection.invalidate()
        self.connection.close()

    def _check(self) -> None:
        """Raise unless the transaction is still there: without one, SQLite takes a commit for done."""
        if not self._root.is_active or not self._driver.in_transaction:
            raise OperationalError("COMMIT", None, RuntimeError("the transaction is gone"))


def _is_busy(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0)
    # The lowest byte says what it is, the others why.
    return code & 0xFF == sqlite3.SQLITE_BUSY
