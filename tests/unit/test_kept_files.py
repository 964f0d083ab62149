"""Small files that are whole at any instant."""

import os
from pathlib import Path

import pytest

from telephony.kept_files import replace_file


def test_it_is_written_for_us_alone_and_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "new" / "duty-phones.json"
    assert replace_file(path, "one")
    assert path.read_text() == "one"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    assert not replace_file(path, "one")
    assert path.stat().st_ino == before
    assert replace_file(path, "two")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_whoever_reads_never_sees_half_of_it(tmp_path: Path) -> None:
    """The old file is not written into: whoever has it open goes on reading the old words."""
    path = tmp_path / "fallback.xml"
    replace_file(path, "old words")
    with path.open() as reader:
        replace_file(path, "new")
        assert reader.read() == "old words"


def test_a_disk_that_takes_nothing_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "fallback.xml"
    replace_file(path, "old")
    (tmp_path / f".fallback.xml.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
