"""How a process ends whose engine hangs while all else is well, so that its supervisor starts it anew.

Decides whether ending helps: a loop that waits for a database or a disk would hang again, and meanwhile
nobody would connect the callers. Everything that matters is in rows, so nothing is lost by ending at once.
"""

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
