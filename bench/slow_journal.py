"""What a slow disk costs those who wait for the journal: twenty threads keep a request each in one instant.

``strace`` holds up each flush, as in ``bench.slow_disk``. Prints the milliseconds until each was sure that
its request is on the disk, and how many flushes that took; the figures stand in docs/operations/disk.md.

Run it with: .venv/bin/python -m bench.slow_journal
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from telephony.journal import Journal

AT_ONCE = 20
ROUNDS = 10
DELAYS_MS = (0, 5, 20, 50)


def main() -> None:
    """Measure and print."""
    if shutil.which("strace") is None:
        sys.exit("strace is needed to hold the flushes up: apt-get install strace")
    for delay_ms in DELAYS_MS:
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            held = ("-e", f"inject=fsync:delay_enter={delay_ms * 1000}") if delay_ms else ()
            watched = ("strace", "-f", "--seccomp-bpf", "-qq", "-o", str(trace), "-e", "trace=fsync", *held)
            command = (*watched, sys.executable, "-m", "bench.slow_journal", folder)
            took = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            flushes = trace.read_text(encoding="utf-8").count("fsync(")
        print(f"+{delay_ms} ms: {took.strip()}; {flushes / ROUNDS:.1f} flushes a round", flush=True)


def keep_together(folder: Path) -> None:
    """Twenty at once, into a file that is there already and into a new one by turns."""
    journal, everybody = Journal(folder / "journal"), threading.Barrier(AT_ONCE)

    def keep(number: int) -> float:
        form = {"CallSid": f"CA{number}"}
        everybody.wait()
        began = time.perf_counter()
        journal.keep(kind="voice", path="/telephony/voice", form=form, at=datetime.now(UTC))
        return (time.perf_counter() - began) * 1000

    took_ms: list[float] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(ROUNDS):
            took_ms += pool.map(keep, range(AT_ONCE))
            if number % 2:
                journal.drain(lambda *_: None)
    print(f"median {statistics.median(took_ms):.0f} ms, longest {max(took_ms):.0f} ms")


if __name__ == "__main__":
    if sys.argv[1:]:
        keep_together(Path(sys.argv[1]))
    else:
        main()
