"""No single change of a chain stays unseen, and an untouched one never raises a false alarm."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.domain.canonical import JsonValue
from dispatch.domain.evidence import (
    GENESIS,
    ChainLink,
    canonical,
    findings,
    verify_chain,
)
from tests.builders import with_hash

_START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _text
_values: st.SearchStrategy[JsonValue] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_data = st.dictionaries(_text, _values, max_size=4)


def _chain(contents: list[dict[str, JsonValue]], incident: str = "i1") -> Iterator[ChainLink]:
    previous = GENESIS
    for sequence, data in enumerate(contents, start=1):
        link = with_hash(
            ChainLink(
                incident=incident,
                sequence=sequence,
                kind="note.added",
                occurred_at=_START,
                recorded_at=_START + timedelta(seconds=sequence),
                source="web",
                actor=f"user:{sequence}",
                data=data,
                private={},
                previous=previous,
                hash="",
            )
        )
        previous = link.hash
        yield link


_ascii = st.text(st.characters(max_codepoint=127), max_size=12)
_numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
_plain_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | _numbers | _ascii | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ascii | _text, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_ascii, _plain_values, max_size=4))
@example({"tiny": 1e-7, "small": 0.00001, "edge": 0.0001, "whole": 30.0, "minus": -0.0, "DEL": "\x7f"})
@example({"e-": 0.1, "control": "\x00\x1f\b\t\n\f\r", "quotes": '"\\/'})
def test_the_quick_writer_and_the_library_write_the_same_bytes(data: dict[str, JsonValue]) -> None:
    (link,) = _chain([data])
    everything = json.loads(canonical(link))
    assert canonical(link) == rfc8785.dumps({**everything, "data": data})


@given(st.lists(_data, max_size=6))
def test_an_untouched_chain_is_intact_and_survives_json(contents: list[dict[str, JsonValue]]) -> None:
    assert verify_chain(_chain(contents)) == []
    for link in _chain(contents):
        assert canonical(replace(link, data=json.loads(json.dumps(link.data)))) == canonical(link)


@given(st.lists(_data, min_size=2, max_size=6), st.data())
def test_any_single_change_is_found(contents: list[dict[str, JsonValue]], draw: st.DataObject) -> None:
    links = list(_chain(contents))
    at = draw.draw(st.integers(0, len(links) - 1))
    field = draw.draw(st.sampled_from(["actor", "kind", "incident", "previous", "hash", "data", "sequence"]))
    if field == "data":
        links[at] = replace(links[at], data={**links[at].data, "added": len(links[at].data)})
    elif field == "sequence":
        other = draw.draw(st.integers(-3, 30).filter(lambda number: number != links[at].sequence))
        links[at] = replace(links[at], sequence=other)
    else:
        changed = "x" + str(getattr(links[at], field))
        links[at] = replace(links[at], **{field: changed})  # type: ignore[arg-type]  # text fields only
    assert verify_chain(links)


@given(st.lists(_data, min_size=2, max_size=8), st.data())
def test_a_removed_event_is_found_unless_it_was_the_last(
    contents: list[dict[str, JsonValue]], draw: st.DataObject
) -> None:
    links = list(_chain(contents))
    gone = draw.draw(st.integers(0, len(links) - 2))
    found = verify_chain(links[:gone] + links[gone + 1 :])
    assert [(finding.sequence, finding.problem) for finding in found] == [(gone + 1, "missing")]


@given(st.lists(_data, min_size=2, max_size=6), st.data())
def test_any_other_order_is_found(contents: list[dict[str, JsonValue]], draw: st.DataObject) -> None:
    links = list(_chain(contents))
    shuffled = draw.draw(st.permutations(links))
    assert bool(verify_chain(shuffled)) == (shuffled != links)


def test_findings_are_given_while_the_stream_still_runs() -> None:
    def endless() -> Iterator[ChainLink]:
        number = 0
        while True:
            number += 1
            first, second = _chain([{"n": 1}, {"n": 2}], f"i{number}")
            yield from (first, replace(second, actor="x") if number == 3 else second)

    assert next(findings(endless())).incident == "i3"
