"""The migrations make the tables that the program knows, and take back what they made."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from models.migrating import HEAD, downgrade, known, revision_of, upgrade
from models.session import open_database
from models.tables import Base
from models.triggers import SEALS


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, pool_size=1)
    yield engine
    engine.dispose()


def test_the_last_migration_is_the_one_that_the_program_needs() -> None:
    assert max(known()) == HEAD


def test_the_migrated_schema_is_the_one_of_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_seals_come_and_go_and_the_rest_stays(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO facility VALUES ('KWK', 'Puskesmas', 'Asia/Jayapura', '2026-01-01 00:00:00')")
        )
    engine.dispose()
    downgrade(database_url, "0002")
    assert set(SEALS).isdisjoint(inspect(engine).get_table_names())
    engine.dispose()
    upgrade(database_url)
    with engine.connect() as connection:
        assert revision_of(connection) == HEAD
        assert set(SEALS) <= set(inspect(connection).get_table_names())
        assert connection.execute(text("SELECT id FROM facility")).scalars().all() == ["KWK"]
    engine.dispose()
    downgrade(database_url)
    assert inspect(engine).get_table_names() in ([], ["alembic_version"])
