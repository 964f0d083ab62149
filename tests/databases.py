"""Gives every test a database of its own: migrated or empty, on SQLite or on a real PostgreSQL.

The schema is migrated once per process and kind, and copied for each test: a file copy, or CREATE DATABASE …
TEMPLATE. A server named by TEST_DATABASE_URL is used when there is one; else tests/postgresql.py starts one.
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
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from models.migrating import upgrade
from tests.postgresql import running_server

KINDS = ("sqlite", "postgresql")


def sqlite_url(folder: Path, name: str = "siaga.db") -> str:
    """The address of an SQLite file in ``folder``; the file itself is not made."""
    return f"sqlite:///{folder / name}"


class PostgresDatabases:
    """Makes and drops databases on one server; the migrated template is made when it is first asked for."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._prefix = f"siaga_test_{os.getpid()}_{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._template: str | None = None

    def _run(self, statement: str) -> None:
        engine = create_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))

    def _create(self, template: str) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
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
        """The address of a new database, dropped at the end whoever is still connected to it."""
        name = self._create(self.migrated_template() if migrated else "template0")
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        """Drop the template; on a server that others use too nothing of ours stays behind."""
        if self._template is not None:
            self._drop(self._template)


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
