"""Whole copies of a database: made while it is in use, and put back.

An SQLite file is copied by SQLite's own online backup, a PostgreSQL database by ``pg_dump``.
Decides nothing about when, where and how many. No password is ever on a command line or in a message.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

SET_ASIDE = "before_restore_"
"""How the schema begins in which what stood there before a restore is kept; no copy holds it."""

_SQLITE_HEAD = b"SQLite format 3\0"
_DUMP_HEAD = b"PGDMP"


class CopyError(Exception):
    """A copy could not be made or put back; the message is one line for a person."""


class MayNotCreateError(Exception):
    """The database's user may not create another database beside it."""


def kind_of(file: Path) -> str | None:
    """``sqlite`` or ``postgresql``, by how *file* begins; None when it is no copy of ours."""
    with file.open("rb") as opened:
        head = opened.read(len(_SQLITE_HEAD))
    if head == _SQLITE_HEAD:
        return "sqlite"
    return "postgresql" if head.startswith(_DUMP_HEAD) else None


# --- SQLite ---------------------------------------------------------------------------------------


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy the database in *source*, which may be in use, into the new file *target*, whole in itself.

    One step, for it reads one state: in WAL nobody who writes waits for a reader, while a copy in several
    steps begins anew each time another process has written, and under load never ends.

    Raises:
        CopyError: one of them cannot be read or written.
    """
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            live.backup(copy, pages=-1)
        settle_sqlite(target)
    except sqlite3.Error as error:
        raise CopyError(f"{source}: cannot be copied: {error}") from error


def settle_sqlite(file: Path) -> None:
    """Make *file* whole in itself: nothing beside it belongs to it any more.

    Raises:
        CopyError: somebody else has it open, or it is no sound database.
    """
    try:
        with closing(sqlite3.connect(file, timeout=1.0)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        raise CopyError(f"{file}: {error}") from error
    if mode != "delete":
        raise CopyError(f"{file}: database is locked")


@contextmanager
def held_sqlite(file: Path) -> Iterator[None]:
    """*file*, which is settled, for us alone during the block: nobody reads or writes in it.

    Raises:
        CopyError: somebody else has it open at work.
    """
    with closing(sqlite3.connect(file, timeout=1.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise CopyError(f"{file}: is in use: stop what runs on it") from error
        # Closing ends it; nothing was written, so nothing is left beside the file.
        yield


def damage_of_sqlite(file: Path) -> str | None:
    """What SQLite itself finds wrong with the pages of *file*; None when they are sound."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if said == "ok" else str(said).partition("\n")[0]


# --- PostgreSQL -----------------------------------------------------------------------------------


@contextmanager
def one_state(engine: Engine) -> Iterator[tuple[Connection, str]]:
    """A connection that sees one state of the database, and that state's name for :func:`dump_postgres`."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield connection, str(connection.scalar(text("SELECT pg_export_snapshot()")))
        connection.rollback()


def dump_postgres(url: str, target: Path, *, state: str, server: int) -> None:
    """Write *state* of the database at *url* into *target*; writers are not held up.

    Raises:
        CopyError: there is no fitting ``pg_dump``, or it failed.
    """
    run_tool(
        _program("pg_dump", server),
        "--format=custom",
        f"--snapshot={state}",
        f"--exclude-schema={SET_ASIDE}*",
        f"--file={target}",
        url=url,
    )


def load_postgres(url: str, source: Path, *, server: int) -> None:
    """Bring what *source* holds into the empty database at *url*: everything or nothing.

    Raises:
        CopyError: there is no fitting ``pg_restore``, or it failed.
    """
    run_tool(
        _program("pg_restore", server),
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        source,
        url=url,
    )


def check_dump(source: Path, *, server: int) -> None:
    """See that the table of contents of *source* can be read: less than a drill, but something.

    Raises:
        CopyError: it cannot.
    """
    run_tool(_program("pg_restore", server), "--list", source, url=None)


@contextmanager
def scratch_beside(url: str) -> Iterator[str]:
    """An empty database on the same server, gone at the end of the block.

    Raises:
        MayNotCreateError: the user may not create one.
    """
    parsed = make_url(url)
    name = f"siaga_check_{parsed.database}"[:63]
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
    quoted = engine.dialect.identifier_preparer.quote(name)
    drop = text(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
    with engine.connect() as connection:
        try:
            # One that a killed run left behind is of no use to anybody.
            connection.execute(drop)
            connection.execute(text(f"CREATE DATABASE {quoted} TEMPLATE template0"))
        except ProgrammingError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise MayNotCreateError(name) from error
            raise
    try:
        yield parsed.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(drop)


def run_tool(program: Path, *arguments: str | Path, url: str | None) -> None:
    """Run a program of PostgreSQL against *url*; the password goes by the environment, for us alone.

    Raises:
        CopyError: it failed; the first line that it said.
    """
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = [str(program), *map(str, arguments)]
    if url is not None:
        parsed = make_url(url)
        _, options = parsed.get_dialect()().create_connect_args(parsed)
        password = options.pop("password", None)
        if password is not None:
            environ["PGPASSWORD"] = str(password)
        command.insert(1, f"--dbname={make_conninfo('', **options)}")
    ended = subprocess.run(  # noqa: S603 - a program of the system, with arguments of ours
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = next((line for line in ended.stderr.splitlines() if line.strip()), "without a word")
        raise CopyError(f"{program.name} failed: {said}")


def _program(name: str, server: int) -> Path:
    """The oldest *name* here that is not older than the *server*: one that fits it best."""
    found = {*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")}
    if on_path := shutil.which(name):
        found.add(Path(on_path))
    fitting = sorted((version, path) for path in found if (version := _version(path)) >= server)
    if not fitting:
        package = f"install postgresql-client-{server} (Debian), so that it is on the PATH"
        raise CopyError(f"there is no {name} of version {server} or newer here; {package}")
    return fitting[0][1]


def _version(program: Path) -> int:
    said = subprocess.run(  # noqa: S603 - a program of the system
        [str(program), "--version"], capture_output=True, text=True, check=False
    ).stdout
    number = re.search(r"(\d+)(?:\.\d+)?", said)
    return int(number[1]) if number else 0


def size_of_postgres(connection: Connection) -> int:
    """Bytes that the database takes up on its server."""
    return int(str(connection.scalar(text("SELECT pg_database_size(current_database())"))))


def server_version(connection: Connection) -> int:
    """The server's major version."""
    return int(str(connection.scalar(text("SHOW server_version_num")))) // 10000
