"""Where a request waits when the database does not answer: a file, flushed to the disk before we reply.

Decides how nothing of it is lost: each line is one request as JSON, lines are taken away only when they are
applied, and what can never be applied is laid aside in a file of its own for a person to read. Those who come
while a flush is under way share the next one. Several processes may share the folder. Never judges a request;
what was applied twice is harmless by the inbox's unique keys.
"""

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from telephony.kept_files import flush_folder, replace_file

Apply = Callable[[str, str, Mapping[str, str], datetime], None]
"""Carries out one request: kind, path, form, and the instant at which it arrived."""


class NeverApplicableError(Exception):
    """A kept request will fail in the same way however often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the journal holds; the oldest of each, and the oldest that waits because of the database."""

    requests: int = 0
    laid_aside: int = 0
    oldest_at: datetime | None = None
    laid_aside_since: datetime | None = None
    without_database_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    kind: str
    path: str
    form: Mapping[str, str]
    at: datetime
    without_database: bool


@dataclass(frozen=True, slots=True)
class _Batch:
    """Lines that are written and flushed together, by whoever brought the first of them."""

    lines: list[str] = field(default_factory=list)
    flushed: Future[None] = field(default_factory=Future)


class Journal:
    """A queue of raw requests in the data directory."""

    def __init__(self, folder: Path) -> None:
        """Use *folder*, which is created when the first request must be kept."""
        self._folder = folder
        self._arriving = folder / "requests.jsonl"
        self._applying = folder / "applying.jsonl"
        self._aside = folder / "laid-aside.jsonl"
        self._gathering = _Batch()
        self._joining = threading.Lock()
        self.kept_s = float("-inf")
        """When this process last kept what the database did not take, as ``time.monotonic`` counts."""
        self.is_failing = False
        """Whether the last request could not be kept."""

    def keep(
        self,
        *,
        kind: str,
        path: str,
        form: Mapping[str, str],
        at: datetime,
        without_database: bool = False,
    ) -> None:
        """Append one request and flush it to the disk; *without_database* says why it must wait.

        Raises:
            OSError: the disk does not take it either.
        """
        entry: dict[str, object] = {"kind": kind, "path": path, "at": at.isoformat(), "form": dict(form)}
        if without_database:
            entry["without_database"] = True
        try:
            self._flush_with_others(json.dumps(entry))
        except OSError:
            self.is_failing = True
            raise
        self.is_failing = False
        if without_database:
            self.kept_s = time.monotonic()

    def _flush_with_others(self, line: str) -> None:
        """Return when *line* is on the disk; one flush serves all who came while another was under way."""
        with self._joining:
            batch = self._gathering
            batch.lines.append(line)
            is_first = len(batch.lines) == 1
        if is_first:
            self._flush(batch)
        else:
            batch.flushed.result()

    def _flush(self, batch: _Batch) -> None:
        """Write *batch*; what goes wrong is told to each of those who wait for it."""
        try:
            # Those who come while we wait for our turn join.
            with self._locked("arriving"):
                self._close(batch)
                # Flushed within our turn: what was written can be neither renamed nor taken away before.
                self._append(self._arriving, batch.lines)
        except BaseException as error:
            self._close(batch)
            batch.flushed.set_exception(error)
            raise
        batch.flushed.set_result(None)

    def _close(self, batch: _Batch) -> None:
        """Nobody joins *batch* any more: its lines are what is written."""
        with self._joining:
            if self._gathering is batch:
                self._gathering = _Batch()

    def look(self) -> Waiting:
        """What waits, and what was laid aside.

        Raises:
            OSError: the files cannot be read.
        """
        entries = [_read_line(line) for path in (self._applying, self._arriving) for line in _lines(path)]
        known = [entry for entry in entries if entry is not None]
        aside = _lines(self._aside)
        return Waiting(
            requests=len(entries),
            laid_aside=len(aside),
            laid_aside_since=min((at for line in aside if (at := _arrival(line)) is not None), default=None),
            oldest_at=min((entry.at for entry in known), default=None),
            without_database_since=min((e.at for e in known if e.without_database), default=None),
        )

    def drain(self, apply: Apply) -> int:
        """Apply every waiting request in order; returns how many were applied.

        A request for which *apply* raises :class:`NeverApplicableError` is laid aside. After any other error
        it and those behind it keep waiting, and the error is passed on.
        """
        if not self._folder.exists():
            return 0
        with self._locked("applying"):
            return self._apply_left_over(apply) + self._apply_arrived(apply)

    def forget(self, is_gone: Callable[[str, datetime | None], bool]) -> int:
        """Take requests out that were laid aside: those of which *is_gone* says so, by text and arrival.

        Those that wait are left: they are still to be carried out.
        """
        if not self._aside.exists():
            return 0
        with self._locked("applying"):
            lines = _lines(self._aside)
            kept = [line for line in lines if not is_gone(line, _arrival(line))]
            if len(kept) < len(lines):
                replace_file(self._aside, "".join(f"{line}\n" for line in kept))
        return len(lines) - len(kept)

    def _apply_left_over(self, apply: Apply) -> int:
        """What an earlier attempt took over and could not finish goes first."""
        if not self._applying.exists():
            return 0
        lines = _lines(self._applying)
        applied = 0
        for done, line in enumerate(lines):
            try:
                applied += self._apply_line(apply, line)
            except BaseException:
                if done:
                    replace_file(self._applying, "".join(f"{line}\n" for line in lines[done:]))
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
        entry = _read_line(line)
        if entry is None:
            # A line that the power cut short: its request was never answered as kept.
            self._append(self._aside, [line])
            return 0
        try:
            apply(entry.kind, entry.path, entry.form, entry.at)
        except NeverApplicableError:
            self._append(self._aside, [line])
            return 0
        return 1

    @staticmethod
    def _append(path: Path, lines: Sequence[str]) -> None:
        """Write *lines* and flush them; a failure says nothing of them, and a later flush is not theirs."""
        # The line end stands first as well, so that a line cut short never swallows the next one.
        written = "".join(f"\n{line}\n" for line in lines).encode("ascii", "replace")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.fstat(descriptor).st_size == 0:
                _flush_name(path)
            if os.write(descriptor, written) != len(written):
                raise OSError(errno.ENOSPC, "the disk took only a part", str(path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self, what: str) -> Iterator[None]:
        """Alone in the folder with *what*, among all threads and processes."""
        lock = self._folder / f"{what}.lock"
        if not lock.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _flush_name(self._folder)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _flush_name(path: Path) -> None:
    """Make sure that *path*, a file or a folder that is empty, is there after a power failure.

    Nothing is put into it before this, so one that is not empty needs it no more, whoever made it.
    """
    try:
        flush_folder(path.parent)
    except OSError:
        # The kernel tries a failed flush only once: the next one shall find a new name to write.
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
        raise


def _lines(path: Path) -> list[str]:
    try:
        written = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in written.split("\n") if line]


def _arrival(line: str) -> datetime | None:
    entry = _read_line(line)
    return None if entry is None else entry.at


def _read_line(line: str) -> _Entry | None:
    """What stands in a line; None when it is no whole request."""
    try:
        entry = json.loads(line)
        return _Entry(
            kind=entry["kind"],
            path=entry["path"],
            form=entry["form"],
            at=datetime.fromisoformat(entry["at"]),
            without_database=bool(entry.get("without_database")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
