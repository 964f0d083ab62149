"""``siaga erase`` in a terminal: what it lists, what it refuses, and what it leaves behind."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch.adapters.clock import SystemClock
from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import Outcome
from models.record import Audit
from models.session import open_database
from models.unit_of_work import UnitOfWork
from tests.builders import START
from tests.service.terminal import Siaga
from tests.service.test_erasing import complains
from tests.world import World

NUMBER = "+628119999001"
ASIDE = Path("var/journal/laid-aside.jsonl")


@pytest.fixture
def lived(migrated: Siaga, tmp_path: Path) -> Siaga:
    """A caller whose emergency is over, another whose is not, and a request that could not be carried out."""
    world = World(f"sqlite:///{tmp_path / 'var' / 'siaga.db'}")
    world.hand.advance((SystemClock().now() - timedelta(days=3) - START).total_seconds())
    over = world.resident(NUMBER).rings("CA-1").incident_id
    world.desk(over, Action.CLOSE, outcome=Outcome.PRANK, reason="iseng")
    world.works()
    world.resident("+628119999002").rings("CA-2")
    world.close()
    (tmp_path / ASIDE).parent.mkdir()
    lines = [
        json.dumps({"kind": "voice", "path": "/", "at": at, "form": {"From": number}})
        for number, at in (
            (NUMBER, "2026-11-23T03:00:00+00:00"),
            ("+628119999002", "2020-01-01T03:00:00+00:00"),
        )
    ]
    (tmp_path / ASIDE).write_text("\n".join(lines) + "\n", encoding="ascii")
    return migrated


def audited(tmp_path: Path) -> list[Audit]:
    uow = UnitOfWork(open_database(f"sqlite:///{tmp_path / 'var' / 'siaga.db'}"))
    with uow.read() as session:
        found = list(session.scalars(select(Audit).where(Audit.action.like("personal.%")).order_by(Audit.id)))
    uow.engine.dispose()
    return found


def test_a_dry_run_lists_and_changes_nothing(lived: Siaga, tmp_path: Path) -> None:
    ended = lived("erase", "--number", "0811 9999 001", "--dry-run")
    assert ended.status == 0
    assert "-000100: everything personal" in ended.out
    assert "would be erased: 1 incidents" in ended.out
    assert [note.action for note in audited(tmp_path)] == ["personal.looked_up"]
    assert NUMBER in (tmp_path / ASIDE).read_text(encoding="ascii")


def test_a_dry_run_names_the_complaints_too(migrated: Siaga, tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'var' / 'siaga.db'}")
    complains(world, phone=NUMBER, ends=True)
    complains(world, phone=NUMBER, ends=False)
    complains(world, phone="+628119999007", ends=True)
    world.close()
    ended = migrated("erase", "--number", NUMBER, "--dry-run")
    assert [re.sub(r" \S*\d{4}\S*-0*", " ", line) for line in ended.out.splitlines()[:-1]] == [
        "complaint 1: everything personal",
        "complaint 2 (still open, stays)",
    ]


@pytest.mark.parametrize("spelling", ["0811-9999-001", "628119999001", "+62 811 9999 001"])
def test_a_number_is_erased_in_any_spelling_and_the_record_is_intact(
    lived: Siaga, tmp_path: Path, spelling: str
) -> None:
    ended = lived("erase", "--number", spelling, "--reason", "permintaan tertulis")
    assert ended.status == 0, ended.err
    assert ended.out.startswith("erased: 2 values of 1 incidents; ")
    assert "1 of laid aside in the journal" in ended.out
    assert NUMBER.encode() not in (tmp_path / "var" / "siaga.db").read_bytes()
    assert NUMBER not in (tmp_path / ASIDE).read_text(encoding="ascii")
    [note, *_] = audited(tmp_path)
    assert (note.actor, note.subject, note.data["reason"]) == ("cli", "request", "permintaan tertulis")
    assert lived("verify").out.startswith("the record is intact: 2 incidents")
    assert lived("erase", "--number", spelling, "--reason", "sekali lagi").out == (
        "erased: 0 values of 0 incidents; nothing elsewhere\n"
    )


def test_what_is_still_open_stays_and_the_command_says_so(lived: Siaga) -> None:
    ended = lived("erase", "--number", "08119999002", "--reason", "permintaan")
    assert ended.status == 1
    assert ended.last_line == "1 of incident must stay until it is over; then run the same command again"


def test_what_is_older_goes_whatever_its_class(lived: Siaga, tmp_path: Path) -> None:
    assert "-000100: closed on 20" in lived("erase", "--older", "1", "--dry-run").out
    ended = lived("erase", "--older", "1", "--reason", "uji coba selesai")
    assert "values of 1 incidents" in ended.out
    assert (tmp_path / ASIDE).read_text(encoding="ascii").count("voice") <= 1
    assert lived("verify").status == 0


def test_what_is_due_by_the_facility_file(lived: Siaga, tmp_path: Path) -> None:
    ended = lived("erase", "--due")
    assert ended.status == 0
    note = audited(tmp_path)
    assert all(line.data["reason"] == "retention of the facility file" for line in note)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--number", "08119999001"),
        ("--number", "08119999001", "--due", "--reason", "x"),
        ("--number", "polisi", "--reason", "x"),
        ("--number", "08119999001", "--reason", "ibu 0811 9999 001"),
        ("--older", "0", "--reason", "x"),
        ("--older", "30"),
    ],
    ids=str,
)
def test_wrong_usage(lived: Siaga, arguments: tuple[str, ...]) -> None:
    assert lived("erase", *arguments).status == 2


def test_the_number_of_a_worker_is_refused(lived: Siaga) -> None:
    ended = lived("erase", "--number", "081100000001", "--reason", "x")
    assert ended.status == 1
    assert "N01" in ended.last_line
