"""Where a request waits when the database does not answer: a file, flushed to the disk before we reply.

Decides how nothing of it is lost: each line is one request as JSON, lines are taken away only when they are
applied, and what can never be applied is laid aside in a file of its own for a person to read. Several
processes may share the folder. Never judges a request; what was applied twice is harmless by the inbox's
unique keys.
"""

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

Apply = Callable[[str, str, Mapping[str, str], datetime], None]
"""Carries out one request: kind, path, form, and the instant at which it arrived."""


class NeverApplicableError(Exception):
    """A kept request will fail in the same way however often it is tried."""


class Journal:
    """A queue of raw requests in the data directory."""

    def __init__(self, folder: Path) -> None:
        """Use *folder*, which is created when the first request must be kept."""
        self._folder = folder
        self._arriving = folder / "requests.jsonl"
        self._applying = folder / "applying.jsonl"
        self._aside = folder / "laid-aside.jsonl"

    def keep(self, *, kind: str, path: str, form: Mapping[str, str], at: datetime) -> None:
        """Append one request and flush it to the disk.

        Raises:
            OSError: the disk does not take it either.
        """
        line = json.dumps({"kind": kind, "path": path, "at": at.isoformat(), "form": dict(form)})
        with self._locked("arriving"):
            self._append(self._arriving, line)

    def drain(self, apply: Apply) -> int:
        """Apply every waiting request in order; returns how many were applied.

        A request for which *apply* raises :class:`NeverApplicableError` is laid aside. After any other error
        it and those behind it keep waiting, and the error is passed on.
        """
        if not self._folder.exists():
            return 0
        with self._locked("applying"):
            return self._apply_left_over(apply) + self._apply_arrived(apply)

    def _apply_left_over(self, apply: Apply) -> int:
        """What an earlier attempt took over and could not finish goes first."""
        if not self._applying.exists():
            return 0
        lines = [
            line for line in self._applying.read_text(encoding="ascii", errors="replace").split("\n") if line
        ]
        applied = 0
        for done, line in enumerate(lines):
            try:
                applied += self._apply_line(apply, line)
            except BaseException:
                self._replace_left_over(lines[done:])
                raise
        self._applying.unlink()
        return applied

    def _apply_arrived(self, apply: Apply) -> int:
        # New requests go on arriving while these are applied: a caller must not wait for the database.
        with self._locked("arriving"):
            if not self._arriving.exists():
                return 0
            self._arriving.rename(self._applying)
        return self._apply_left_over(apply)

    def _apply_line(self, apply: Apply, line: str) -> int:
        try:
            entry = json.loads(line)
            request = (entry["kind"], entry["path"], entry["form"], datetime.fromisoformat(entry["at"]))
        except (ValueError, KeyError, TypeError):
            # A line that the power cut short: its request was never answered as kept.
            self._append(self._aside, line)
            return 0
        try:
            apply(*request)
        except NeverApplicableError:
            self._append(self._aside, line)
            return 0
        return 1

    def _replace_left_over(self, lines: list[str]) -> None:
        fresh = self._applying.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        for line in lines:
            self._append(fresh, line)
        fresh.rename(self._applying)

    @staticmethod
    def _append(path: Path, line: str) -> None:
        # The line end stands first as well, so that a line cut short never swallows the next one.
        written = f"\n{line}\n".encode("ascii", "replace")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.write(descriptor, written) != len(written):
                raise OSError(errno.ENOSPC, "the disk took only a part", str(path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # A new file is there after a power failure only when its folder was flushed too.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self, what: str) -> Iterator[None]:
        """Alone in the folder with *what*, among all threads and processes."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / f"{what}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
