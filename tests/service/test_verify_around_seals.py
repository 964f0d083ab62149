"""What somebody can do beside the chains and the seals themselves, and how ``verify`` names it.

Rows that are said to be another health centre's, calls that are put into a day that is over, seals that
are taken away with everything they cover.
"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from dispatch.service.outages import Heart
from dispatch.service.sealing import Sealer
from dispatch.service.verifying import verify
from models import record
from models.base import table_of
from models.incident import Assignment, Call
from models.record import Event, PrivateValue, SealLeaf
from models.traffic import Inbox
from models.triggers import drop_statements
from tests.fakes.seal_keys import FakeSealKeys
from tests.service.conftest import MakeWorld
from tests.service.sealed_days import AFTER_MIDNIGHT_S, DAY_S, SECOND, by_hand
from tests.world import World

NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


def found(world: World) -> set[tuple[str, int, str | None, str]]:
    return {(one.incident, one.sequence, one.field, one.problem) for one in verify(world.uow, "KWK")}


def second(world: World) -> str:
    return next(row.id for row in world.incidents() if row.number == SECOND)


# --- another facility's ---------------------------------------------------------------------------


def test_lines_that_are_said_to_be_elsewhere(sealed: World) -> None:
    of_it = Event.incident_id == second(sealed)
    by_hand(sealed, update(Event).where(of_it, Event.sequence >= 3).values(facility_id="ZZZ"))
    assert found(sealed) == {(SECOND, n, "facility_id", "changed") for n in (3, 4)}


def test_parts_of_an_incident_that_are_said_to_be_elsewhere(sealed: World) -> None:
    incident_id = second(sealed)
    [call] = [call for call in sealed.calls() if call.incident_id == incident_id]
    tables = (PrivateValue, Call, Assignment)
    by_hand(
        sealed,
        *(
            update(table).where(table.incident_id == incident_id).values(facility_id="ZZZ")
            for table in tables
        ),
    )
    assert found(sealed) >= {
        (SECOND, 1, "caller_number facility_id", "changed"),
        (SECOND, 0, f"call {call.id} facility_id", "changed"),
        (SECOND, 0, "N01 facility_id", "changed"),
        (SECOND, 0, "facility_id", "changed"),
    }


def test_a_call_of_no_incident_that_is_said_to_be_elsewhere(sealed: World) -> None:
    sealed.resident(None).texts("Paket data habis")
    before, after = sorted(
        (call for call in sealed.calls() if call.incident_id is None), key=lambda call: call.received_at
    )
    by_hand(sealed, update(Call).where(Call.incident_id.is_(None)).values(facility_id="ZZZ"))
    assert found(sealed) == {(f"call {call.id}", 0, "facility_id", "changed") for call in (before, after)}


# --- put in ---------------------------------------------------------------------------------------


def a_text(**facts: object) -> object:
    """The row of an operator's text that nobody sent."""
    row = {
        "id": "00000000-0000-7000-8000-000000000001",
        "facility_id": "KWK",
        "incident_id": None,
        "provider": "fake",
        "provider_sid": "SM-forged",
        "provider_sequence": -1,
        "channel": "sms",
        "caller_number": None,
        "outcome": "information",
        "menu_digit": None,
        "opened_incident": False,
        "received_at": NOON,
        "answered_at": None,
        "ended_at": NOON,
    }
    return insert(table_of(Call)).values({**row, **facts})


FORGED = "call 00000000-0000-7000-8000-000000000001"


def test_a_call_that_is_put_into_a_sealed_day_before_and_after_the_next_seal(sealed: World) -> None:
    by_hand(sealed, a_text())
    assert found(sealed) == {(FORGED, 0, "received_at", "inserted")}
    sealed.hand.advance(DAY_S)
    keys = FakeSealKeys()
    keys.create()
    assert [seal.calls for seal in Sealer(sealed.services, keys).seal_due()] == [1]
    assert found(sealed) == {(FORGED, 0, "received_at", "inserted")}


def test_a_text_that_was_late_is_no_finding(sealed: World) -> None:
    """The database was away over midnight: what waited in the journal is applied with its true time."""
    by_hand(sealed, a_text())
    kept = {
        "id": "00000000-0000-7000-8000-000000000002",
        "facility_id": "KWK",
        "provider_key": "sms:SM-forged",
        "kind": "sms",
        "received_at": sealed.hand.now(),
        "body": {},
        "reply": None,
        "incident_id": None,
    }
    by_hand(sealed, insert(table_of(Inbox)).values(kept))
    assert found(sealed) == set()


@pytest.mark.parametrize(
    "facts", [{"channel": "voice"}, {"outcome": "answered"}, {"menu_digit": "1"}, {"answered_at": NOON}]
)
def test_a_call_that_could_only_be_an_incidents(sealed: World, facts: dict[str, object]) -> None:
    by_hand(sealed, a_text(received_at=sealed.hand.now(), **facts))
    assert found(sealed) == {(FORGED, 0, None, "changed")}


def test_a_personal_value_that_no_line_names(sealed: World) -> None:
    incident_id = second(sealed)
    value = {
        "incident_id": incident_id,
        "sequence": 2,
        "name": "complaint",
        "facility_id": "KWK",
        "value": "tidak pernah ada",
        "salt": b"0123456789abcdef",
        "erased_at": None,
    }
    by_hand(sealed, insert(table_of(PrivateValue)).values(value))
    assert found(sealed) == {(SECOND, 2, "complaint", "inserted")}


# --- seals that are gone --------------------------------------------------------------------------


def without_seals(world: World) -> None:
    by_hand(world, delete(record.Seal), delete(SealLeaf))


def test_every_seal_gone_while_the_program_went_on(sealed: World) -> None:
    Heart(sealed.services).beat()
    assert found(sealed) == set()
    without_seals(sealed)
    assert found(sealed) == {("seals", 0, None, "missing")}


def test_the_newest_seal_gone_while_the_program_went_on(sealed: World) -> None:
    with sealed.uow.read() as session:
        newest = max(session.scalars(select(record.Seal.day)))
    Heart(sealed.services).beat()
    by_hand(
        sealed,
        delete(record.Seal).where(record.Seal.day == newest),
        delete(SealLeaf).where(SealLeaf.day == newest),
    )
    assert found(sealed) == set(), "it might not be made yet"
    sealed.hand.advance(timedelta(hours=1).total_seconds())
    Heart(sealed.services).beat()
    assert found(sealed) == {("seals", 0, None, "missing")}


def test_days_without_a_sign_of_life_need_no_seal(sealed: World) -> None:
    """A backup that was restored a week later, before the program has run again."""
    Heart(sealed.services).beat()
    sealed.hand.advance(7 * DAY_S)
    assert found(sealed) == set()


def test_a_seal_whose_text_went_to_a_witness_and_that_is_gone(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident("+628119999001").rings("CA-1")
    world.hand.advance(AFTER_MIDNIGHT_S)
    [seal] = Sealer(world.services, FakeSealKeys(), witnesses=["+6281100000006"]).seal_due()
    by_hand(world, *drop_statements(world.uow.engine.dialect.name))
    assert found(world) == set()
    without_seals(world)
    [finding] = verify(world.uow, "KWK")
    assert (finding.incident, finding.problem) == ("seal of 23-11-2026", "missing")
    assert seal.fingerprint in finding.detail
