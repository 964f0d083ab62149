"""Where a request waits when the database does not answer: a file, flushed to the disk before we reply.

Each line is one request as JSON. ``drain`` hands them over once, in order, with their true times; what
was applied is remembered by the inbox's unique keys, so a crash in between repeats nothing.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path


class Journal:
    """An append-only file of raw requests in the data directory."""

    def __init__(self, folder: Path) -> None:
        """Use *folder*, which is created when the first request must be kept."""
        self._folder = folder
        self._path = folder / "requests.jsonl"
        self._lock = threading.Lock()

    def keep(self, *, kind: str, path: str, form: Mapping[str, str], at: datetime) -> None:
        """Append one request and flush it to the disk.

        Raises:
            OSError: the disk does not take it either.
        """
        line = json.dumps({"kind": kind, "path": path, "at": at.isoformat(), "form": dict(form)})
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line.encode() + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def drain(self, apply: Callable[[str, str, Mapping[str, str], datetime], None]) -> int:
        """Apply every waiting request in order and empty the file; returns how many there were.

        When *apply* raises, the file stays as it is and everything is tried again later.
        """
        with self._lock:
            if not self._path.exists():
                return 0
            lines = self._path.read_text().splitlines()
            for line in lines:
                entry = json.loads(line)
                apply(entry["kind"], entry["path"], entry["form"], datetime.fromisoformat(entry["at"]))
            self._path.unlink()
            return len(lines)
