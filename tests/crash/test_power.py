"""Cutting the power of the real server on SQLite: what a caller was answered is on the disk.

The database first, then, while it does not answer, the journal. Where no disk can be mounted, the same is
compared after a kill, and the run says at its end that the power could not be cut.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import pytest

from models.session import open_database
from models.unit_of_work import UnitOfWork
from tests.conftest import TRIED_LESS
from tests.crash import counting
from tests.crash.power import Disk, Folder, why_not
from tests.crash.siege import Siege, chance
from tests.databases import sqlite_url
from tests.fakes.stand_in import stand_in

CALLS = 60
KEPT_CALLS = 5
ROUNDS = 6
"""In so many cuts at the latest the careless program loses something; mostly in the first."""

CARELESS = ("-m", "tests.crash.careless_program")
CAREFUL = ("-m", "config.cli")

Cut = Callable[[tuple[str, ...]], "Aftermath"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What a power cut left."""

    answered: frozenset[str]
    in_database: frozenset[str]
    in_journal: frozenset[str]
    findings: tuple[str, ...]

    @property
    def lost(self) -> frozenset[str]:
        return self.answered - self.in_database - self.in_journal


@pytest.fixture
def cut(tmp_path: Path, migrated_sqlite_file: Path, record_property: Callable[[str, object], None]) -> Cut:
    reason = why_not(tmp_path / "probe")
    if reason is not None:
        record_property(TRIED_LESS, f"the power could not be cut, a kill took its place: {reason}")
    places = (tmp_path / str(number) for number in range(ROUNDS))

    def cut(program: tuple[str, ...]) -> Aftermath:
        place = next(places)
        with _mounted(Disk(place) if reason is None else Folder(place)) as disk:
            return _cut(disk, migrated_sqlite_file, program)

    return cut


@pytest.mark.slow
def test_what_was_answered_is_on_the_disk_when_the_power_fails(cut: Cut) -> None:
    aftermath = cut(CAREFUL)
    assert len(aftermath.answered) >= CALLS + KEPT_CALLS
    assert len(aftermath.in_journal) >= KEPT_CALLS
    assert aftermath.findings == ()
    assert aftermath.lost == frozenset()


@pytest.mark.slow
def test_a_program_without_care_for_the_disk_would_be_found_out(cut: Cut, tmp_path: Path) -> None:
    if why_not(tmp_path / "other") is not None:
        # The first test says so at the end of the run: a kill alone cannot tell the two programs apart.
        assert cut(CARELESS).lost == frozenset()
        return
    lost_rows = lost_lines = 0
    for _ in range(ROUNDS):
        aftermath = cut(CARELESS)
        lost_rows += len(aftermath.lost) > KEPT_CALLS
        lost_lines += len(aftermath.in_journal) < KEPT_CALLS
        if lost_rows and lost_lines:
            return
    raise AssertionError(f"{ROUNDS} cuts: lost rows in {lost_rows}, lines of the journal in {lost_lines}")


@contextmanager
def _mounted(disk: Disk | Folder) -> Iterator[Disk | Folder]:
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()


def _cut(disk: Disk | Folder, schema: Path, program: tuple[str, ...]) -> Aftermath:
    copyfile(schema, disk.folder / "siaga.db")
    with stand_in() as company:
        siege = Siege(sqlite_url(disk.folder), disk.folder, company, chance())
        try:
            disk.flushes()
            siege.served.start(program=program)
            calling = siege.crowd.begins_to_call(CALLS)
            company.waits_until("calls are answered", lambda: len(siege.crowd.acknowledged) >= CALLS)
            calling.result(60)
            with closing(sqlite3.connect(disk.folder / "siaga.db", isolation_level=None)) as other:
                # Somebody else holds the database: to the program it does not answer.
                other.execute("BEGIN IMMEDIATE")
                calling = siege.crowd.begins_to_call(KEPT_CALLS)
                calling.result(60)
                siege.served.freeze()
                disk.loses_power()
        finally:
            siege.closes()
    with disk.after() as folder:
        return _aftermath(folder, frozenset(siege.crowd.acknowledged), siege.facility.code)


def _aftermath(folder: Path, answered: frozenset[str], facility_id: str) -> Aftermath:
    uow = UnitOfWork(open_database(sqlite_url(folder), pool_size=2))
    try:
        known = counting.known_calls(uow)
        findings = tuple(counting.findings(uow, facility_id))
    finally:
        uow.engine.dispose()
    return Aftermath(
        answered=answered,
        in_database=frozenset(known),
        in_journal=frozenset(_journalled(folder / "var" / "journal")),
        findings=findings,
    )


def _journalled(folder: Path) -> Iterator[str]:
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="ascii", errors="replace").split("\n"):
            try:
                yield json.loads(line)["form"]["CallSid"]
            except (ValueError, KeyError, TypeError):
                # Empty, or cut short by the power: never answered as kept.
                continue
