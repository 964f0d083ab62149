"""Opening the database: SQLite with full durability, or PostgreSQL.

SQLite runs in WAL with ``synchronous=FULL`` because the power fails there (DESIGN 4): with NORMAL up
to 452 acknowledged rows were lost in a power-loss test (TESTBED 9). Foreign keys are on. Transactions
are begun by the unit of work on both, not by the driver: on SQLite with ``BEGIN IMMEDIATE`` for writing, so
that two writers queue instead of failing (TESTBED 2.4). ``engine.begin()`` alone begins none (ADR 0046).
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from models.server import attend

BUSY_TIMEOUT_MS = 5000

READS_LONG = "reads_long"
"""The name of the engine's option by which the unit of work knows."""

CONNECTION_WITHIN_S = 1.0
"""How long a command waits for a connection of the pool: after 1.5 s the caller is connected to a person."""


_LAST_USED_FIRST = True
"""It knows most: which pages are still as it read them, which statements it has ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long PostgreSQL waits for one of our sessions, in milliseconds; 0: the server's own way, for ever.

    ``idle_ms``: for the next statement of a transaction, whose locks hold up others meanwhile.
    ``reads_long``: a transaction that only reads holds up nobody, and may compute for as long as it likes.
    ``begins``: the driver begins a transaction with the first statement, as whoever works on the connection
    itself is used to; else the unit of work does, where it wants one.
    ``prepares_soon``: the statements are few and always the same, and are prepared at their second use.
    ``plans_once``: each has one plan, for whatever values; by itself the server makes five others first.
    """

    idle_ms: int = 0
    lock_ms: int = 0
    statement_ms: int = 0
    reads_long: bool = False
    begins: bool = False
    prepares_soon: bool = False
    plans_once: bool = False


LOCK_MS = 1200
"""Not much longer than a caller can wait (1.5 s), but longer than the second after which PostgreSQL looks
whether two wait for each other: then one of them loses at once and the other goes on. As long as that second,
both would give up."""

LIVE = Patience(idle_ms=5000, lock_ms=LOCK_MS, statement_ms=5000, prepares_soon=True)
"""For calls and for the engine. They compute for milliseconds between two statements: who is silent for as
long as a server that vanished is waited for is frozen or gone. The slowest statement takes a tenth of a
second."""

CALLERS = replace(LIVE, plans_once=True)
"""For webhooks alone: each of their statements has an index to go by, whatever it is asked for. The engine's
chores look through spans of time, and which plan is best depends on how long those are."""

DESK = Patience(idle_ms=5000, lock_ms=LOCK_MS, reads_long=True)
"""For pages and the interface: a report reads for as long as it takes, an action is as quick as a call."""

COMMAND = Patience(idle_ms=60_000, reads_long=True)
"""For a person's command: a step of erasing takes seconds, and Ctrl-Z in one must not hold its incidents."""

ENDLESS = Patience(begins=True)
"""For what holds one state while another program copies it, and for what changes the schema."""


def open_database(url: str, *, pool_size: int = 20, overflow: int = 10, patience: Patience = LIVE) -> Engine:
    """Return an engine for *url*, creating the folder of an SQLite file; *patience* is PostgreSQL's.

    It keeps *pool_size* connections at hand, and opens up to *overflow* more.

    Raises:
        sqlalchemy.exc.ArgumentError: the address cannot be understood.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # What a statement carries may be personal; it must not stand in an error's text, and so in a log.
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=overflow,
            pool_timeout=CONNECTION_WITHIN_S,
            hide_parameters=True,
            json_serializer=json_text,
            json_deserializer=orjson.loads,
            pool_use_lifo=_LAST_USED_FIRST,
            pool_reset_on_return=None,
            connect_args=server_options(parsed, patience),
            execution_options={READS_LONG: patience.reads_long, _BEGINS: patience.begins},
            **({} if patience.begins else _EACH_STANDS),
        )
        attend(engine, prepares_soon=patience.prepares_soon)
        return engine
    if parsed.database and parsed.database != ":memory:":
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        # The record holds health data: its file, and those that SQLite makes beside it, are for us alone.
        if not file.exists():
            file.touch(mode=0o600)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=CONNECTION_WITHIN_S,
        pool_use_lifo=_LAST_USED_FIRST,
        hide_parameters=True,
        json_serializer=json_text,
        json_deserializer=orjson.loads,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        execution_options={READS_LONG: patience.reads_long},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    # SQLAlchemy compiles each of them anew, which takes ten times as long as carrying it out.
    engine.dialect.do_savepoint = _savepoint  # type: ignore[method-assign] # no other way in
    engine.dialect.do_release_savepoint = _release_savepoint  # type: ignore[method-assign] # likewise
    return engine


def each_by_itself(engine: Engine) -> Engine:
    """*engine*, on each of whose connections every statement stands at once.

    Telling the driver so for one connection, and taking it back, takes as long as half a question: where
    PostgreSQL is asked that much, it is so from the beginning.
    """
    begins = engine.get_execution_options().get(_BEGINS, True)
    return engine.execution_options(**_EACH_STANDS) if begins else engine


_BEGINS = "begins"
_EACH_STANDS = {"isolation_level": "AUTOCOMMIT"}


def _savepoint(connection: Connection, name: str) -> None:
    connection.exec_driver_sql(f"SAVEPOINT {name}")


def _release_savepoint(connection: Connection, name: str) -> None:
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")


def json_text(value: object) -> str:
    """*value* as the text that a JSON column takes; every call writes a dozen.

    Raises:
        TypeError: it has no form in JSON.
    """
    try:
        return orjson.dumps(value, option=_AS_STRICT).decode()
    except orjson.JSONEncodeError:
        # Text that is no Unicode and numbers beyond 64 bits are kept as they came, too.
        return json.dumps(value)


_AS_STRICT = (
    orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
)
"""Nothing is written that ``json`` would refuse."""


_ONE_PLAN = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
"""By an index, for whatever values and however few rows there are.

A plan stays on its connection until the server counts the table anew. Made for a table of some rows, it would
walk one of thousands until then. Where nothing but a walk is left, it costs more than compiling it, which
takes longer than any call.
"""


def server_options(url: URL, patience: Patience = ENDLESS) -> dict[str, int | str]:
    """How soon each side gives up the other: without them both wait, the server for two hours.

    A client that vanished keeps its transaction until then, and with it an incident, or all openings. What
    the address itself says counts more.
    """
    options: dict[str, int | str] = {
        "connect_timeout": 3,
        "tcp_user_timeout": 5000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
    }
    mine = {name: value for name, value in options.items() if name not in url.query}
    settings = {
        **(_ONE_PLAN if patience.plans_once else {}),
        # The server's own look after us, as quick as ours after it.
        "tcp_keepalives_idle": "5s",
        "tcp_keepalives_interval": "2s",
        "tcp_keepalives_count": "2",
        "idle_in_transaction_session_timeout": f"{patience.idle_ms}ms",
        "lock_timeout": f"{patience.lock_ms}ms",
        "statement_timeout": f"{patience.statement_ms}ms",
    }
    given = url.query.get("options", ())
    # Of two settings of one name the later one counts.
    said = [given] if isinstance(given, str) else list(given)
    unlimited = {name for name, value in settings.items() if value == "0ms"}
    own = [f"-c {name}={value}" for name, value in settings.items() if name not in unlimited]
    return {**mine, "options": " ".join([*own, *said])}


def is_database_away(error: BaseException) -> bool:
    """Whether *error* is the database's own and passes, and is not about what was asked of it."""
    about_the_question = (DataError, IntegrityError, ProgrammingError)
    return isinstance(error, PoolTimeoutError | DBAPIError) and not isinstance(error, about_the_question)


def was_held_up(error: BaseException) -> bool:
    """Whether somebody else held what was asked for, longer than PostgreSQL was to wait for it."""
    return _state_of(error) in _GAVE_UP_WAITING or lost_a_race(error)


def lost_a_race(error: BaseException) -> bool:
    """Whether PostgreSQL let somebody else go first: the same, asked for again, finds the way free."""
    return _state_of(error) in _LOST


def _state_of(error: BaseException) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


_GAVE_UP_WAITING = frozenset({"55P03", "57014"})
"""``lock_not_available``, and ``query_canceled`` for a statement that took too long."""

_LOST = frozenset({"40P01", "40001"})
"""``deadlock_detected``: two waited for each other; and ``serialization_failure``."""


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # Autocommit in the driver: BEGIN is issued by the unit of work, which knows whether it will write.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What was erased or overwritten is not left between the rows, where it could still be read (ADR 0030).
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def truncate_log(engine: Engine) -> None:
    """Let nothing that was overwritten stand in SQLite's write-ahead log any more; no other database has one.

    While somebody reads, the log stays as it is, until SQLite begins it anew by itself.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
