"""Several real processes on one database: any of them is killed, and nothing changes but the lag."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.postgresql import own_server
from tests.postgresql_pair import primary_and_standby
from tests.processes.fleet import Fleet, fleet_on

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CALLER = "+6281199880001"


@pytest.fixture
def on_postgresql(postgresql_database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    with fleet_on(postgresql_database_url, tmp_path) as fleet:
        yield fleet


@pytest.fixture
def on_sqlite(sqlite_database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    with fleet_on(sqlite_database_url, tmp_path) as fleet:
        yield fleet


def test_two_web_processes_and_two_engines_lose_one_of_each(on_postgresql: Fleet) -> None:
    fleet, company = on_postgresql, on_postgresql.company
    fleet.serves("--workers", "2", "--no-engine")
    first, _ = fleet.adds_engine(), fleet.adds_engine()
    calling = fleet.siege.crowd.begins_to_call(20)
    company.waits_until("the first alerts have left", lambda: company.requests >= 4)
    fleet.loses(first.pid)
    company.waits_until("the other engine goes on", lambda: company.requests >= 10)
    killed, other = fleet.web_processes()
    fleet.loses(killed)
    calling.result(60)
    # Until its supervisor looks at it, a dead process is still among the children.
    company.waits_until(
        "a web process takes its place",
        lambda: len(now := fleet.web_processes()) == 2 and killed not in now,
    )
    assert other in fleet.web_processes()
    assert fleet.settles() == {}


def test_on_sqlite_a_standby_takes_over_from_a_killed_engine(on_sqlite: Fleet) -> None:
    fleet, company = on_sqlite, on_sqlite.company
    fleet.serves("--workers", "2", "--no-engine")
    first = fleet.adds_engine()
    company.waits_until("the engine is at work", first.is_at_work)
    standby = fleet.adds_engine()
    fleet.one_call(CALLER)
    company.waits_until("somebody is rung", lambda: fleet.was_alerted(CALLER))
    assert fleet.lease_holder() == first.pid
    fleet.loses(first.pid)
    fleet.one_call("+6281199880002")
    company.waits_until("the standby rings people", lambda: fleet.was_alerted("+6281199880002"))
    assert fleet.lease_holder() == standby.pid
    assert fleet.settles() == {}


def test_on_sqlite_one_of_three_web_processes_has_the_engine(on_sqlite: Fleet) -> None:
    fleet, company = on_sqlite, on_sqlite.company
    fleet.serves("--workers", "3")
    company.waits_until("an engine is at work", lambda: fleet.lease_holder() is not None)
    holder = fleet.lease_holder()
    assert holder in fleet.web_processes()
    fleet.loses(holder)
    company.waits_until("another one is", lambda: fleet.lease_holder() not in (None, holder))
    fleet.one_call(CALLER)
    company.waits_until("somebody is rung", lambda: fleet.was_alerted(CALLER))
    assert fleet.lease_holder() in fleet.web_processes()
    assert fleet.settles() == {}


def test_a_web_process_that_cannot_be_replaced_yet_stops_no_other(on_sqlite: Fleet) -> None:
    """Somebody edits a file while a process dies: the other one works on, and it comes back when it can."""
    fleet, company = on_sqlite, on_sqlite.company
    fleet.serves("--workers", "2", "--no-engine")
    company.waits_until("both are there", lambda: fleet.said("Application startup complete.") == 2)
    whole = fleet.policy_file.read_text(encoding="utf-8")
    fleet.policy_file.write_text(whole + "[half a line", encoding="utf-8")
    first, other = fleet.web_processes()
    fleet.loses(first)
    company.waits_until("it is said", lambda: fleet.said("serving.not_replaced") == 1)
    assert fleet.web_processes() == [other]
    assert "<Response" in fleet.one_call(CALLER)
    fleet.policy_file.write_text(whole, encoding="utf-8")
    company.waits_until("there are two again", lambda: len(fleet.web_processes()) == 2)
    assert other in fleet.web_processes()
    fleet.adds_engine()
    assert fleet.settles() == {}


def test_a_killed_supervisor_takes_its_web_processes_along(on_postgresql: Fleet) -> None:
    fleet = on_postgresql
    fleet.serves("--workers", "2", "--no-engine")
    orphans = fleet.web_processes()
    fleet.loses(fleet.siege.served.pid)
    fleet.company.waits_until(
        "they end", lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in orphans)
    )


def test_a_postgresql_that_restarts_is_met_by_going_on(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    folder.mkdir()
    with own_server() as database, fleet_on(database.migrated(), folder) as fleet:
        company = fleet.company
        fleet.serves("--workers", "2", "--no-engine")
        fleet.adds_engine()
        fleet.one_call(CALLER)
        company.waits_until("somebody is rung", lambda: fleet.was_alerted(CALLER))
        database.stop()
        answers = [fleet.one_call(f"+62811998810{n:02}") for n in range(6)]
        assert all("<Dial" in answer for answer in answers), "they are connected to the duty phones"
        company.waits_until("the engine has noticed", lambda: "engine.database_away" in fleet.events())
        database.start()
        for n in range(6):
            number = f"+62811998810{n:02}"
            company.waits_until(f"{number} is alerted for", partial(fleet.was_alerted, number))
        fleet.one_call("+6281199880009")
        company.waits_until("all is as before", lambda: fleet.was_alerted("+6281199880009"))
        assert fleet.settles() == {}
        said = [event for event in fleet.events() if event.startswith("engine.")]
        assert said == ["engine.database_away"], "once, and no traceback"


def test_a_postgresql_whose_standby_takes_over_is_met_by_going_on(tmp_path: Path) -> None:
    """The first server is killed in the middle of calls; what was answered is there on the second."""
    folder = tmp_path / "house"
    folder.mkdir()
    with primary_and_standby() as databases, fleet_on(databases.url, folder) as fleet:
        company, acknowledged = fleet.company, fleet.siege.crowd.acknowledged
        fleet.serves("--workers", "2", "--no-engine")
        fleet.adds_engine()
        fleet.one_call(CALLER)
        company.waits_until("the engine is at work", lambda: fleet.was_alerted(CALLER))
        calling = fleet.siege.crowd.begins_to_call(40)
        company.waits_until("calls are answered", lambda: len(acknowledged) >= 8)
        databases.primary.kill()
        calling.result(60)
        meanwhile = [f"+62811998820{n:02}" for n in range(6)]
        assert all("<Dial" in fleet.one_call(number) for number in meanwhile), "to the duty phones"
        company.waits_until("the engine has noticed", lambda: "engine.database_away" in fleet.events())
        databases.promote()
        for number in meanwhile:
            company.waits_until(f"{number} is alerted for", partial(fleet.was_alerted, number))
        fleet.one_call("+6281199880009")
        company.waits_until("all is as before", lambda: fleet.was_alerted("+6281199880009"))
        assert fleet.settles() == {}
        said = [event for event in fleet.events() if event.startswith("engine.")]
        assert said == ["engine.database_away"], "once, and no traceback"
