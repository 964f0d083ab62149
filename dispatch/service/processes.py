"""Which process is which, and whether one has certainly ended: what a dead one held, nobody need wait for.

Decides from what the system says about processes (``/proc``). Where it says nothing, or another machine or
container is meant, no process is taken for dead: then a lease runs out instead.
"""

import os
from functools import cache
from pathlib import Path

_BOOT_CHARACTERS = 12


def name_of_this_process() -> str:
    """Which boot of which machine, within which namespace of process numbers, which process, and since when.

    A number is given again some day; with the time of its start the two are told apart.
    """
    return _name(os.getpid())


@cache
def _name(process: int) -> str:
    # Kept, because every claim bears it; by number, because a forked process is another one.
    return f"{_boot()}:{_namespace()}:{process}:{_started(str(process))}"


def has_ended(name: str, *, on_this_machine: bool) -> bool:
    """Whether the process called *name* has certainly ended; what follows the name says nothing about it.

    *on_this_machine* says that it can have run nowhere else: then one of another boot is gone as well.
    """
    boot, namespace, process, started, *_ = [*name.split(":"), "", "", "", ""]
    if not all((_boot(), _namespace(), boot, namespace, process, started)):
        return False
    if boot != _boot():
        return on_this_machine
    return namespace == _namespace() and _started(process) != started


def _boot() -> str:
    """The machine since it was last switched on; the same in all its containers. Empty when unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return ""
    return boot.replace("-", "")[:_BOOT_CHARACTERS].strip()


def _namespace() -> str:
    """Within which the numbers of processes mean the same: a container has its own. Empty when unknown."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _started(process: str) -> str:
    """When the process with this number began, in ticks since the boot. Empty when there is none."""
    try:
        stat = Path("/proc", process, "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The second field is the program's name in brackets, and may contain anything.
    return stat.rpartition(")")[2].split()[19]
