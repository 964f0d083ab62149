"""The databases that tests are given: fresh, migrated, real, and each test's own."""

import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from models.migrating import HEAD, current
from tests.databases import PostgresDatabases
from tests.postgresql import running_server


def marks(url: str) -> list[str]:
    """The marks that earlier tests left in the database at ``url``; leaves one."""
    engine = create_engine(url)
    with engine.begin() as connection:
        tables = inspect(connection).get_table_names()
        connection.execute(text("CREATE TABLE mark (id integer)"))
    engine.dispose()
    return [name for name in tables if name == "mark"]


A_LINE_OF_THE_AUDIT_TRAIL = (
    "SET session_replication_role = replica; "
    "INSERT INTO audit (id, facility_id, at, actor, action, subject, data) "
    "VALUES ('1', 'KWK', now(), 'user:a', 'login', 'a', '{}')"
)


def changes(url: str, statement: str) -> None:
    """Run *statement* in the database at *url*."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement))


def rows_of(url: str, table: str) -> int:
    """How many rows *table* has in the database at *url*."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_a_database_is_migrated(database_url: str) -> None:
    assert current(database_url) == HEAD


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_database_belongs_to_one_test(database_url: str, time: str) -> None:
    assert marks(database_url) == []


def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_a_database_is_dropped_though_somebody_is_connected(postgres_databases: PostgresDatabases) -> None:
    with postgres_databases.database(migrated=False) as url:
        engine = create_engine(url)
        connection = engine.connect()
        connection.execute(text("SELECT 1"))
    connection.invalidate()
    connection.close()
    engine.dispose()


def test_a_database_is_emptied_for_the_next_test_past_its_triggers(
    postgres_databases: PostgresDatabases,
) -> None:
    with postgres_databases.database(migrated=True) as url:
        changes(url, A_LINE_OF_THE_AUDIT_TRAIL)
    with postgres_databases.database(migrated=True) as next_url:
        assert rows_of(next_url, "audit") == 0
        assert current(next_url) == HEAD
    assert next_url != url


@pytest.mark.parametrize(
    "altering",
    [
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "ALTER TABLE audit ADD COLUMN more integer",
        "CREATE TABLE mark (id integer)",
        "DROP INDEX ix_audit_at",
        "UPDATE alembic_version SET version_num = '0001'",
        "DROP TABLE alembic_version",
    ],
)
def test_a_database_that_a_test_altered_is_not_given_to_the_next(
    postgres_databases: PostgresDatabases, altering: str
) -> None:
    with postgres_databases.database(migrated=True) as url:
        changes(url, altering)
    with postgres_databases.database(migrated=True) as url, closing(create_engine(url).connect()) as db:
        assert current(url) == HEAD
        assert "mark" not in inspect(db).get_table_names()
        assert "more" not in {column["name"] for column in inspect(db).get_columns("audit")}
        assert {index["name"] for index in inspect(db).get_indexes("audit")} == {"ix_audit_at"}
        assert set(db.scalars(text("SELECT tgenabled FROM pg_trigger"))) == {"O"}
        db.invalidate()


def test_who_still_writes_for_the_last_test_does_not_find_the_next_ones_database(
    postgres_databases: PostgresDatabases,
) -> None:
    with postgres_databases.database(migrated=True) as url:
        pass
    with postgres_databases.database(migrated=True), pytest.raises(OperationalError, match="does not exist"):
        changes(url, A_LINE_OF_THE_AUDIT_TRAIL)


def test_the_server_leaves_nothing_behind() -> None:
    with running_server() as url:
        folder = Path(str(url.query["host"]))
        assert folder.is_dir()
    assert not folder.exists()


def test_the_server_does_not_outlive_a_killed_process() -> None:
    script = (
        "import os, signal\n"
        "from tests.postgresql import running_server\n"
        "with running_server() as url:\n"
        "    print(url.query['host'], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    folder = Path(killed.stdout.strip())
    pid_file = folder / "data" / "postmaster.pid"
    assert killed.returncode == -signal.SIGKILL
    if pid_file.exists():
        server = os.pidfd_open(int(pid_file.read_text(encoding="ascii").splitlines()[0]))
        ended, _, _ = select.select([server], [], [], 10)
        os.close(server)
        assert ended
    shutil.rmtree(folder)
