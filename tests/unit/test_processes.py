"""Whether a process has certainly ended, judged by its name alone."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from dispatch.service.processes import has_ended, name_of_this_process


@pytest.fixture
def mine() -> list[str]:
    """The parts of this process's own name."""
    return name_of_this_process().split(":")


@pytest.fixture
def another() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def name(*parts: str) -> str:
    return ":".join(parts)


@pytest.mark.parametrize("on_this_machine", [True, False])
def test_who_asks_has_not_ended(on_this_machine: bool) -> None:
    assert not has_ended(name_of_this_process(), on_this_machine=on_this_machine)
    assert not has_ended(f"{name_of_this_process()}:a token", on_this_machine=on_this_machine)


@pytest.mark.parametrize("on_this_machine", [True, False])
def test_a_process_that_was_killed_has(
    mine: list[str], another: "subprocess.Popen[bytes]", on_this_machine: bool
) -> None:
    boot, namespace, _, _ = mine
    with open(f"/proc/{another.pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123 - as proc(5) has it
        started = stat.read().rpartition(")")[2].split()[19]
    its_name = name(boot, namespace, str(another.pid), started)
    assert not has_ended(its_name, on_this_machine=on_this_machine)
    another.kill()
    another.wait()
    assert has_ended(its_name, on_this_machine=on_this_machine)


def test_a_number_that_was_given_again_is_another_process(mine: list[str]) -> None:
    boot, namespace, _, started = mine
    assert has_ended(name(boot, namespace, str(os.getpid()), f"{int(started) - 1}"), on_this_machine=False)


def test_nothing_is_known_of_the_processes_of_another_container(mine: list[str]) -> None:
    boot, _, _, _ = mine
    assert not has_ended(name(boot, "1", "4194304", "1"), on_this_machine=True)


def test_nor_of_those_of_another_machine(mine: list[str]) -> None:
    _, namespace, _, _ = mine
    assert not has_ended(name("0123456789ab", namespace, "4194304", "1"), on_this_machine=False)


def test_after_a_reboot_everything_of_before_has_ended(mine: list[str]) -> None:
    assert has_ended(name("0123456789ab", *mine[1:]), on_this_machine=True)


@pytest.mark.parametrize("unknown", range(4))
def test_a_name_that_says_too_little_is_of_no_dead_process(mine: list[str], unknown: int) -> None:
    parts = [*mine[:2], "4194304", "1"]
    assert has_ended(name(*parts), on_this_machine=True)
    assert not has_ended(name(*parts[:unknown]), on_this_machine=True)
    parts[unknown] = ""
    assert not has_ended(name(*parts), on_this_machine=True)
