"""The databases that tests are given: fresh, migrated, real, and each test's own."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

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
