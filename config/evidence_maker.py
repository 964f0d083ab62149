"""The evidence pack that somebody asks for on a page: made by a process of its own, one at a time.

A pack of a busy month takes seconds of work; beside the calls it must not happen in this process.
"""

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from config import own_program
from config.settings import Settings
from dashboards.evidence_refusals import EvidenceRefusedError, Refusal
from dispatch.adapters import seal_key


class EvidenceMaker:
    """Writes packs into the data directory."""

    def __init__(
        self, settings: Settings, facility: str, *, program: tuple[str, ...] = own_program.PROGRAM
    ) -> None:
        """Prepare. *program* is what writes a pack: this program's own command unless a test says so."""
        self._folder = settings.data_dir / "evidence"
        self._facility = facility
        self._program = program
        self._busy = threading.Lock()

    def make(self, period: str, actor: str) -> Path:
        """Write the pack of *period*, which is written as the command line takes it, and return its file.

        The command leaves the line of the audit trail, in the name of *actor*.

        Raises:
            EvidenceRefusedError: it cannot be made, or another one is being made.
        """
        if not self._busy.acquire(blocking=False):
            raise EvidenceRefusedError("another pack is being made; try again in a minute", Refusal.BUSY)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"{self._facility}-{period}.zip"
            arguments = ["evidence", f"--period={period}", f"--out={file}", f"--asked-by={actor}"]
            ended = own_program.run(arguments, stopping=threading.Event(), program=self._program)
        except OSError as error:
            raise refused_for(f"{self._folder}: cannot be written: {error.strerror}") from error
        finally:
            self._busy.release()
        assert ended is not None, "nobody stops it"
        status, lines = ended
        if status:
            raise refused_for(lines[-1] if lines else f"it ended with {status}")
        return file


KNOWN: Sequence[tuple[str, Refusal]] = (
    (os.strerror(errno.ENOSPC), Refusal.DISK_FULL),
    (os.strerror(errno.EDQUOT), Refusal.DISK_FULL),
    (seal_key.NAME, Refusal.KEY),
    ("days are not sealed", Refusal.TOO_MANY_DAYS),
    ("is sealed", Refusal.NOTHING_SEALED),
)
"""What of a command's last line tells the reason; the first that stands in it counts."""


def refused_for(line: str) -> EvidenceRefusedError:
    """The refusal that *line* tells of; one that nobody knows keeps its words."""
    found = next((refusal for part, refusal in KNOWN if part in line), Refusal.UNKNOWN)
    return EvidenceRefusedError(line, found)
