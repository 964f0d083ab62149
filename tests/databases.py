"""Gives every test a database of its own: migrated or empty, on SQLite or on a real PostgreSQL.

The schema is migrated once per process and kind. A test gets a copy of the SQLite file; of the PostgreSQL
database a copy, or one that was emptied after another test. A server named by TEST_DATABASE_URL is used when
there is one; else tests/postgresql.py starts one.
"""

import itertools
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from models.migrating import upgrade
from tests.postgresql import running_server

KINDS = ("sqlite", "postgresql")


def sqlite_url(folder: Path, name: str = "siaga.db") -> str:
    """The address of an SQLite file in ``folder``; the file itself is not made."""
    return f"sqlite:///{folder / name}"


_SHAPE = text(
    """
    SELECT md5(string_agg(concat_ws(':', kind, oid, part, xmin), ',' ORDER BY kind, oid, part))
    FROM (
        SELECT 'class' AS kind, oid, 0 AS part, xmin::text FROM pg_class
        UNION ALL SELECT 'column', attrelid, attnum, xmin::text FROM pg_attribute
        UNION ALL SELECT 'trigger', oid, 0, xmin::text FROM pg_trigger
        UNION ALL SELECT 'constraint', oid, 0, xmin::text FROM pg_constraint
        UNION ALL SELECT 'function', oid, 0, xmin::text FROM pg_proc
        UNION ALL SELECT 'setting', setdatabase, 0, xmin::text FROM pg_db_role_setting
        UNION ALL SELECT 'revision', 16384, 0, version_num FROM alembic_version
    ) AS defined
    WHERE oid >= 16384 -- FirstNormalObjectId: what is not PostgreSQL's own
    """
)
"""One value for all that is defined in a database: a row of the catalog that is written again differs."""

_EMPTY = text(
    """
    SET session_replication_role = replica;
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT tablename FROM pg_tables
                    WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
            EXECUTE format('DELETE FROM %I', name);
        END LOOP;
    END $$
    """
)
"""Takes every row away, past the triggers that let nobody change a record."""

_LARGEST_REUSED = 24 * 2**20
"""Bytes up to which a database is emptied: a new one has nine million, and dead rows slow a scan."""


def ended(url: str, server: int) -> None:
    """The server's process *server* ends its session, and is gone."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": server})


_END_SESSIONS = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name")


class PostgresDatabases:
    """Makes, empties and drops databases on one server; the template is migrated when it is first asked for.

    A migrated one that a test gives back is emptied for the next, which takes a quarter of the time of a new
    copy. It gets another name, so that whatever still writes for the last test does not find it, and it is
    dropped if anything but its rows was altered.
    """

    def __init__(self, server: URL) -> None:
        self._server = server
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")
        self._prefix = f"siaga_test_{os.getpid()}_{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._template: str | None = None
        self._emptied: dict[str, str] = {}
        """The shape of each database that waits for a test, by its name."""

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def _next_name(self) -> str:
        return f"{self._prefix}_{next(self._numbers)}"

    def _create(self, template: str) -> str:
        name = self._next_name()
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def _drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def migrated_template(self) -> str:
        """The name of the database that all migrated ones are copies of."""
        if self._template is None:
            name = self._create("template0")
            upgrade(self._url(name))
            self._template = name
        return self._template

    @contextmanager
    def database(self, *, migrated: bool) -> Iterator[str]:
        """The address of a database that holds nothing, gone at the end whoever is still connected to it."""
        if not migrated:
            name = self._create("template0")
            try:
                yield self._url(name)
            finally:
                self._drop(name)
            return
        name, shape = self._emptied.popitem() if self._emptied else self._fresh()
        try:
            yield self._url(name)
        finally:
            self._take_back(name, shape)

    def _fresh(self) -> tuple[str, str]:
        name = self._create(self.migrated_template())
        with self._connected(name) as connection:
            return name, str(connection.scalar(_SHAPE))

    def _take_back(self, name: str, shape: str) -> None:
        new_name = self._next_name()
        try:
            with self._engine.connect() as connection:
                connection.execute(_END_SESSIONS, {"name": name})
                connection.execute(text(f'ALTER DATABASE "{name}" RENAME TO "{new_name}"'))
                size = connection.scalar(text("SELECT pg_database_size(:name)"), {"name": new_name})
        except DBAPIError:
            # Somebody came back in between, or the test has dropped or closed it.
            self._drop(name)
            return
        if size <= _LARGEST_REUSED and self._is_emptied(new_name, shape):
            self._emptied[new_name] = shape
        else:
            self._drop(new_name)

    def _is_emptied(self, name: str, shape: str) -> bool:
        try:
            with self._connected(name) as connection:
                if connection.scalar(_SHAPE) != shape:
                    return False
                connection.execute(_EMPTY)
        except DBAPIError:
            # Not even what is asked about is there any more.
            return False
        return True

    @contextmanager
    def _connected(self, name: str) -> Iterator[Connection]:
        engine = create_engine(self._url(name), poolclass=NullPool)
        with engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Drop what waits and the template; on a server that others use too nothing of ours stays behind."""
        for name in (*self._emptied, self._template):
            if name is not None:
                self._drop(name)
        self._engine.dispose()


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[PostgresDatabases]:
    """Databases on a real server: one for each test process, so that parallel ones do not meet."""
    with ExitStack() as stack:
        named = os.environ.get("TEST_DATABASE_URL")
        server = make_url(named) if named else stack.enter_context(running_server())
        databases = PostgresDatabases(server)
        stack.callback(databases.close)
        yield databases


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the current schema and nothing in it, to be copied."""
    folder = tmp_path_factory.mktemp("schema")
    upgrade(sqlite_url(folder))
    path = folder / "siaga.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def sqlite_database_url(tmp_path: Path, migrated_sqlite_file: Path) -> str:
    """The address of a migrated SQLite file of this test's own."""
    shutil.copyfile(migrated_sqlite_file, tmp_path / "siaga.db")
    return sqlite_url(tmp_path)


@pytest.fixture
def postgresql_database_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """The address of a migrated PostgreSQL database of this test's own."""
    with postgres_databases.database(migrated=True) as url:
        yield url


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database of this test's own: it runs on SQLite and again on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_database_url"))


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table, on SQLite and again on PostgreSQL: for migration tests."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
    with databases.database(migrated=False) as url:
        yield url
