"""The journal says that a request is kept when it is flushed to the disk, and not before.

Watched from outside, call by call, so that it is proved where no disk can be mounted and no power be cut
(``test_power``). Where nothing can be watched the run says so at its end.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from telephony.journal import Journal
from tests.conftest import TRIED_LESS
from tests.crash.keeping_program import AT_ONCE
from tests.crash.watched import SystemCall, calls, watching, why_not

PROGRAM = (sys.executable, "-m", "tests.crash.keeping_program")
SLOW = "fsync:delay_enter=50000"
"""A disk that needs 50 ms for each flush."""


Watched = Callable[[str], tuple[list[str], list[SystemCall]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "journal"


@pytest.fixture
def watched(tmp_path: Path, folder: Path, record_property: Callable[[str, object], None]) -> Watched:
    """Let many keep at once, with this done to the system: what they said, and the calls that were seen."""
    reason = why_not()
    if reason is not None:
        record_property(TRIED_LESS, f"nobody saw whether the journal was flushed: {reason}")

    def run(inject: str) -> tuple[list[str], list[SystemCall]]:
        trace = tmp_path / "trace"
        if reason is not None:
            return say((*PROGRAM, str(folder))), []
        said = say((*watching(trace, "write", "fsync", inject=inject), *PROGRAM, str(folder)))
        return said, list(calls(trace))

    return run


def say(command: Sequence[str]) -> list[str]:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def keep(folder: Path, caller: str) -> None:
    at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    Journal(folder).keep(kind="voice", path="/telephony/voice", form={"CallSid": caller}, at=at)


def waiting(folder: Path) -> list[str]:
    """The callers in the journal, in order."""
    found: list[str] = []
    Journal(folder).drain(lambda _kind, _path, form, _at: found.append(form["CallSid"]))
    return found


def test_nobody_is_told_that_a_request_is_kept_before_it_is_on_the_disk(
    watched: Watched, folder: Path
) -> None:
    folder.parent.mkdir()
    said, seen = watched(SLOW)
    assert sorted(said) == sorted(f"kept {number}" for number in range(AT_ONCE))
    assert sorted(waiting(folder)) == sorted(f"CA{number}" for number in range(AT_ONCE))
    if not seen:
        return
    flushes = [call for call in seen if call.name == "fsync" and call.succeeded]
    writes = [call for call in seen if call.name == "write"]
    in_file = [call for call in flushes if "/requests.jsonl>" in call.what]
    for number in range(AT_ONCE):
        (written,) = (call for call in writes if f"CA{number}\\" in call.what)
        (told,) = (call for call in writes if f'"kept {number}\\n' in call.what)
        assert any(written.ended < flush.began and flush.ended < told.began for flush in in_file), number
    # Those who came while a flush was under way shared the next one.
    assert len(in_file) < AT_ONCE / 2
    # The names of the file and of its folder are on the disk before anything relies on them.
    first = min(call.began for call in writes if "/requests.jsonl>" in call.what)
    for named in (folder, folder.parent):
        assert any(f"<{named}>" in flush.what and flush.ended < first for flush in flushes), named


def test_a_flush_that_fails_is_told_to_everybody_who_waited_for_it(watched: Watched, folder: Path) -> None:
    keep(folder, "CA-earlier")
    said, seen = watched(f"{SLOW}:error=EIO")
    if seen:
        assert sorted(said) == sorted(f"not kept {number}" for number in range(AT_ONCE))
        assert sum(call.name == "fsync" for call in seen) < AT_ONCE / 2
    keep(folder, "CA-later")
    found = waiting(folder)
    assert (found[0], found[-1]) == ("CA-earlier", "CA-later")


def test_lines_that_the_disk_takes_in_part_are_not_called_kept(folder: Path) -> None:
    """A limit on the size of a file stands in for the end of the disk: the system writes what still fits."""
    keep(folder, "CA-earlier")
    size = (folder / "requests.jsonl").stat().st_size
    said = say((*PROGRAM, str(folder), str(size + size // 2)))
    assert sorted(said) == sorted(f"not kept {number}" for number in range(AT_ONCE))
    assert (folder / "requests.jsonl").stat().st_size == size + size // 2
    keep(folder, "CA-later")
    assert waiting(folder) == ["CA-earlier", "CA-later"]
