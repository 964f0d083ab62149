"""Cutting the power of PostgreSQL under the real server: what a caller was answered is on the disk.

The database server stands on a disk of its own, and is frozen with the program in the middle of calls. Where
no disk can be mounted the same is compared after a kill, and the run says so at its end.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from models.session import open_database
from models.unit_of_work import UnitOfWork
from tests.conftest import TRIED_LESS
from tests.crash import counting
from tests.crash.power import Disk, Folder, why_not
from tests.crash.siege import Siege, chance
from tests.fakes.stand_in import stand_in
from tests.postgresql import SERVER_SETTINGS, own_server

SIZE = 256 << 20
CALLS = 60
ROUNDS = 4
"""In so many cuts at the latest the careless server loses something."""

AS_SHIPPED: Mapping[str, str] = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
CARELESS: Mapping[str, str] = {**AS_SHIPPED, "synchronous_commit": "off", "wal_writer_delay": "10s"}

Cut = Callable[[Mapping[str, str]], list[str]]
"""Cuts the power of a server with such settings; returns everything that is not as it should be."""


@pytest.fixture
def cut(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Cut]:
    reason = why_not(tmp_path / "probe")
    if reason is not None:
        record_property(TRIED_LESS, f"the power could not be cut, a kill took its place: {reason}")
    # Not in pytest's own folder: PostgreSQL runs as somebody who may not enter it.
    place = Path(tempfile.mkdtemp(prefix="siaga-power-", dir="/tmp"))
    place.chmod(0o755)
    numbers = iter(range(ROUNDS))

    def cut(settings: Mapping[str, str]) -> list[str]:
        below = place / str(next(numbers))
        disk = Disk(below, SIZE) if reason is None else Folder(below)
        disk.mount()
        try:
            return _cut(disk, tmp_path, {**SERVER_SETTINGS, **settings})
        finally:
            disk.unmount()

    try:
        yield cut
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
def test_what_was_answered_is_on_postgresqls_disk_when_the_power_fails(cut: Cut) -> None:
    assert cut(AS_SHIPPED) == []


@pytest.mark.slow
def test_a_server_without_care_for_its_disk_would_be_found_out(cut: Cut, tmp_path: Path) -> None:
    if why_not(tmp_path / "other") is not None:
        # A kill alone cannot tell the two apart; that is said at the end of the run.
        assert cut(CARELESS) == []
        return
    assert any(cut(CARELESS) for _ in range(ROUNDS)), (
        f"{ROUNDS} cuts took nothing from synchronous_commit=off"
    )


def _cut(disk: Disk | Folder, folder: Path, settings: Mapping[str, str]) -> list[str]:
    data = disk.folder / "data"
    data.mkdir(mode=0o700)
    with own_server(data, settings) as server, stand_in() as company:
        siege = Siege(server.migrated(), folder, company, chance())
        disk.flushes()
        try:
            siege.served.start()
            calling = siege.crowd.begins_to_call(2 * CALLS)
            company.waits_until("calls are answered", lambda: len(siege.crowd.acknowledged) >= CALLS)
            siege.served.freeze()
            processes = server.freeze()
            disk.loses_power()
            siege.served.kill()
            for process in reversed(processes):
                os.kill(process, signal.SIGKILL)
            siege.crowd.finds_it_down()
            calling.result(60)
        finally:
            siege.closes()
    with disk.after() as after:
        (after / "data" / "postmaster.pid").unlink(missing_ok=True)
        with own_server(after / "data", settings) as server:
            uow = UnitOfWork(open_database(server.migrated(), pool_size=2))
            lost = counting.lost_calls(uow, siege.crowd.acknowledged)
            findings = list(counting.findings(uow, siege.facility.code))
            uow.engine.dispose()
    return lost + findings
