"""How a process ends that cannot end in order: its engine hangs while all else is well, or its stop hangs.

Decides whether ending helps: a loop that waits for a database or a disk would hang again, and meanwhile
nobody would connect the callers. Everything that matters is in rows and in the journal before anybody is told
of it, so nothing is lost by ending at once.
"""

import faulthandler
import os
import sys
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models import migrating
from telephony.kept_files import replace_file

log = structlog.get_logger(__name__)

STATUS = 70
"""An internal error, by the convention of sysexits."""

PROBE = "loop-probe"

STOPS_WITHIN_S = 15.0
"""For sends and commits under way, after the requests have ended; systemd's patience is longer (30 s)."""


def end_if_stop_hangs() -> None:
    """A stop begins: if this process is still there after ``STOPS_WITHIN_S``, it ends, with status 1.

    Threads that a frozen database or a dead disk holds would otherwise keep it for ever; where each of them
    stands is said on standard error. Counted by a thread that needs nothing of Python, to the last instant.
    """
    faulthandler.dump_traceback_later(STOPS_WITHIN_S, exit=True)


def end_if_only_the_loop_hangs(database: Engine, folder: Path) -> None:
    """End this process, unless the database or the disk of *folder* does not answer either.

    One that hangs hangs this look as well, which is as good as an answer.
    """
    try:
        with database.connect() as connection:
            migrating.revision_of(connection)
        replace_file(folder / PROBE, "")
        (folder / PROBE).unlink()
    except (SQLAlchemyError, OSError) as error:
        log.critical("engine.hangs_with_what_it_needs", reason=type(error).__name__)
        return
    log.critical("engine.hangs_and_ends", status=STATUS)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by an orderly stop: that would wait for the loop.
    os._exit(STATUS)
