"""The daily backup: at its time, made up when it was missed, by one process, and loud when it fails."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from config.backing_up import read_manifest
from config.backup_job import BackupJob
from config.settings import load_settings
from dispatch.service import backup_pulse, invariants
from dispatch.service.invariants import BACKUP
from dispatch.service.watchdog import Watchdog
from models.traffic import Pulse
from tests.fakes.telephony import WAIT_S
from tests.service.conftest import MakeWorld
from tests.tidy.tree import ROOT
from tests.world import World, at_once

MakeJob = Callable[..., BackupJob]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Where the stand-in for the command writes a line for each time that it is run."""
    return tmp_path / "runs"


@pytest.fixture
def job(tmp_path: Path, runs: Path) -> MakeJob:
    """Makes jobs whose command is a line of shell; it finds the arguments in ``$@``."""

    def make(world: World, script: str = "true", *, at: str = "02:15", is_wanted: bool = True) -> BackupJob:
        environ = {"SIAGA_SECRET_KEY": "a key that is long enough", "SIAGA_BACKUP_AT": at}
        if is_wanted:
            environ["SIAGA_BACKUP_DIR"] = str(tmp_path / "backups")
        program = ("/bin/sh", "-c", f'echo "$@" >> "{runs}"; {script}', "sh")
        return BackupJob(world.services, load_settings(environ), program=program, glance_s=0.01)

    return make


def count(runs: Path) -> int:
    return len(runs.read_text(encoding="utf-8").splitlines()) if runs.exists() else 0


def pulse(world: World) -> Pulse:
    with world.uow.read() as session:
        row = session.get(Pulse, BACKUP)
    assert row is not None
    return row


def local(world: World, day: int, hour: int, minute: int) -> None:
    """Set the clock to an hour of the facility's day in November 2026."""
    world.hand.advance(
        (
            datetime(2026, 11, day, hour, minute, tzinfo=world.services.zone).astimezone(UTC)
            - world.hand.now()
        ).total_seconds()
    )


def made(world: World) -> None:
    """What the command itself leaves behind when all went well."""
    backup_pulse.good_backup(world.uow, file="KWK.db", now=world.hand.now())


def test_the_first_one_is_made_at_once(world: World, job: MakeJob, runs: Path, tmp_path: Path) -> None:
    job(world).run_if_due()
    assert runs.read_text(encoding="utf-8") == f"backup --dir={tmp_path}/backups --keep=14\n"


def test_then_one_a_day_at_its_hour_on_the_facilitys_clock(world: World, job: MakeJob, runs: Path) -> None:
    made(world)
    backups = job(world)
    local(world, 24, 2, 14)
    backups.run_if_due()
    assert count(runs) == 0
    local(world, 24, 2, 15)
    backups.run_if_due()
    assert count(runs) == 1
    made(world)
    local(world, 25, 2, 14)
    backups.run_if_due()
    assert count(runs) == 1


def test_one_that_was_missed_is_made_up_at_the_next_start(world: World, job: MakeJob, runs: Path) -> None:
    made(world)
    local(world, 24, 9, 30)
    job(world.restarted()).run_if_due()
    assert count(runs) == 1


def test_a_failure_is_tried_again_after_an_hour_and_said(
    make_world: MakeWorld, job: MakeJob, runs: Path
) -> None:
    world = make_world()
    made(world)
    local(world, 24, 2, 15)
    backups = job(world, "echo 'first line'; echo 'the disk is full' >&2; exit 1")
    backups.run_if_due()
    report = Watchdog(world.services).round()
    assert report is not None
    assert [(f.check, f.detail) for f in report.findings] == [(invariants.BACKUP_MISSING, "the disk is full")]
    world.hand.advance(3599)
    backups.run_if_due()
    assert count(runs) == 1
    world.hand.advance(1)
    backups.run_if_due()
    assert count(runs) == 2
    made(world)
    report = Watchdog(world.services).round()
    assert report is not None
    assert report.findings == ()


def test_of_several_processes_one_makes_it(world: World, job: MakeJob, runs: Path) -> None:
    here, there = job(world), job(world.restarted())
    at_once(here.run_if_due, there.run_if_due)
    assert count(runs) == 1


def test_one_that_takes_hours_is_made_once(world: World, job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """A million incidents are checked for longer than a failed try rests."""
    never = tmp_path / "never"
    os.mkfifo(never)
    backups, other = job(world, f'exec cat "{never}"'), job(world.restarted())
    said = threading.Event()

    event.listen(world.uow.engine, "commit", lambda *_: said.set())
    running = threading.Thread(target=backups.run_if_due)
    running.start()
    assert said.wait(WAIT_S), "it says that it begins"
    try:
        for _ in range(40):
            said.clear()
            world.hand.advance(120)
            assert said.wait(WAIT_S), "it says that it is still at work"
            other.run_if_due()
    finally:
        backups.stop()
        running.join(WAIT_S)
    assert not running.is_alive()
    assert count(runs) == 1


def test_one_whose_process_was_killed_is_made_by_another_within_minutes(
    world: World, job: MakeJob, runs: Path
) -> None:
    due_at = job(world).due_at(world.hand.now())
    assert backup_pulse.take_if_due(world.uow, since_at=due_at, now=world.hand.now())
    other = job(world.restarted())
    world.hand.advance(backup_pulse.GONE_AFTER.total_seconds() - 1)
    other.run_if_due()
    assert count(runs) == 0
    world.hand.advance(1)
    other.run_if_due()
    assert count(runs) == 1


def test_nothing_is_wanted_where_no_folder_is_set(world: World, job: MakeJob, runs: Path) -> None:
    job(world).run_if_due()
    assert pulse(world).details["is_wanted"] is True
    job(world, is_wanted=False).run_if_due()
    assert pulse(world).details["is_wanted"] is False
    assert count(runs) == 1


def test_a_stop_ends_one_that_is_under_way_and_the_next_start_makes_it(
    world: World, job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    never = tmp_path / "never"
    os.mkfifo(never)
    backups = job(world, f'exec cat "{never}"')
    running = threading.Thread(target=backups.run_if_due)
    running.start()
    backups.stop()
    running.join(WAIT_S)
    assert not running.is_alive()
    assert "failed" not in pulse(world).details
    before = count(runs)
    job(world).run_if_due()
    assert count(runs) == before + 1


def test_a_clock_that_was_set_back_makes_one_rather_than_none(world: World, job: MakeJob, runs: Path) -> None:
    backups = job(world)
    backups.run_if_due()
    world.hand.advance(-30 * 86400)
    backups.run_if_due()
    assert count(runs) == 2


def test_the_real_command_makes_it(
    make_world: MakeWorld, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    world.resident().rings()
    folder = tmp_path / "backups"
    environ = {
        "SIAGA_SECRET_KEY": "a key that is long enough",
        "SIAGA_DATABASE_URL": database_url,
        "SIAGA_BACKUP_DIR": str(folder),
    }
    for name, value in {**environ, "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)
    BackupJob(world.services, load_settings(environ)).run_if_due()

    assert "failed" not in pulse(world).details
    [file] = [path for path in folder.iterdir() if path.suffix != ".json"]
    assert pulse(world).details["file"] == file.name
    manifest = read_manifest(file)
    assert manifest is not None
    assert (manifest.standing.incidents, manifest.checked) == (1, "chain")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert timedelta() <= datetime.now(UTC) - pulse(world).at < timedelta(minutes=5)
