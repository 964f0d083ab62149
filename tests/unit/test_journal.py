"""The journal: what it took is there after a crash, in order, once, and one bad line stops nobody."""

import os
import resource
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from telephony.journal import Journal, NeverApplicableError, Waiting

AT = datetime(2026, 11, 23, 3, 0, 0, 123000, tzinfo=UTC)
Request = tuple[str, str, Mapping[str, str], datetime]


def request(number: int) -> Request:
    form = {"CallSid": f"CA{number}", "Body": "Tolong\n\u2028 🚑 \\ \"'", "Empty": ""}
    return ("voice", "/telephony/voice", form, AT + timedelta(seconds=number))


class Applied(list[Request]):
    """Keeps what is applied; fails where it is told to."""

    def __init__(self, **fails: Exception) -> None:
        super().__init__()
        self.fails = fails

    def __call__(self, kind: str, path: str, form: Mapping[str, str], at: datetime) -> None:
        if form["CallSid"] in self.fails:
            raise self.fails[form["CallSid"]]
        self.append((kind, path, form, at))


def keep(journal: Journal, *numbers: int) -> None:
    for number in numbers:
        kind, path, form, at = request(number)
        journal.keep(kind=kind, path=path, form=form, at=at)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_everything_is_applied_once_in_order_with_its_true_time(folder: Path) -> None:
    keep(Journal(folder), 1, 2, 3)
    applied = Applied()
    # Another process, after a crash, finds the same.
    assert Journal(folder).drain(applied) == 3
    assert applied == [request(1), request(2), request(3)]
    assert Journal(folder).drain(applied) == 0
    assert len(applied) == 3


def test_an_empty_journal_makes_nothing(folder: Path) -> None:
    assert Journal(folder).drain(Applied()) == 0
    assert not folder.exists()


def test_others_cannot_read_it(folder: Path) -> None:
    keep(Journal(folder), 1)
    assert folder.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


def test_while_the_database_is_away_everything_keeps_waiting_and_nothing_is_applied_twice(
    folder: Path,
) -> None:
    journal = Journal(folder)
    keep(journal, 1, 2, 3)
    first = Applied(CA2=ConnectionError("away"))
    with pytest.raises(ConnectionError):
        journal.drain(first)
    assert first == [request(1)]
    keep(journal, 4)
    with pytest.raises(ConnectionError):
        journal.drain(first)
    assert first == [request(1)]
    second = Applied()
    assert journal.drain(second) == 3
    assert second == [request(2), request(3), request(4)]


def test_what_can_never_be_applied_is_laid_aside_and_stops_nobody(folder: Path) -> None:
    journal = Journal(folder)
    keep(journal, 1, 2, 3)
    applied = Applied(CA2=NeverApplicableError("voice"))
    assert journal.drain(applied) == 2
    assert applied == [request(1), request(3)]
    assert "CA2" in (folder / "laid-aside.jsonl").read_text()
    assert journal.drain(applied) == 0


def test_a_line_cut_short_by_the_power_swallows_no_other(folder: Path) -> None:
    journal = Journal(folder)
    keep(journal, 1)
    path = folder / "requests.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    keep(journal, 2)
    applied = Applied()
    assert journal.drain(applied) == 2
    assert applied == [request(1), request(2)]
    assert (folder / "laid-aside.jsonl").read_bytes().strip() == whole[: len(whole) // 2].strip()


def test_a_crash_between_taking_over_and_applying_loses_nothing(folder: Path) -> None:
    journal = Journal(folder)
    keep(journal, 1)
    (folder / "requests.jsonl").rename(folder / "applying.jsonl")
    keep(journal, 2)
    applied = Applied()
    assert journal.drain(applied) == 2
    assert applied == [request(1), request(2)]


def test_a_request_is_kept_at_once_while_others_are_being_applied(folder: Path) -> None:
    journal = Journal(folder)
    keep(journal, 1)

    def slow(_kind: str, _path: str, _form: Mapping[str, str], _at: datetime) -> None:
        writer = threading.Thread(target=keep, args=(Journal(folder), 2), daemon=True)
        writer.start()
        writer.join(10)
        assert not writer.is_alive(), "keeping waited for applying"

    assert journal.drain(slow) == 1
    applied = Applied()
    assert journal.drain(applied) == 1
    assert applied == [request(2)]


def test_many_keep_and_one_applies_at_the_same_time(folder: Path) -> None:
    applied = Applied()
    writers = [
        threading.Thread(target=keep, args=(Journal(folder), *range(start, start + 20)))
        for start in range(0, 160, 20)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        Journal(folder).drain(applied)
    Journal(folder).drain(applied)
    assert sorted(int(form["CallSid"][2:]) for _, _, form, _ in applied) == list(range(160))


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="journal"):
        keep(Journal(tmp_path / "journal"), 1)


@contextmanager
def only_so_many_can_be_open(more: int) -> Iterator[None]:
    """In this process *more* files can be opened beside those that are, and no further one."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each.name) for each in Path("/dev/fd").iterdir())
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + more + 2, limits[1]))
        taken: list[int] = []
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for descriptor in taken[:more]:
            os.close(descriptor)
        for descriptor in taken[more:]:
            stack.callback(os.close, descriptor)
        yield


def test_a_file_whose_name_could_not_be_flushed_is_begun_anew(folder: Path) -> None:
    """A disk tells of a failure once: a second flush of the same name would succeed, and the name be lost."""
    journal, applied = Journal(folder), Applied()
    keep(journal, 1)
    journal.drain(applied)
    # For the lock and the file itself; none is left for the folder, which so cannot be flushed.
    with only_so_many_can_be_open(2), pytest.raises(OSError, match="Too many open files"):
        keep(journal, 2)
    assert journal.is_failing
    assert not (folder / "requests.jsonl").exists()
    keep(journal, 3)
    journal.drain(applied)
    assert applied == [request(1), request(3)]


def test_a_folder_whose_name_could_not_be_flushed_is_begun_anew(folder: Path) -> None:
    """With its name everything would be lost that is kept in it afterwards."""
    journal, applied = Journal(folder), Applied()
    with only_so_many_can_be_open(0), pytest.raises(OSError, match="Too many open files"):
        keep(journal, 1)
    assert not folder.exists()
    keep(journal, 2)
    journal.drain(applied)
    assert applied == [request(2)]


def test_it_says_what_waits_since_when_and_why(folder: Path) -> None:
    journal = Journal(folder)
    assert journal.look() == Waiting()
    keep(journal, 1)
    kind, path, form, at = request(2)
    journal.keep(kind=kind, path=path, form=form, at=at, without_database=True)
    seen = Journal(folder).look()
    assert (seen.requests, seen.laid_aside, seen.oldest_at) == (2, 0, request(1)[3])
    assert seen.without_database_since == request(2)[3]
    with pytest.raises(ConnectionError):
        journal.drain(Applied(CA1=NeverApplicableError("voice"), CA2=ConnectionError("away")))
    seen = journal.look()
    assert (seen.requests, seen.laid_aside, seen.oldest_at) == (1, 1, request(2)[3])
    journal.drain(Applied())
    assert journal.look() == Waiting(laid_aside=1, laid_aside_since=request(1)[3])


def test_while_nothing_can_be_applied_nothing_is_written_again(folder: Path) -> None:
    """The database may be away for hours, and is tried every few seconds."""
    journal = Journal(folder)
    keep(journal, 1, 2, 3)
    away = Applied(CA1=ConnectionError("away"))
    before = (folder / "requests.jsonl").stat().st_ino
    with pytest.raises(ConnectionError):
        journal.drain(away)
    with pytest.raises(ConnectionError):
        journal.drain(away)
    assert (folder / "applying.jsonl").stat().st_ino == before
    assert journal.drain(Applied()) == 3


def test_it_knows_that_it_failed_until_it_does_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    (tmp_path / "journal").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="journal"):
        keep(journal, 1)
    assert journal.is_failing
    (tmp_path / "journal").unlink()
    keep(journal, 1)
    assert not journal.is_failing
