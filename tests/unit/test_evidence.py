"""A changed record is found, and the finding says where."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest

from dispatch.domain.canonical import JsonValue, NotCanonicalError, instant
from dispatch.domain.evidence import (
    GENESIS,
    ChainLink,
    Finding,
    Problem,
    canonical,
    link_hash,
    private_digest,
    verify_chain,
)
from tests.builders import with_hash

_START = datetime(2026, 11, 23, 12, 0, 0, 123_999, tzinfo=UTC)
_SALT = bytes(range(16))
_NUMBER = "+62811000001"


def _event(sequence: int, previous: str, incident: str = "i1", /, **data: JsonValue) -> ChainLink:
    at = _START + timedelta(seconds=sequence)
    return with_hash(
        ChainLink(
            incident=incident,
            sequence=sequence,
            kind="assignment.alerted",
            occurred_at=at,
            recorded_at=at,
            source="engine",
            actor="engine",
            data={"staff_code": f"N{sequence:02}", **data},
            private={"number": private_digest(_SALT, _NUMBER)},
            previous=previous,
            hash="",
        )
    )


def _chain(length: int, incident: str = "i1") -> list[ChainLink]:
    links: list[ChainLink] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        links.append(_event(sequence, previous, incident))
        previous = links[-1].hash
    return links


def _short(findings: list[Finding]) -> list[tuple[int, str | None, Problem]]:
    return [(finding.sequence, finding.field, finding.problem) for finding in findings]


def test_an_untouched_chain_has_no_findings() -> None:
    assert verify_chain(_chain(5)) == []
    assert verify_chain([]) == []
    assert verify_chain([*_chain(3, "i1"), *_chain(2, "i2"), *_chain(1, "i3")]) == []


def test_the_canonical_form_is_exactly_this() -> None:
    link = _event(1, GENESIS, note="Kwamki «ü»")
    digest = hashlib.sha256(_SALT + _NUMBER.encode()).hexdigest()
    expected = (
        '{"actor":"engine","data":{"note":"Kwamki «ü»","staff_code":"N01"},"incident":"i1",'
        '"kind":"assignment.alerted","occurred_at":"2026-11-23T12:00:01.123+00:00",'
        f'"previous":"{GENESIS}","private":{{"number":"{digest}"}},'
        '"recorded_at":"2026-11-23T12:00:01.123+00:00","sequence":1,"source":"engine"}'
    )
    assert canonical(link).decode() == expected
    assert link_hash(link) == hashlib.sha256(expected.encode()).hexdigest()


def test_keys_are_ordered_by_utf16_as_the_rule_wants() -> None:
    link = _event(1, GENESIS, "i1", **{"\U0001f600": 1, "\ufb33": 2, "\r": 3})
    assert list(json.loads(canonical(link))["data"]) == ["\r", "staff_code", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), "2026-11-23T12:00:00.000+00:00"),
        (datetime(2026, 11, 23, 12, 0, 0, 999_999, tzinfo=UTC), "2026-11-23T12:00:00.999+00:00"),
        (datetime(2026, 11, 23, 21, 0, tzinfo=timezone(timedelta(hours=9))), "2026-11-23T12:00:00.000+00:00"),
    ],
)
def test_instants_are_utc_milliseconds(at: datetime, written: str) -> None:
    assert instant(at) == written


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        instant(datetime(2026, 11, 23, 12, 0))  # noqa: DTZ001 — the point of the test


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, r"data\.x: nan is no number"),
        (math.inf, r"data\.x: inf is no number"),
        (2**53, r"data\.x: 9007199254740992 is beyond"),
        (-(2**53), r"data\.x: -9007199254740992 is beyond"),
        ([0, {"y": math.nan}], r"data\.x\[1\]\.y: nan is no number"),
        ({1: "a"}, r"data\.x: the key 1 is no text"),
        (b"a", r"data\.x: bytes has no form in JSON"),
        ({"a"}, r"data\.x: set has no form in JSON"),
        (_START, r"data\.x: datetime has no form in JSON"),
        ("\ud800", "event 1"),
        ({"\ud800": 1}, "event 1"),
    ],
)
def test_what_two_programs_could_write_differently_is_refused(value: object, reason: str) -> None:
    with pytest.raises(NotCanonicalError, match=reason):
        _event(1, GENESIS, x=cast(JsonValue, value))


def test_endless_nesting_is_refused() -> None:
    nested: JsonValue = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(NotCanonicalError, match="nested deeper"):
        _event(1, GENESIS, x=nested)


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(ValueError, match="salt"):
        private_digest(b"short", _NUMBER)


def _with(position: int, **change: object) -> Callable[[list[ChainLink]], list[ChainLink]]:
    def alter(links: list[ChainLink]) -> list[ChainLink]:
        changed = replace(links[position], **change)  # type: ignore[arg-type]  # one helper for every field
        return [*links[:position], changed, *links[position + 1 :]]

    return alter


def _rewritten(links: list[ChainLink]) -> list[ChainLink]:
    return [*links[:2], with_hash(replace(links[2], actor="somebody")), *links[3:]]


def _removed_and_renumbered(links: list[ChainLink]) -> list[ChainLink]:
    return [*links[:2], *(replace(link, sequence=link.sequence - 1) for link in links[3:])]


def _inserted_and_renumbered(links: list[ChainLink]) -> list[ChainLink]:
    extra = _event(3, links[1].hash, kind_of="forged")
    return [*links[:2], extra, *(replace(link, sequence=link.sequence + 1) for link in links[2:])]


def _numbers_swapped(links: list[ChainLink]) -> list[ChainLink]:
    return [links[0], replace(links[2], sequence=2), replace(links[1], sequence=3), *links[3:]]


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (_with(2, actor="somebody"), [(3, None, Problem.CHANGED)]),
        (_with(2, kind="assignment.declined"), [(3, None, Problem.CHANGED)]),
        (_with(2, data={"staff_code": "N99"}), [(3, None, Problem.CHANGED)]),
        (_with(2, data={"staff_code": math.nan}), [(3, "data", Problem.CHANGED)]),
        (_with(2, private={"number": "0" * 64}), [(3, None, Problem.CHANGED)]),
        (_with(2, occurred_at=_START), [(3, "occurred_at", Problem.CHANGED)]),
        (_with(2, recorded_at=_START), [(3, "recorded_at", Problem.CHANGED)]),
        (_with(2, source="web"), [(3, "source", Problem.CHANGED)]),
        (_with(2, previous="f" * 64), [(3, "previous", Problem.CHANGED)]),
        (_with(2, hash="f" * 64), [(3, "hash", Problem.CHANGED)]),
        (_with(4, hash="f" * 64), [(5, None, Problem.CHANGED)]),
        (_with(4, sequence=9), [(9, "sequence", Problem.CHANGED)]),
        (_with(0, actor="somebody"), [(1, None, Problem.CHANGED)]),
        (_rewritten, [(4, "previous", Problem.BROKEN_LINK)]),
        (lambda links: [*links[:2], *links[3:]], [(3, None, Problem.MISSING)]),
        (lambda links: links[2:], [(1, None, Problem.MISSING)]),
        (lambda links: [links[0], links[2], links[1], *links[3:]], [(2, None, Problem.REORDERED)]),
        (lambda links: [*links[:2], links[1], *links[2:]], [(2, None, Problem.INSERTED)]),
        (
            lambda links: [*links[:2], _event(2, links[0].hash, x=1), *links[2:]],
            [(2, None, Problem.INSERTED)],
        ),
        (
            _removed_and_renumbered,
            [
                (3, "sequence", Problem.REORDERED),
                (3, None, Problem.MISSING),
                (4, "sequence", Problem.REORDERED),
            ],
        ),
        (
            _inserted_and_renumbered,
            [
                (4, "sequence", Problem.REORDERED),
                (3, None, Problem.INSERTED),
                (5, "sequence", Problem.REORDERED),
                (6, "sequence", Problem.REORDERED),
            ],
        ),
        (_numbers_swapped, [(2, "sequence", Problem.REORDERED), (3, "sequence", Problem.REORDERED)]),
    ],
)
def test_what_was_done_to_a_chain_is_named(
    tamper: Callable[[list[ChainLink]], list[ChainLink]], found: list[tuple[int, str | None, Problem]]
) -> None:
    assert _short(verify_chain(tamper(_chain(5)))) == found


def test_two_faults_in_one_chain_and_the_next_incident_are_all_found() -> None:
    links = _with(1, actor="x")(_with(6, actor="y")(_chain(9)))
    other = _with(0, actor="z")(_chain(3, "i2"))
    assert [(finding.incident, finding.sequence) for finding in verify_chain([*links, *other])] == [
        ("i1", 2),
        ("i1", 7),
        ("i2", 1),
    ]


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({2: (_SALT, _NUMBER)}, []),
        ({}, []),
        ({2: (_SALT, "+62811000002")}, [(2, "number", Problem.PRIVATE_CHANGED)]),
        ({2: (b"", _NUMBER)}, [(2, "number", Problem.PRIVATE_CHANGED)]),
        ({2: (_SALT, "\ud800")}, [(2, "number", Problem.PRIVATE_CHANGED)]),
    ],
)
def test_private_values_are_checked_and_may_be_erased(
    stored: Mapping[int, tuple[bytes, str]], found: list[tuple[int, str | None, Problem]]
) -> None:
    findings = verify_chain(_chain(3), private_values=lambda _incident, sequence, _name: stored.get(sequence))
    assert _short(findings) == found


def test_an_exchanged_digest_is_named_while_the_value_is_still_there() -> None:
    links = _with(1, private={"number": "0" * 64})(_chain(3))
    findings = verify_chain(links, private_values=lambda *_key: (_SALT, _NUMBER))
    assert _short(findings) == [
        (2, "number", Problem.PRIVATE_CHANGED),
        (2, "private.number", Problem.CHANGED),
    ]
