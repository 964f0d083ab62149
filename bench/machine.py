"""What the figures were measured on; they mean little without it."""

import os
import platform
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import percentile

_SYNCS = 50


def details(folder: Path) -> Iterator[str]:
    """One line for each thing that matters; the disk is that of *folder*."""
    yield f"CPU: {_cpu()}, {os.cpu_count()} cores; memory {_memory_gib():.1f} GiB"
    yield f"kernel: {platform.release()}; SQLite {sqlite3.sqlite_version}"
    yield f"Python {platform.python_version()} of {sys.base_prefix}"
    syncs = _fsync_ms(folder)
    yield f"fsync of 4 KiB: median {percentile(syncs, 0.5):.2f} ms, p99 {percentile(syncs, 0.99):.2f} ms"
    yield f"load average at the start: {' '.join(f'{load:.2f}' for load in os.getloadavg())}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _fsync_ms(folder: Path) -> list[float]:
    file = folder / "fsync"
    taken: list[float] = []
    with file.open("wb", buffering=0) as opened:
        for _ in range(_SYNCS):
            begun_at = time.perf_counter()
            opened.write(b"x" * 4096)
            os.fsync(opened.fileno())
            taken.append((time.perf_counter() - begun_at) * 1000)
    file.unlink()
    return taken
