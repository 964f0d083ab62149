"""Whole days full of faults: whatever the seed, in the end every promise is kept.

A failing seed prints the command that lives through the same day again.
"""

from pathlib import Path

import pytest

from tests.simulation.day import SimulationFailedError, simulate

SEEDS = range(100, 200)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_full_of_faults_keeps_every_promise(
    seed: int, tmp_path: Path, migrated_sqlite_file: Path
) -> None:
    report = simulate(seed, folder=tmp_path, template=migrated_sqlite_file)
    assert report.incidents


def test_two_days_in_a_row_on_one_database(tmp_path: Path, migrated_sqlite_file: Path) -> None:
    one = simulate(1, folder=tmp_path / "one", template=migrated_sqlite_file)
    two = simulate(1, folder=tmp_path / "two", template=migrated_sqlite_file, days=2)
    assert two.incidents > one.incidents


def test_a_seed_gives_the_same_day_again(tmp_path: Path, migrated_sqlite_file: Path) -> None:
    first, second = (
        simulate(2, folder=tmp_path / name, template=migrated_sqlite_file) for name in ("a", "b")
    )
    assert first.faults["crash"]
    assert second.trace == first.trace
    assert second.heads == first.heads


def test_another_seed_gives_another_day(tmp_path: Path, migrated_sqlite_file: Path) -> None:
    first, other = (
        simulate(seed, folder=tmp_path / str(seed), template=migrated_sqlite_file) for seed in (3, 4)
    )
    assert other.trace != first.trace


def test_a_failure_says_how_to_see_it_again(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(SimulationFailedError, match="repeat with: make simulate SEED=77 DAYS=1"):
        simulate(77, folder=tmp_path / "day", template=empty)
