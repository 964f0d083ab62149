"""Many keep a request each in one instant, and say so: ``python -m tests.crash.keeping_program FOLDER``.

The real journal in a process of its own, so that what it asks of the system can be watched from outside
(``strace``), refused, and limited: a second argument is how large a file may become, in bytes. Each line of
the answer is one system call: ``kept 3`` or ``not kept 3``.
"""

import os
import resource
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from telephony.journal import Journal

AT_ONCE = 20


def main(folder: Path) -> None:
    journal, everybody = Journal(folder), threading.Barrier(AT_ONCE)

    def keep(number: int) -> None:
        everybody.wait()
        try:
            journal.keep(
                kind="voice",
                path="/telephony/voice",
                form={"CallSid": f"CA{number}"},
                at=datetime(2026, 11, 23, 3, tzinfo=UTC),
            )
        except OSError:
            os.write(1, b"not kept %d\n" % number)
        else:
            os.write(1, b"kept %d\n" % number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(keep, range(AT_ONCE)))


if __name__ == "__main__":
    if sys.argv[2:]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    main(Path(sys.argv[1]))
