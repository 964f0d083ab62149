"""What somebody with every right to the database can do to a sealed record, and how ``verify`` names it.

The attacker here is a good one: triggers are gone, chains are hashed anew, rows and counters fit again.
Without seals nothing of it would be found.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from dispatch.adapters.seal_key import FileSealKey
from dispatch.domain import seals
from dispatch.domain.commands import Action
from dispatch.domain.events import Event as Told
from dispatch.domain.events import Kind
from dispatch.domain.evidence import GENESIS, ChainLink, link_hash
from dispatch.domain.evolution import replay
from dispatch.domain.seals import Seal
from dispatch.domain.vocabulary import OutageCause, Source
from dispatch.service import incident_rows
from dispatch.service.outages import note
from dispatch.service.sealed import from_row, leaves_of, to_row
from dispatch.service.sealing import Sealer
from dispatch.service.verifying import verify
from models import record
from models.base import Base, table_of
from models.facility import IncidentCounter
from models.incident import Assignment, Call, Incident
from models.record import Event, PrivateValue, SealLeaf
from models.together import Together
from models.traffic import Deadline, Delivery
from tests.fakes.seal_keys import FakeSealKeys
from tests.service.sealed_days import DAY, DAY_S, FIRST, NEXT, SECOND, by_hand
from tests.world import World

Lines = list[dict[str, Any]]
Found = list[tuple[str, int, str | None, str]]


def rewritten(world: World, number: str, change: Callable[[Lines], Lines]) -> None:
    """Change the lines of an incident, hash them anew to their end, and let the rows say the same."""
    incident_id = next(row.id for row in world.incidents() if row.number == number)
    before = world.incident(incident_id)
    with world.uow.read() as session:
        lines = change(as_rows(session, Event, Event.incident_id == incident_id))
        values = as_rows(session, PrivateValue, PrivateValue.incident_id == incident_id)
    moved = {line["sequence"]: sequence for sequence, line in enumerate(lines, 1)}
    values = [
        {**value, "sequence": moved[value["sequence"]]} for value in values if value["sequence"] in moved
    ]
    previous = GENESIS
    for sequence, line in enumerate(lines, 1):
        line |= {"sequence": sequence, "previous": previous}
        names = ("kind", "occurred_at", "recorded_at", "source", "actor", "data", "private", "previous")
        link = ChainLink(
            incident=incident_id, sequence=sequence, hash="", **{name: line[name] for name in names}
        )
        line["hash"] = previous = link_hash(link)
    told = [
        Told(
            kind=Kind(line["kind"]),
            occurred_at=line["occurred_at"],
            source=Source(line["source"]),
            actor=line["actor"],
            data=line["data"],
            private={v["name"]: v["value"] for v in values if v["sequence"] == line["sequence"]},
        )
        for line in lines
    ]

    def put_back(connection: Connection) -> None:
        connection.execute(delete(PrivateValue).where(PrivateValue.incident_id == incident_id))
        connection.execute(delete(Event).where(Event.incident_id == incident_id))
        connection.execute(insert(table_of(Event)), lines)
        connection.execute(insert(table_of(PrivateValue)), values)
        writes = Together(connection)
        incident_rows.write(writes, before, replay(told), event_count=len(lines), chain_head=previous)
        writes.run()

    by_hand(world, put_back)


def as_rows(session: Session, table: type[Base], where: ColumnElement[bool]) -> Lines:
    columns = table_of(table).columns
    found = session.execute(select(table_of(table)).where(where).order_by(columns.sequence))
    return [dict(row) for row in found.mappings()]


def fingerprints(world: World) -> list[str]:
    with world.uow.read() as session:
        return [
            from_row(row).fingerprint
            for row in session.scalars(select(record.Seal).order_by(record.Seal.day))
        ]


def found(world: World, *, key: str | None = None, witnessed: Sequence[str] = ()) -> Found:
    findings = verify(world.uow, "KWK", key=key, witnessed=witnessed)
    return [(one.incident, one.sequence, one.field, one.problem) for one in findings]


def edited(world: World, column: str, value: object, *, line: int) -> None:
    def change(lines: Lines) -> Lines:
        lines[line - 1][column] = value
        return lines

    rewritten(world, SECOND, change)


# --- lines ----------------------------------------------------------------------------------------


def test_a_line_that_was_changed_and_its_chain_hashed_anew(sealed: World) -> None:
    edited(sealed, "actor", "user:other", line=2)
    assert found(sealed) == [(SECOND, 4, "hash", "changed")]


def test_lines_in_another_order(sealed: World) -> None:
    def change(lines: Lines) -> Lines:
        return [*lines[:2], lines[3], lines[2]]

    rewritten(sealed, SECOND, change)
    assert found(sealed) == [(SECOND, 4, "hash", "changed")]


def test_a_line_that_was_taken_out(sealed: World) -> None:
    rewritten(sealed, SECOND, lambda lines: [*lines[:2], lines[3]])
    assert found(sealed) == [(SECOND, 4, None, "missing")]


def test_a_tail_that_was_cut_off_together_with_the_count(sealed: World) -> None:
    rewritten(sealed, SECOND, lambda lines: lines[:-1])
    [finding] = verify(sealed.uow, "KWK")
    assert (finding.incident, finding.sequence, finding.problem) == (SECOND, 4, "missing")
    assert finding.detail == "4 lines were sealed on 2026-11-23, 3 are there"


def test_the_newest_seal_knows_a_tail_that_the_older_one_does_not(sealed: World) -> None:
    count = len(sealed.lines(sealed.incidents()[0].id))
    rewritten(sealed, FIRST, lambda lines: lines[:-1])
    assert found(sealed) == [(FIRST, count, None, "missing")]


def test_a_line_that_was_put_in_at_the_end_of_a_sealed_day(sealed: World) -> None:
    def change(lines: Lines) -> Lines:
        return [*lines, {**lines[-1], "sequence": 0, "private": {}, "kind": "help.requested", "data": {}}]

    rewritten(sealed, SECOND, change)
    assert found(sealed) == [(SECOND, 5, "recorded_at", "inserted")]
    sealed.hand.advance(DAY_S)
    keys = FakeSealKeys()
    keys.create()
    assert [seal.incidents for seal in Sealer(sealed.services, keys).seal_due()] == [1]
    assert found(sealed) == [(SECOND, 5, "recorded_at", "inserted")]


def test_lines_of_the_day_that_runs_are_not_sealed_yet_and_no_finding(sealed: World) -> None:
    sealed.desk(sealed.incidents()[1].id, Action.NOTE, text="hari ini")
    assert found(sealed) == []


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_clock_that_was_set_back_wrote(sealed: World, *, is_known: bool) -> None:
    sealed.hand.advance(-3600.0)
    sealed.resident("+628119999009").rings("CA-9")
    if is_known:
        now = sealed.hand.now()
        with sealed.uow.write() as session:
            note(
                session,
                sealed.services,
                OutageCause.CLOCK,
                from_at=now,
                until_at=now,
                details={"jump_s": -3600},
            )
    expected: Found = [("KWK-2026-000103", 1, "recorded_at", "inserted")]
    assert found(sealed) == ([] if is_known else expected)


# --- incidents and calls --------------------------------------------------------------------------


def without(incident_id: str) -> list[object]:
    tables = (PrivateValue, Event, Call, Assignment, Deadline, Delivery)
    return [
        *(delete(table).where(table_of(table).c.incident_id == incident_id) for table in tables),
        delete(Incident).where(Incident.id == incident_id),
    ]


def test_the_newest_incident_gone_with_everything_about_it_and_its_number(sealed: World) -> None:
    incident = sealed.incidents()[2]
    [call] = [call for call in sealed.calls() if call.incident_id == incident.id]
    by_hand(sealed, *without(incident.id), update(IncidentCounter).values(next_value=102))
    assert found(sealed) == [
        (incident.id, 0, None, "missing"),
        (f"call {call.id}", 0, None, "missing"),
    ]


def test_a_call_of_no_incident(sealed: World) -> None:
    [call] = [call for call in sealed.calls() if call.incident_id is None]
    this = Call.id == call.id
    by_hand(sealed, update(Call).where(this).values(ended_at=call.received_at + timedelta(seconds=5)))
    assert found(sealed) == [(f"call {call.id}", 0, None, "changed")]
    by_hand(sealed, update(Call).where(this).values(ended_at=call.ended_at, caller_number=None))
    assert found(sealed) == [], "the number may be erased"
    by_hand(sealed, delete(Call).where(this))
    assert found(sealed) == [(f"call {call.id}", 0, None, "missing")]


def test_a_call_of_an_incident(sealed: World) -> None:
    [call] = [call for call in sealed.calls() if call.provider_sid == "CA-2"]
    by_hand(sealed, update(Call).where(Call.id == call.id).values(provider_sid="CA-9"))
    assert found(sealed) == [
        (SECOND, 0, "call 1 provider_sid", "changed"),
        (SECOND, 0, f"call {call.id}", "changed"),
    ]


# --- seals ----------------------------------------------------------------------------------------


def on(day: date) -> ColumnElement[bool]:
    return record.Seal.day == day


@pytest.mark.parametrize(
    ("column", "value", "more"),
    [
        ("root", "00" * 32, [("seal 2026-11-23", 0, "root", "changed")]),
        ("incidents", 2, [("seal 2026-11-23", 0, "leaves", "changed")]),
        ("sealed_at", None, []),
    ],
)
def test_an_edited_seal(sealed: World, column: str, value: object, more: Found) -> None:
    by_hand(sealed, update(record.Seal).where(on(DAY)).values({column: value or sealed.hand.now()}))
    assert found(sealed) == [
        ("seal 2026-11-23", 0, "signature", "forged"),
        ("seal 2026-11-24", 0, "previous", "broken_link"),
        *more,
    ]


def test_a_seal_that_is_gone(sealed: World) -> None:
    held = fingerprints(sealed)
    by_hand(sealed, delete(record.Seal).where(on(NEXT)), delete(SealLeaf).where(SealLeaf.day == NEXT))
    assert found(sealed) == []
    assert found(sealed, witnessed=held) == [(f"fingerprint {held[1]}", 0, None, "missing")]
    by_hand(sealed, delete(record.Seal))
    assert found(sealed, witnessed=held[:1]) == [(f"fingerprint {held[0]}", 0, None, "missing")]


def test_the_first_seal_gone(sealed: World) -> None:
    by_hand(sealed, delete(record.Seal).where(on(DAY)))
    assert ("seal 2026-11-24", 0, "previous", "broken_link") in found(sealed)


def test_an_edited_and_a_deleted_leaf(sealed: World) -> None:
    leaf = (SealLeaf.day == DAY) & (SealLeaf.position == 1)
    by_hand(sealed, update(SealLeaf).where(leaf).values(sequence=2))
    assert ("seal 2026-11-23", 0, "root", "changed") in found(sealed)
    by_hand(sealed, delete(SealLeaf).where(leaf))
    assert ("seal 2026-11-23", 0, "leaves", "changed") in found(sealed)


@pytest.mark.parametrize("column", ["kind", "sequence"])
def test_a_leaf_without_meaning(sealed: World, column: str) -> None:
    by_hand(
        sealed, update(SealLeaf).where(SealLeaf.day == NEXT).values({column: "9" if column == "kind" else -1})
    )
    assert [problem for where, _, _, problem in found(sealed) if where == "seal 2026-11-24"] == (
        ["unreadable"] if column == "kind" else ["changed"]
    )


def sealed_anew(world: World, key: FileSealKey) -> None:
    """Every seal made again over what stands there now, in the same row and with the same times."""
    with world.uow.read() as session:
        old = [from_row(row) for row in session.scalars(select(record.Seal).order_by(record.Seal.day))]
        heads = {
            (leaf.id, leaf.sequence): line.hash
            for seal in old
            for leaf in leaves_of(session, "KWK", seal.day)
            for line in session.scalars(
                select(Event).where(Event.incident_id == leaf.id, Event.sequence == leaf.sequence)
            )
        }
    by_hand(
        world,
        *(
            update(SealLeaf).where(SealLeaf.subject == one, SealLeaf.sequence == last).values(hash=head)
            for (one, last), head in heads.items()
        ),
    )
    made: list[Seal] = []
    with world.uow.read() as session:
        for seal in old:
            again = replace(
                seal,
                root=seals.root_of(leaves_of(session, "KWK", seal.day)),
                previous=made[-1].hash if made else GENESIS,
                key=key.public.hex(),
            )
            made.append(seals.signed(again, key.sign))
    columns = [column.name for column in table_of(record.Seal).columns]
    rows = [{name: getattr(to_row(seal), name) for name in columns} for seal in made]
    by_hand(world, delete(record.Seal), *(insert(record.Seal).values(row) for row in rows))


def test_everything_rewritten_and_sealed_again_with_another_key(sealed: World) -> None:
    held, own = fingerprints(sealed), FakeSealKeys().create()
    edited(sealed, "actor", "user:other", line=2)
    sealed_anew(sealed, FileSealKey(Ed25519PrivateKey.from_private_bytes(bytes(32))))
    assert found(sealed) == [], "the database alone cannot tell"
    assert found(sealed, key=own.public.hex()) == [
        ("seal 2026-11-23", 0, "key", "forged"),
        ("seal 2026-11-24", 0, "key", "forged"),
    ]
    assert found(sealed, witnessed=held) == [
        (f"fingerprint {fingerprint}", 0, None, "missing") for fingerprint in held
    ]


def test_everything_rewritten_and_sealed_again_with_the_key_itself(sealed: World) -> None:
    """Whoever has the machine has the key; but not the witnesses' phones."""
    held, own = fingerprints(sealed), FakeSealKeys().create()
    edited(sealed, "actor", "user:other", line=2)
    sealed_anew(sealed, own)
    assert found(sealed, key=own.public.hex()) == []
    assert len(found(sealed, key=own.public.hex(), witnessed=held)) == 2
    assert found(sealed, witnessed=fingerprints(sealed)) == []
