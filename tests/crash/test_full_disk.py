"""A full disk under the real server on SQLite: callers get a person, the log is loud, and it heals by itself.

Database and journal stand on one disk, which somebody fills. Where no disk can be mounted, an open
transaction and a file in the journal's place stand in for it, and the run says so at its end.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile

import pytest

from telephony.webhooks import ANSWER_WITHIN_S
from tests.conftest import TRIED_LESS
from tests.crash.power import Disk, why_not
from tests.crash.siege import Siege, chance
from tests.databases import sqlite_url
from tests.fakes.stand_in import Answer, stand_in

AT_MOST = 400
"""Calls until the room that SQLite had kept for itself is used up as well."""

TURNED_AWAY = 4
MAY_TAKE_S = ANSWER_WITHIN_S + 3.5
"""A slow machine is forgiven; the provider waits 15 s."""


class Stuck:
    """What a full disk is to the program, where no disk can be made: nothing can be written any more."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._stack = ExitStack()

    def fills(self) -> None:
        other = sqlite3.connect(self.folder / "siaga.db", isolation_level=None)
        self._stack.callback(other.close)
        other.execute("BEGIN IMMEDIATE")
        journal = self.folder / "var" / "journal"
        journal.parent.mkdir(exist_ok=True)
        journal.write_text("in the way")
        self._stack.callback(journal.unlink)

    def frees(self) -> None:
        self._stack.close()

    def unmount(self) -> None:
        self._stack.close()


@pytest.fixture
def disk(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Disk | Stuck]:
    reason = why_not(tmp_path / "probe")
    disk: Disk | Stuck
    if reason is None:
        disk = Disk(tmp_path / "disk")
        disk.mount()
    else:
        record_property(TRIED_LESS, f"no disk was filled, writing was blocked in other ways: {reason}")
        disk = Stuck(tmp_path / "stuck")
    try:
        yield disk
    finally:
        disk.unmount()


@pytest.fixture
def siege(disk: Disk | Stuck, tmp_path: Path, migrated_sqlite_file: Path) -> Iterator[Siege]:
    copyfile(migrated_sqlite_file, disk.folder / "siaga.db")
    with stand_in() as company:
        data_dir = disk.folder / "var"
        siege = Siege(sqlite_url(disk.folder), tmp_path, company, chance(), data_dir=data_dir)
        try:
            yield siege
        finally:
            siege.closes()


@pytest.mark.slow
def test_a_full_disk_leaves_every_caller_a_person_and_heals_by_itself(
    siege: Siege, disk: Disk | Stuck, tmp_path: Path
) -> None:
    siege.served.start()
    siege.crowd.begins_to_call().result(60)

    disk.fills()
    answers = list(calls_until_turned_away(siege))
    assert {answer.status for answer in answers} == {200}
    assert max(answer.took_s for answer in answers) < MAY_TAKE_S
    assert all("<Gather" in answer.body or "<Number>" in answer.body for answer in answers)
    lines = [json.loads(line) for line in (tmp_path / "siaga.log").read_text(encoding="utf-8").splitlines()]
    assert "webhook.not_kept" in {line["event"] for line in lines if line["level"] in ("error", "critical")}

    # What went out and could not be written down is in doubt, as after a kill: two calls beat none.
    siege.notes_kill()
    disk.frees()
    siege.company.waits_until("a call is taken as ever", lambda: "<Gather" in rings(siege).body)
    siege.settles()
    assert {promise: found for promise, found in siege.broken_promises().items() if found} == {}


def calls_until_turned_away(siege: Siege) -> Iterator[Answer]:
    """Calls from ever new phones, until some of them had to be connected to the duty phones."""
    turned_away = 0
    for _ in range(AT_MOST):
        answer = rings(siege)
        turned_away += "<Gather" not in answer.body
        yield answer
        if turned_away == TURNED_AWAY:
            return
    raise AssertionError("the disk did not become full")


def rings(siege: Siege) -> Answer:
    """One call; it counts as taken when the caller hears the menu, and not when other phones ring instead."""
    leg = siege.company.new_call(f"+62811980{siege.chance.randrange(100_000):05d}")
    answer = siege.company.post(f"{siege.served.url}/telephony/voice", siege.company.form_of(leg))
    if "<Gather" in answer.body:
        siege.crowd.acknowledged[leg.sid] = leg.from_number
    return answer
