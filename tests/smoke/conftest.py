"""A town for each smoke test; a test that passed is only over when the town found nothing wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smoke.town import Town


@pytest.fixture
def town(sqlite_database_url: str, tmp_path: Path) -> Iterator[Town]:
    """A town whose program keeps its record in an SQLite file."""
    yield from _town(sqlite_database_url, tmp_path)


@pytest.fixture
def town_on_any_database(database_url: str, tmp_path: Path) -> Iterator[Town]:
    """A town on SQLite, and again one on PostgreSQL."""
    yield from _town(database_url, tmp_path)


def _town(url: str, folder: Path) -> Iterator[Town]:
    town = Town(url, folder)
    try:
        yield town
        assert town.looks_around() == []
    finally:
        town.closes()
