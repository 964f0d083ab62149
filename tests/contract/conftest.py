"""The running program on each database, and on SQLite alone where the database does not matter."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.site import Site, running_site
from tests.databases import PostgresDatabases, sqlite_url


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The program on SQLite, and again on PostgreSQL."""
    with running_site(database_url, tmp_path) as running:
        yield running


@pytest.fixture
def sqlite_site(sqlite_database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The program on SQLite alone."""
    with running_site(sqlite_database_url, tmp_path) as running:
        yield running


@pytest.fixture
def postgres_site(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Site]:
    """The program on PostgreSQL alone."""
    with postgres_databases.database(migrated=True) as url, running_site(url, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_site(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One program for all tests of a module that do not care what others left in it."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copyfile(migrated_sqlite_file, folder / "siaga.db")
    with running_site(sqlite_url(folder), folder) as running:
        yield running
