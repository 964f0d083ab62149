"""Each day that has ended gets one seal, whatever happens, and its fingerprint leaves the house once."""

from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError
from structlog.testing import capture_logs

from dispatch.adapters.seal_key import FileSealKey
from dispatch.domain import seals
from dispatch.domain.commands import Action
from dispatch.domain.effects import Purpose
from dispatch.domain.evidence import GENESIS
from dispatch.domain.seals import Leaf, LeafKind, Seal
from dispatch.domain.vocabulary import DeliveryState
from dispatch.service import sealing
from dispatch.service.sealed import call_facts, from_row, leaves_of
from dispatch.service.sealing import Sealer, SealRefusedError
from models import record
from models.record import SealLeaf
from tests.builders import START
from tests.fakes.seal_keys import FakeSealKeys
from tests.service.conftest import MakeWorld
from tests.world import World, at_once

WITNESSES = ("+6281100000091", "+6281100000092")
FIRST = date(2026, 11, 23)
MIDNIGHT_IN_S = 12 * 3600.0
"""From noon, at which a world begins."""
DAY_S = 86_400.0
AFTER_MIDNIGHT_S = MIDNIGHT_IN_S + sealing.GRACE.total_seconds()


def sealer_of(world: World, keys: FakeSealKeys | None = None) -> Sealer:
    return Sealer(world.services, keys or FakeSealKeys(), witnesses=WITNESSES)


def stored(world: World) -> list[Seal]:
    with world.uow.read() as session:
        return [from_row(row) for row in session.scalars(select(record.Seal).order_by(record.Seal.day))]


def leaves(world: World, day: date) -> list[Leaf]:
    with world.uow.read() as session:
        return list(leaves_of(session, "KWK", day))


def heads(world: World) -> set[Leaf]:
    return {
        Leaf(kind=LeafKind.INCIDENT, id=row.id, sequence=row.event_count, hash=row.chain_head)
        for row in world.incidents()
    }


def calls(world: World) -> set[Leaf]:
    facts = [call_facts(row) for row in world.calls()]
    return {Leaf(kind=LeafKind.CALL, id=one.id, sequence=0, hash=one.digest()) for one in facts}


def two_emergencies(world: World) -> None:
    world.resident("+628119999001").rings("CA-1")
    world.resident("+628119999002").rings("CA-2")
    world.works()
    world.resident(None).texts("Pulsa Anda habis")


class DiedError(Exception):
    """The process is no more."""


class DyingKeys(FakeSealKeys):
    """The process dies when it comes to sign."""

    def create(self) -> FileSealKey:
        class Dying(FileSealKey):
            def sign(self, message: bytes) -> bytes:
                raise DiedError

        return Dying(Ed25519PrivateKey.from_private_bytes(self._seed))


# --- what is sealed -------------------------------------------------------------------------------


def test_a_day_is_sealed_after_its_end_over_every_chain_and_every_call(world: World) -> None:
    two_emergencies(world)
    sealer = sealer_of(world)
    assert sealer.seal_due() == []
    world.hand.advance(AFTER_MIDNIGHT_S - 1)
    assert sealer.seal_due() == []
    world.hand.advance(1)
    [seal] = sealer.seal_due()
    assert stored(world) == [seal]
    assert (seal.day, seal.previous, seal.incidents, seal.calls) == (FIRST, GENESIS, 2, 3)
    assert set(leaves(world, FIRST)) == heads(world) | calls(world)
    assert seal.root == seals.root_of(leaves(world, FIRST))
    assert seals.is_genuine(seal)
    assert sealer.seal_due() == []


def test_what_was_recorded_in_a_day_counts_and_not_what_happened_in_it(world: World) -> None:
    """A phone that was out of reach tells on the next day what was done on the day before."""
    incident_id = world.resident().rings().incident_id
    world.works()
    sealer = sealer_of(world)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer.seal_due()
    before = world.incident(incident_id)
    world.worker(before.assignments[0].staff_code).does(
        incident_id, Action.ACCEPT, occurred_at=START + timedelta(minutes=5)
    )
    after = heads(world)
    world.hand.advance(DAY_S)
    [second] = sealer.seal_due()
    assert (second.incidents, second.calls) == (1, 0)
    assert set(leaves(world, second.day)) == after


def test_a_day_that_is_sealed_late_holds_what_was_recorded_before_its_end(world: World) -> None:
    sealer = sealer_of(world)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer.seal_due()
    two_emergencies(world)
    at_the_end = heads(world)
    world.hand.advance(DAY_S)
    world.resident("+628119999003").rings("CA-3")
    world.hand.advance(2 * DAY_S)
    made = sealer.seal_due()
    assert [seal.day for seal in made] == [FIRST + timedelta(days=n) for n in (1, 2, 3)]
    assert {leaf for leaf in leaves(world, made[0].day) if leaf.kind is LeafKind.INCIDENT} == at_the_end
    assert [(seal.incidents, seal.calls) for seal in made[1:]] == [(1, 1), (0, 0)]
    assert made[2].root == seals.root_of([])
    assert list(seals.faults(stored(world))) == []


def test_what_a_clock_that_was_set_back_wrote_into_a_sealed_day_is_in_the_next_seal(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    two_emergencies(world)
    sealer = sealer_of(world)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer.seal_due()
    world.hand.advance(-3600.0)
    world.resident("+628119999003").rings("CA-3")
    world.hand.advance(3600.0 + DAY_S)
    [second] = sealer.seal_due()
    assert (second.incidents, second.calls) == (1, 1)


def test_the_first_seal_covers_everything_before_it(world: World) -> None:
    two_emergencies(world)
    world.hand.advance(400 * DAY_S)
    [seal] = sealer_of(world).seal_due()
    assert seal.day == FIRST + timedelta(days=399)
    assert (seal.incidents, seal.calls) == (2, 3)


# --- once, whatever happens -----------------------------------------------------------------------


def test_two_engines_make_one_seal(world: World) -> None:
    world.hand.advance(AFTER_MIDNIGHT_S)
    keys = FakeSealKeys()
    others = [sealer_of(heir, keys) for heir in (world, world.restarted())]
    made = others[0].seal_due()
    two_emergencies(world)
    world.hand.advance(2 * DAY_S)
    made += [seal for found in at_once(*[sealer.seal_due for sealer in others]) for seal in found]
    # Whoever found the leaves changed under its hands looks again a minute later.
    made += others[0].seal_due()
    days = [FIRST + timedelta(days=n) for n in range(3)]
    assert sorted(seal.day for seal in made) == days
    assert [len(leaves(world, day)) for day in days] == [0, 5, 0]
    assert list(seals.faults(stored(world))) == []
    assert len(world.deliveries(purpose=str(Purpose.SEAL))) == 3 * len(WITNESSES)


def test_what_a_dead_engine_left_half_done_is_gone_on_with(world: World) -> None:
    two_emergencies(world)
    world.hand.advance(AFTER_MIDNIGHT_S)
    half = sealer_of(world, DyingKeys())
    with pytest.raises(DiedError):
        half.seal_due()
    assert stored(world) == []
    left = leaves(world, FIRST)
    assert len(left) == 5
    world.hand.advance(-120.0 - sealing.GRACE.total_seconds())
    world.resident("+628119999003").rings("CA-3")
    world.hand.advance(120.0 + sealing.GRACE.total_seconds())
    [seal] = sealer_of(world).seal_due()
    assert (seal.incidents, seal.calls) == (3, 4)
    assert leaves(world, FIRST)[:5] == left
    assert set(leaves(world, FIRST)) == heads(world) | calls(world)


def test_a_clock_that_runs_a_month_ahead_seals_nothing_without_being_asked(world: World) -> None:
    sealer = sealer_of(world)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer.seal_due()
    world.hand.advance(32 * DAY_S)
    with pytest.raises(SealRefusedError, match="32 days are not sealed, from 2026-11-24 on"):
        sealer.seal_due()
    assert len(sealer.seal_due(most_days=None)) == 32


def test_a_lost_key_is_asked_for_and_not_replaced(world: World) -> None:
    keys = FakeSealKeys()
    sealer = sealer_of(world, keys)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer.seal_due()
    world.hand.advance(DAY_S)
    kept, keys.key = keys.key, None
    with pytest.raises(SealRefusedError, match="the key is gone"):
        sealer.seal_due()
    other = FakeSealKeys(seed=2)
    other.create()
    with pytest.raises(SealRefusedError, match="the key is not the one"):
        sealer_of(world, other).seal_due()
    keys.key = kept
    assert len(sealer.seal_due()) == 1


def test_what_keeps_a_day_from_being_sealed_is_said_once(world: World) -> None:
    keys = FakeSealKeys()
    sealer = sealer_of(world, keys)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer.look()
    world.hand.advance(DAY_S)
    kept, keys.key = keys.key, None
    with capture_logs() as said:
        sealer.look()
        sealer.look()
    assert [(line["event"], line["log_level"]) for line in said] == [("seal.refused", "error")]
    assert "memory" in said[0]["reason"]
    keys.key = kept
    sealer.look()
    keys.key = None
    world.hand.advance(DAY_S)
    with capture_logs() as said:
        sealer.look()
    assert len(said) == 1
    assert len(stored(world)) == 2


# --- the fingerprint leaves -----------------------------------------------------------------------


def test_every_witness_gets_the_fingerprint_by_text_once(world: World) -> None:
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer = sealer_of(world)
    [seal] = sealer.seal_due()
    world.works()
    sealer.seal_due()
    world.works()
    told = [sent for sent in world.provider.sent if sent.to_number in WITNESSES]
    assert sorted(sent.to_number for sent in told) == list(WITNESSES)
    assert {sent.body for sent in told} == {f"seal {seal.fingerprint}"}
    assert {row.state for row in world.deliveries(purpose=str(Purpose.SEAL))} == {DeliveryState.ACCEPTED}


# --- kept for good --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        update(record.Seal).values(root="00"),
        delete(record.Seal),
        update(SealLeaf).values(hash="00"),
        delete(SealLeaf),
    ],
    ids=["edit a seal", "delete a seal", "edit a leaf", "delete a leaf"],
)
def test_seals_and_leaves_are_append_only(world: World, change: object) -> None:
    two_emergencies(world)
    world.hand.advance(AFTER_MIDNIGHT_S)
    sealer_of(world).seal_due()
    with pytest.raises(DatabaseError, match="append-only"), world.uow.write() as session:
        session.execute(change)  # type: ignore[call-overload] # one of the statements above
