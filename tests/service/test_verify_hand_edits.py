"""What was typed into the database by hand: ``verify`` names it, goes on, and repeats nothing personal."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, update

from dispatch.service.findings import Finding
from dispatch.service.verifying import Checked, verify
from models.incident import Assignment, Call, Incident
from models.triggers import drop_statements
from tests.service.conftest import MakeWorld
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND, THIRD = "KWK-2026-000100", "KWK-2026-000101", "KWK-2026-000102"
OF_SECOND = f"(SELECT id FROM incident WHERE number = '{SECOND}')"


def tell(world: World) -> None:
    """Three emergencies that people were asked for."""
    for n in (1, 2, 3):
        world.resident(f"+62811999900{n}").rings(f"CA-{n}")
    world.works()
    assert world.findings() == []


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite_file: Path) -> Path:
    """The file where the program looks for it in a folder of its own."""
    file = tmp_path / "var" / "siaga.db"
    file.parent.mkdir()
    file.write_bytes(migrated_sqlite_file.read_bytes())
    return file


@pytest.fixture
def told(database: Path) -> Iterator[World]:
    with closing(World(f"sqlite:///{database}")) as world:
        tell(world)
        yield world


def edit(database: Path, *statements: str) -> None:
    """Somebody with ``sqlite3`` and no key in hand."""
    with closing(sqlite3.connect(database)) as connection:
        for statement in (*drop_statements("sqlite"), *statements):
            connection.execute(statement)
        connection.commit()


def looked_at(world: World) -> list[Finding]:
    checked = Checked()
    found = list(verify(world.uow, "KWK", checked))
    assert checked.incidents == 3
    return found


EDITS = {
    "status": (f"UPDATE incident SET status = 'weird' WHERE number = '{SECOND}'", 0, "status"),
    "policy": (f"UPDATE incident SET policy = '{{}}' WHERE number = '{SECOND}'", 0, "policy"),
    "policy no JSON": (f"UPDATE incident SET policy = '{{' WHERE number = '{SECOND}'", 0, "policy"),
    "policy a list": (f"UPDATE incident SET policy = '[]' WHERE number = '{SECOND}'", 0, "policy"),
    "duty": (f"UPDATE incident SET duty = '[1]' WHERE number = '{SECOND}'", 0, "duty"),
    "ladder": (f"UPDATE incident SET ladder = 'null' WHERE number = '{SECOND}'", 0, "ladder"),
    "time of an incident": (
        f"UPDATE incident SET alerted_at = '9' WHERE number = '{SECOND}'",
        0,
        "alerted_at",
    ),
    "count": (f"UPDATE incident SET event_count = 'many' WHERE number = '{SECOND}'", 0, "event_count"),
    "help": (f"UPDATE incident SET help_wanted = 'x' WHERE number = '{SECOND}'", 0, "help_wanted"),
    "no UTF-8": (
        f"UPDATE incident SET category = CAST(x'ff' AS TEXT) WHERE number = '{SECOND}'",
        0,
        "category",
    ),
    "time of a line": (
        f"UPDATE event SET occurred_at = 'abc' WHERE sequence = 2 AND incident_id = {OF_SECOND}",
        2,
        "occurred_at",
    ),
    "data of a line": (
        f"UPDATE event SET data = '{{' WHERE sequence = 2 AND incident_id = {OF_SECOND}",
        2,
        "data",
    ),
    "data a number": (
        f"UPDATE event SET data = '7' WHERE sequence = 2 AND incident_id = {OF_SECOND}",
        2,
        "data",
    ),
    "digests": (
        f"UPDATE event SET private = '[]' WHERE sequence = 1 AND incident_id = {OF_SECOND}",
        1,
        "private",
    ),
    "salt": (
        f"UPDATE private_value SET salt = 'salt' WHERE name = 'caller_number' AND incident_id = {OF_SECOND}",
        1,
        "caller_number salt",
    ),
    "call": (f"UPDATE call SET ended_at = 'soon' WHERE incident_id = {OF_SECOND}", 0, "call 1 ended_at"),
    "outcome": (f"UPDATE call SET outcome = '?' WHERE incident_id = {OF_SECOND}", 0, "call 1 outcome"),
    "assignment": (
        f"UPDATE assignment SET status = 'Budi' WHERE staff_code = 'N01' AND incident_id = {OF_SECOND}",
        0,
        "N01 status",
    ),
    "time of an assignment": (
        f"UPDATE assignment SET asked_at = 1 WHERE staff_code = 'N01' AND incident_id = {OF_SECOND}",
        0,
        "N01 asked_at",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_cannot_be_read_is_named_and_the_rest_is_looked_at(
    told: World, database: Path, name: str
) -> None:
    statement, sequence, field = EDITS[name]
    edit(database, statement, f"UPDATE incident SET priority = 'green' WHERE number = '{THIRD}'")
    found = [(f.incident, f.sequence, f.field, f.problem) for f in looked_at(told)]
    assert found == [(SECOND, sequence, field, "unreadable"), (THIRD, 0, "priority", "changed")]


@pytest.mark.parametrize(
    ("statement", "where", "field"),
    [
        (f"UPDATE incident SET year = 'abc' WHERE number = '{SECOND}'", SECOND, "year"),
        (f"UPDATE incident SET short_number = 'abc' WHERE number = '{SECOND}'", SECOND, "short_number"),
        ("UPDATE incident_counter SET next_value = 'abc'", "KWK", "incident_counter"),
    ],
    ids=["year", "short number", "counter"],
)
def test_a_number_that_is_none(told: World, database: Path, statement: str, where: str, field: str) -> None:
    edit(database, statement)
    assert (where, field, "unreadable") in [(f.incident, f.field, f.problem) for f in looked_at(told)]


def test_lines_that_are_all_gone_with_their_count(told: World, database: Path) -> None:
    edit(
        database,
        f"DELETE FROM event WHERE incident_id = {OF_SECOND}",
        f"DELETE FROM private_value WHERE incident_id = {OF_SECOND}",
        f"UPDATE incident SET event_count = 0 WHERE number = '{SECOND}'",
    )
    assert [(f.incident, f.problem) for f in looked_at(told)] == [(SECOND, "missing")]


def test_the_command_ends_with_one_line_and_no_traceback(told: World, database: Path, tmp_path: Path) -> None:
    edit(database, *(statement for statement, _, _ in EDITS.values()))
    ended = subprocess.run(
        [sys.executable, "-m", "config.cli", "verify"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SIAGA_SECRET_KEY": "a key that is long enough",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    assert f"{SECOND} event 2: occurred_at: unreadable: " in ended.stdout
    assert f"{SECOND}: status: unreadable: " in ended.stdout
    assert "the record is not intact: " in ended.stderr
    assert "in 3 incidents" in ended.stderr
    assert "Budi" not in ended.stdout


# --- on both databases ----------------------------------------------------------------------------


@pytest.fixture
def both(make_world: MakeWorld) -> World:
    world = make_world()
    tell(world)
    return world


def test_words_and_policies_without_meaning(both: World) -> None:
    with both.uow.write() as session:
        session.execute(update(Incident).where(Incident.number == FIRST).values(status="weird"))
        session.execute(update(Incident).where(Incident.number == SECOND).values(policy={}))
    assert both.findings() == [(FIRST, 0, "status", "unreadable"), (SECOND, 0, "policy", "unreadable")]


def test_a_difference_is_one_field_and_nothing_personal(both: World) -> None:
    with both.uow.write() as session:
        first = session.scalars(select(Incident.id).where(Incident.number == FIRST)).one()
        later = both.hand.now()
        session.execute(
            update(Incident)
            .where(Incident.id == first)
            .values(
                caller_number="+6281234567890",
                location_text="rumah Ibu Sari",
                location_lat=-4.51234,
                location_lon=136.8,
                merged_into=None,
                short_number=100,
            )
        )
        session.execute(
            update(Call).where(Call.incident_id == first).values(ended_at=later, provider_sid="Pak Budi")
        )
        session.execute(
            update(Assignment)
            .where(Assignment.incident_id == first, Assignment.staff_code == "N01")
            .values(alerted_at=None, tier="Pak Budi")
        )
    found = list(verify(both.uow, "KWK"))
    assert [f.field for f in found] == [
        "caller_number",
        "location_text",
        "location_lat",
        "location_lon",
        "call 1 provider_sid",
        "call 1 ended_at",
        "N01 tier",
        "N01 alerted_at",
    ]
    said = "\n".join(f.detail for f in found)
    assert "the table says +62812•••••90" in said
    for secret in ("6281234567890", "8119999001", "Sari", "Budi", "4.51234", "136.8", "(", "CA-1"):
        assert secret not in said


def test_a_staff_code_that_became_a_name_is_not_said(both: World) -> None:
    with both.uow.write() as session:
        session.execute(update(Assignment).values(staff_code="Budi Santoso", status="?"))
        session.execute(update(Incident).where(Incident.number == FIRST).values(number="Budi"))
    assert "Budi" not in str(list(verify(both.uow, "KWK")))


def test_a_short_number_far_away_is_one_line_for_the_gap(both: World) -> None:
    with both.uow.write() as session:
        session.execute(update(Incident).where(Incident.number == SECOND).values(short_number=2_000_000_000))
    found = [f for f in verify(both.uow, "KWK") if f.problem == "missing"]
    assert [f.incident for f in found] == [SECOND, "KWK-2026-000103"]
    assert "KWK-2026-000103 … KWK-2026-1999999999" in found[1].detail
