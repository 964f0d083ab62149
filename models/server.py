"""PostgreSQL's connections: how each is prepared, looked at before its use, and given back."""

import select
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from models.lean_cursor import lean
from models.libpq import Library, end
from models.straight import LIBRARY, STALE_PLAN

if TYPE_CHECKING:
    import psycopg

UNUSED_FOR_S = 1.0
"""After so long a connection is asked whether it is still there; under load it is not."""


ROOM = 400
"""Statements that the server keeps ready on a connection. What is written together has many shapes; none of
those in use is to be made anew."""


def attend(engine: Engine, *, prepares_soon: bool) -> None:
    """Look after the connections of *engine*.

    With *prepares_soon* its statements are few and always the same, and as quick as they can be.
    """
    event.listen(engine, "connect", _prepare)
    if prepares_soon:
        event.listen(engine, "connect", partial(_prepare_soon, engine))
        dialect: Any = engine.dialect  # There is no other way in.
        dialect.do_commit = partial(_end, engine, b"COMMIT")
        dialect.do_rollback = partial(_end, engine, b"ROLLBACK")
        event.listen(engine, "handle_error", _give_up_stale)
    event.listen(engine, "do_execute", _only_questions)
    event.listen(engine, "do_executemany", _one_by_one)
    event.listen(engine, "reset", partial(_end_what_was_begun, engine))
    _look_before_use(engine)


def _prepare(connection: "psycopg.Connection", _entry: ConnectionPoolEntry) -> None:
    connection.prepared_max = ROOM
    connection.cursor_factory = lean(connection.cursor_factory)


def _prepare_soon(engine: Engine, connection: "psycopg.Connection", entry: ConnectionPoolEntry) -> None:
    # By itself the driver lets the server read and plan a statement five times before it keeps it ready.
    connection.prepare_threshold = 1
    entry.info[LIBRARY] = Library(connection, engine.dialect.loaded_dbapi)


def _give_up_stale(context: ExceptionContext) -> None:
    """The same for what goes by the driver's cursor, which nobody tells to forget what it prepared either."""
    if getattr(context.original_exception, "sqlstate", None) == STALE_PLAN:
        context.is_disconnect = True


def _end(engine: Engine, word: bytes, connection: object) -> None:
    # SQLAlchemy hands over its own object around the driver's.
    driver: Any = getattr(connection, "dbapi_connection", connection)
    end(driver, word, engine.dialect.loaded_dbapi)


def _end_what_was_begun(
    engine: Engine, connection: "psycopg.Connection", _entry: object, _state: object
) -> None:
    """Nothing that somebody began is left to whoever gets the connection next; most have begun nothing."""
    # The driver's own way to find that out takes as long as a statement's way into it. Idle is 0.
    if connection.pgconn.transaction_status:
        engine.dialect.do_rollback(cast(Any, connection))


def must_stand(connection: Connection) -> None:
    """Raise unless the transaction that was begun there goes on: PostgreSQL takes any commit for done.

    Raises:
        sqlalchemy.exc.OperationalError: a statement failed in it, or it has ended.
    """
    driver = cast("psycopg.Connection", connection.connection.dbapi_connection)
    if driver.pgconn.transaction_status != connection.dialect.loaded_dbapi.pq.TransactionStatus.INTRANS:
        raise OperationalError("COMMIT", None, RuntimeError("the transaction is gone"))


def _look_before_use(engine: Engine) -> None:
    """Let nobody get a connection of the pool that the server has closed meanwhile.

    A closing server says so, which costs no question to see; of a network that fell silent only a question
    tells, and it is put to what nobody has used for a while.
    """

    @event.listens_for(engine, "checkin")
    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used_s"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: "psycopg.Connection", record: ConnectionPoolEntry, _proxy: object) -> None:
        used_s = record.info.get("used_s")
        if used_s is None:
            return
        if _has_word(connection.fileno()):
            raise DisconnectionError
        if time.monotonic() - used_s > UNUSED_FOR_S:
            try:
                engine.dialect.do_ping(cast(DBAPIConnection, connection))
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error


def _has_word(descriptor: int) -> bool:
    """Whether something waits to be read there; an idle connection is told nothing but its end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


LOOKS_ONLY = "looks_only"
"""The name of a connection's option: each statement stands at once, and so may be nothing but a question."""


class HoldsNothingError(RuntimeError):
    """What was about to happen needs a transaction that holds what it reads, and here is none."""


def _only_questions(
    _cursor: "psycopg.Cursor", sql: str, _values: Sequence[object], context: DefaultExecutionContext
) -> bool:
    """Leave it to the usual way.

    Raises:
        HoldsNothingError: it would write by itself what must stand or fall with other statements.
    """
    if LOOKS_ONLY in context.execution_options and not sql.startswith(_QUESTIONS):
        raise HoldsNothingError(sql.partition(" ")[0])
    return False


def _one_by_one(
    _cursor: "psycopg.Cursor", _sql: str, _values: Sequence[object], context: DefaultExecutionContext
) -> bool:
    """Leave several at once to the usual way.

    Raises:
        HoldsNothingError: they would stand at once; no question is asked so.
    """
    if LOOKS_ONLY in context.execution_options:
        raise HoldsNothingError("several at once")
    return False


_QUESTIONS = ("SELECT", "WITH")
"""How they begin; what writes and begins so (``models.together``) goes another way."""
