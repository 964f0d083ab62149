"""A stop ends within its time, whatever a database or a disk holds; nothing that was answered is lost."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.impatient_program import STOPS_WITHIN_S
from tests.crash.siege import Siege, chance
from tests.fakes.stand_in import StandIn, stand_in
from tests.postgresql import own_server

PROGRAM = ("-m", "tests.crash.impatient_program")
ENDS_WITHIN_S = 10.0 + STOPS_WITHIN_S + 5.0
"""Ten seconds for requests under way, the time for the stop, and something for a slow machine."""

KEPT = 5


@pytest.fixture
def company() -> Iterator[StandIn]:
    with stand_in() as company:
        yield company


def calls_until(siege: Siege, answered: int) -> None:
    siege.crowd.begins_to_call(answered).result(60)
    assert len(siege.crowd.acknowledged) >= answered


def ends_by_itself(siege: Siege, number: signal.Signals) -> None:
    os.kill(siege.served.pid, number)
    assert siege.served.has_ended_within(ENDS_WITHIN_S), "the stop did not end"
    siege.crowd.finds_it_down()


@pytest.mark.slow
def test_a_frozen_database_does_not_hold_up_a_stop(tmp_path: Path, company: StandIn) -> None:
    with own_server() as server:
        siege = Siege(server.migrated(), tmp_path, company, chance())
        try:
            siege.served.start(program=PROGRAM)
            calls_until(siege, 10)
            with server.frozen():
                calls_until(siege, 10 + KEPT)
                ends_by_itself(siege, signal.SIGTERM)
            siege.notes_kill()
            siege.goes_quiet()
            assert {promise: found for promise, found in siege.broken_promises().items() if found} == {}
        finally:
            siege.closes()


@pytest.mark.slow
def test_an_engine_alone_stops_as_well(tmp_path: Path, company: StandIn) -> None:
    with own_server() as server:
        siege = Siege(server.migrated(), tmp_path, company, chance())
        try:
            siege.served.start("--no-engine")
            calls_until(siege, 1)
            command = [sys.executable, *PROGRAM, "engine"]
            log = (tmp_path / "engine.log").open("ab")
            with log, subprocess.Popen(command, cwd=tmp_path, env=siege.served.environ, stderr=log) as engine:
                company.waits_until("the engine is at work", lambda: bool(company.calls))
                with server.frozen():
                    engine.terminate()
                    engine.wait(ENDS_WITHIN_S)
        finally:
            siege.closes()


@pytest.mark.slow
def test_a_disk_that_hangs_does_not_hold_up_a_stop(
    sqlite_database_url: str, tmp_path: Path, company: StandIn
) -> None:
    """A pipe that nobody reads stands in for it: whoever opens it to write waits for ever."""
    siege = Siege(sqlite_database_url, tmp_path, company, chance())
    journal = tmp_path / "var" / "journal"
    try:
        siege.served.start(program=PROGRAM)
        calls_until(siege, 1)
        file = siege.uow.engine.url.database
        with closing(sqlite3.connect(str(file), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            journal.mkdir()
            os.mkfifo(journal / "requests.jsonl")
            siege.crowd.begins_to_call(KEPT).result(60)
            # By Ctrl-C: the server lets Python end by itself then, which waits for every thread.
            ends_by_itself(siege, signal.SIGINT)
    finally:
        siege.closes()
    assert f"Timeout (0:00:0{STOPS_WITHIN_S:.0f})!" in siege.served.log_lines()
