"""An address that names two PostgreSQL servers, of which the first is gone: everything finds the second."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from config.backing_up import back_up
from config.doctor import Check, State, examine
from config.facility import load_facility
from config.policy import load_policy
from config.settings import load_settings
from models.session import open_database
from models.signals import Listener, Notifier
from tests.builders import START
from tests.fakes.telephony import WAIT_S
from tests.postgresql_pair import primary_and_standby
from tests.service.test_signals import Ears
from tests.world import FACILITY, World

GONE = "127.0.0.1:9"


@pytest.fixture
def two_servers(postgresql_database_url: str) -> str:
    """The address; nobody listens at the first of the two."""
    real = make_url(postgresql_database_url)
    there = str(real.query.get("host") or f"{real.host}:{real.port or 5432}")
    both = {**real.query, "host": (GONE, there), "target_session_attrs": "read-write"}
    url = URL.create(
        real.drivername, username=real.username, password=real.password, database=real.database, query=both
    )
    return url.render_as_string(hide_password=False)


@pytest.fixture
def world(two_servers: str) -> Iterator[World]:
    world = World(two_servers)
    yield world
    world.close()


def test_a_call_is_taken_and_answered(world: World) -> None:
    world.resident().rings()
    world.works()
    assert world.provider.rung
    assert world.findings() == []


def test_processes_hear_each_other(two_servers: str) -> None:
    ears, database = Ears(), open_database(two_servers)
    listener, notifier = Listener(database, ears.woken), Notifier(database)
    listener.start()
    assert ears.hears(WAIT_S), "it looks once when it has begun to listen"
    notifier.start()
    notifier.notify()
    assert ears.hears(WAIT_S)
    notifier.stop()
    listener.stop()
    database.dispose()


def database_as_examined(url: str, folder: Path) -> Check:
    settings = load_settings(
        {
            "SIAGA_DATABASE_URL": url,
            "SIAGA_DATA_DIR": str(folder),
            "SIAGA_SECRET_KEY": "a key that is long enough",
        }
    )
    found = examine(settings=settings, facility=load_facility(), policy=load_policy(), now=START)
    return next(check for check in found if check.subject == "database")


def test_the_doctor_finds_it(two_servers: str, tmp_path: Path) -> None:
    assert database_as_examined(two_servers, tmp_path).state is State.OK


def test_a_backup_is_made_and_checked(world: World, two_servers: str, tmp_path: Path) -> None:
    world.resident().rings()
    made = back_up(two_servers, FACILITY, tmp_path / "copy.dump", now=START)
    assert made.manifest.standing.incidents == 1


def test_the_doctor_knows_a_server_that_only_follows(tmp_path: Path) -> None:
    with primary_and_standby() as pair:
        url = pair.standby.url.render_as_string(hide_password=False)
        assert database_as_examined(url, tmp_path).state is State.WRONG
        assert database_as_examined(pair.url, tmp_path).state is State.OK
