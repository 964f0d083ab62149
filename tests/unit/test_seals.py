"""The tree of RFC 9162, the seal's fingerprint and signature, and what is wrong with a row of seals."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dispatch.domain import merkle, seals
from dispatch.domain.evidence import GENESIS
from dispatch.domain.seals import CallFacts, Leaf, LeafKind, Seal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ZONE = ZoneInfo("Asia/Jayapura")
FIRST = date(2026, 11, 23)

# The leaves and the roots over the first of them that every Certificate Transparency log is tested with.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_tree_is_the_one_of_certificate_transparency(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


def test_a_leaf_is_written_in_one_way() -> None:
    leaf = Leaf(kind=LeafKind.INCIDENT, id="i1", sequence=4, hash="ab")
    assert leaf.written() == b'{"hash":"ab","id":"i1","kind":"incident","sequence":4}'


def test_what_is_sealed_of_a_call_is_not_its_number() -> None:
    at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    facts = CallFacts(
        id="c1",
        incident="i1",
        provider="twilio",
        provider_sid="CA1",
        channel="voice",
        received_at=at,
        opened_incident=True,
    )
    assert facts.written() == (
        b'{"call":"c1","channel":"voice","incident":"i1","opened_incident":true,"provider":"twilio",'
        b'"provider_sid":"CA1","received_at":"2026-11-23T12:00:00.000+00:00"}'
    )
    alone = replace(facts, incident=None, opened_incident=False, ending=("information", at))
    assert json.loads(alone.written())["outcome"] == "information"
    assert json.loads(alone.written())["ended_at"] == "2026-11-23T12:00:00.000+00:00"


# --- the fingerprint ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digest", "shown"),
    [
        (bytes(32), "0000-0000-0000"),
        (b"\xff" * 32, "ZZZZ-ZZZZ-ZZZZ"),
        (bytes.fromhex("0000000000000010") + bytes(24), "0000-0000-0001"),
        (bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df"), "0123-4567-89AB"),
    ],
)
def test_the_fingerprint_is_the_first_sixty_bits(digest: bytes, shown: str) -> None:
    assert seals.fingerprint(digest) == shown


def test_no_two_letters_of_a_fingerprint_look_alike() -> None:
    shown = {seals.fingerprint(bytes([n]) * 32)[0] for n in range(256)}
    assert len(shown) == 32
    assert shown.isdisjoint("ILOU")


@pytest.mark.parametrize(
    "written", ["0123-4567-89AB", "0123 4567 89ab", "o123456789ab", "OI23.4567.89AB", "0l23-4567-89ab"]
)
def test_a_fingerprint_is_read_however_it_was_written_down(written: str) -> None:
    assert seals.read_fingerprint(written) == "0123-4567-89AB"


@pytest.mark.parametrize(
    "written", ["", "0123-4567-89A", "0123-4567-89ABC", "0123-4567-89AU", "0123-4567-8?AB"]
)
def test_what_is_no_fingerprint_is_not_taken_for_one(written: str) -> None:
    assert seals.read_fingerprint(written) is None


# --- seals in a row -------------------------------------------------------------------------------


def row_of(days: int, key: Ed25519PrivateKey = KEY) -> list[Seal]:
    made: list[Seal] = []
    for number in range(days):
        day = FIRST + timedelta(days=number)
        seal = Seal(
            facility="KWK",
            day=day,
            zone="Asia/Jayapura",
            covers_until=seals.end_of(day, ZONE),
            sealed_at=seals.end_of(day, ZONE) + timedelta(minutes=10),
            incidents=number,
            calls=0,
            root="ab" * 32,
            previous=made[-1].hash if made else GENESIS,
            key=key.public_key().public_bytes_raw().hex(),
        )
        made.append(seals.signed(seal, key.sign))
    return made


def short(row: Sequence[Seal], **options: str) -> list[tuple[int, str | None, str]]:
    return [(fault.day.day, fault.field, fault.problem) for fault in seals.faults(row, **options)]


def test_a_day_ends_at_midnight_of_the_facilitys_clocks() -> None:
    assert seals.end_of(FIRST, ZONE) == datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def test_an_untouched_row_has_no_faults() -> None:
    assert short(row_of(4)) == []
    assert short([]) == []
    assert short(row_of(4), key=KEY.public_key().public_bytes_raw().hex()) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("facility", "KWX"),
        ("sealed_at", datetime(2026, 11, 26, tzinfo=UTC)),
        ("incidents", 7),
        ("calls", 1),
        ("root", "cd" * 32),
        ("signature", "00" * 64),
        ("signature", "?"),
    ],
)
def test_a_changed_seal_is_forged_and_the_next_one_does_not_follow_it(field: str, value: object) -> None:
    row = row_of(4)
    row[1] = replace(row[1], **{field: value})  # type: ignore[arg-type] # fields by name
    found = short(row)
    follows = [] if field == "signature" else [(25, "previous", "broken_link")]
    assert found == [(24, "signature", "forged"), *follows]


def test_a_seal_that_was_signed_anew_is_not_the_one_that_the_next_names() -> None:
    row = row_of(4)
    row[1] = seals.signed(replace(row[1], incidents=9), KEY.sign)
    assert short(row) == [(25, "previous", "broken_link")]


def test_a_seal_with_another_key() -> None:
    row = row_of(4)
    other = OTHER.public_key().public_bytes_raw().hex()
    row[3] = seals.signed(replace(row[3], key=other), OTHER.sign)
    assert short(row) == [(26, "key", "forged")]
    whole = row_of(2, key=OTHER)
    assert short(whole) == []
    assert short(whole, key=KEY.public_key().public_bytes_raw().hex()) == [
        (23, "key", "forged"),
        (24, "key", "forged"),
    ]


def test_missing_seals_are_named_by_their_days() -> None:
    row = row_of(5)
    found = list(seals.faults([row[0], *row[3:]]))
    assert [(fault.day, fault.problem) for fault in found] == [(date(2026, 11, 24), "missing")]
    assert "2026-11-24 … 2026-11-25" in found[0].detail
    assert short(row[1:]) == [(24, "previous", "broken_link")]


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Nowhere/Else", "../x"])
def test_a_day_of_another_zone(zone: str) -> None:
    row = row_of(1)
    row[0] = seals.signed(replace(row[0], zone=zone), KEY.sign)
    assert short(row) == [(23, "covers_until", "changed")]
