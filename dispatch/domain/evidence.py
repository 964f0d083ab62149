"""The hash chain that makes a line of the record impossible to change quietly.

Decides what of an event is hashed, and which event of a chain no longer says what it said. Never touches
storage, seals or signatures, and never sees personal data unless it is handed in to be checked: an event
holds only ``SHA-256(salt ‖ value)`` of each private value. Source: DESIGN 5.

What a chain alone cannot show: events cut off its end, and a chain rewritten from some point to its end.
A seal over the chain heads, whose fingerprint is kept elsewhere, shows both (``dispatch.domain.seals``).
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain, groupby
from typing import TypeAlias

from dispatch.domain.canonical import JsonValue, NotCanonicalError, canonical_json, instant
from dispatch.domain.vocabulary import Source

GENESIS = "0" * 64
"""What the first event of every incident names as the one before it."""

PrivateLookup: TypeAlias = Callable[[str, int, str], tuple[bytes, str] | None]
"""(incident, sequence, name) -> (salt, value), or None when the value was erased, as the law allows."""

_NEARBY = 8
_TOO_SHORT_SALT = 16


class Problem(StrEnum):
    """What is wrong with a chain."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    BROKEN_LINK = "broken_link"
    PRIVATE_CHANGED = "private_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """One event as the chain sees it; ``private`` maps the name of each private value to its digest."""

    incident: str
    sequence: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    actor: str
    data: Mapping[str, JsonValue]
    private: Mapping[str, str]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: where, in which field if that can be known, and what."""

    incident: str
    sequence: int
    field: str | None
    problem: Problem
    detail: str


def private_digest(salt: bytes, value: str) -> str:
    """Return hex SHA-256 of salt followed by the value in UTF-8 (DESIGN 5).

    Raises ValueError for a salt under 16 bytes: telephone numbers are few enough to be guessed from a digest.
    """
    if len(salt) < _TOO_SHORT_SALT:
        raise ValueError(f"a salt needs at least {_TOO_SHORT_SALT} bytes, not {len(salt)}")
    return _digest(salt, value)


def canonical(link: ChainLink) -> bytes:
    """Return the bytes that are hashed: RFC 8785 of everything but the hash itself.

    Raises NotCanonicalError, naming the place, for fractions, NaN, integers beyond 2^53 − 1, keys that are no
    text, text that is no Unicode, other types, and nesting deeper than 32.
    """
    try:
        return canonical_json(
            {
                "incident": link.incident,
                "sequence": link.sequence,
                "kind": link.kind,
                "occurred_at": instant(link.occurred_at),
                "recorded_at": instant(link.recorded_at),
                "source": link.source,
                "actor": link.actor,
                "data": link.data,
                "private": link.private,
                "previous": link.previous,
            }
        )
    except NotCanonicalError as error:
        raise NotCanonicalError(f"event {link.sequence}: {error}") from error


def link_hash(link: ChainLink) -> str:
    """Return the hash that this event must carry (hex SHA-256 of ``canonical``)."""
    return hashlib.sha256(canonical(link)).hexdigest()


def verify_chain(links: Iterable[ChainLink], *, private_values: PrivateLookup | None = None) -> list[Finding]:
    """Check chains event by event and return everything that is wrong, in the order of reading.

    ``links`` may be an endless stream over many incidents, each incident's events together and in order of
    ``sequence``; only two events are held at a time. With ``private_values``, each stored private value must
    match its digest; an erased one is no finding.
    """
    return list(findings(links, private_values=private_values))


def findings(links: Iterable[ChainLink], *, private_values: PrivateLookup | None = None) -> Iterator[Finding]:
    """Yield what ``verify_chain`` collects, as soon as it is found."""
    for _, events in groupby(links, key=lambda link: link.incident):
        reader = _ChainReader(private_values)
        held: ChainLink | None = None
        for following in chain(events, (None,)):
            if held is not None:
                yield from reader.read(held, following)
            held = following


class _ChainReader:
    """Walks one incident's chain and recovers after each finding, so that one fault is named once."""

    def __init__(self, private_values: PrivateLookup | None) -> None:
        self._private_values = private_values
        self._expected = 1
        self._tails: deque[str] = deque([GENESIS], maxlen=6)
        self._skipped = range(0)
        self._troubled = 0

    def read(self, link: ChainLink, following: ChainLink | None) -> Iterator[Finding]:
        """Yield what is wrong with one event, given the one stored after it."""
        yield from self._check_private(link)
        try:
            true_hash = link_hash(link)
        except ValueError as error:
            yield _finding(link, Problem.CHANGED, str(error), field="data")
            self._advance((link.hash,), self._expected + 1, troubled=True)
            return
        follows = link.previous == self._tails[-1]
        if true_hash == link.hash and follows and link.sequence == self._expected:
            self._advance((link.hash,), self._expected + 1, troubled=False)
        elif true_hash == link.hash:
            yield from self._misplaced(link, following, follows=follows)
        else:
            yield from self._changed(link, following, true_hash, follows=follows)

    def _check_private(self, link: ChainLink) -> Iterator[Finding]:
        if self._private_values is None:
            return
        for name, digest in link.private.items():
            stored = self._private_values(link.incident, link.sequence, name)
            if stored is not None and _digest(*stored) != digest:
                detail = f"the stored value of {name} is not the one that was recorded"
                yield _finding(link, Problem.PRIVATE_CHANGED, detail, field=name)

    def _misplaced(self, link: ChainLink, following: ChainLink | None, *, follows: bool) -> Iterator[Finding]:
        """Name what is wrong around an event that says what it always said."""
        if link.sequence < self._expected:
            if link.sequence in self._skipped:
                detail = f"stored after event {self._expected - 1}"
                yield _finding(link, Problem.REORDERED, detail)
            else:
                yield _finding(link, Problem.INSERTED, f"number {link.sequence} is used more than once")
            continues = following is not None and following.previous == link.hash
            tails = (link.hash,) if continues else (link.hash, self._tails[-1])
            self._advance(tails, self._expected, troubled=True)
            return
        if link.sequence > self._expected:
            self._skipped = range(self._expected, link.sequence)
            if following is None or following.sequence not in self._skipped:
                yield self._missing(link, self._skipped)
        elif not follows and not self._explained(link):
            detail = (
                f"does not name event {self._expected - 1} as the one before it: that event was rewritten, "
                "or events between the two are gone"
            )
            yield _finding(link, Problem.BROKEN_LINK, detail, field="previous")
        self._advance((link.hash,), link.sequence + 1, troubled=True)

    def _changed(
        self, link: ChainLink, following: ChainLink | None, true_hash: str, *, follows: bool
    ) -> Iterator[Finding]:
        """Name what was changed in an event whose hash no longer fits it."""
        if following is not None and following.previous == true_hash:
            yield _finding(link, Problem.CHANGED, "only the stored hash was changed", field="hash")
            self._advance((link.hash, true_hash), link.sequence + 1, troubled=True)
            return
        number = self._true_number(link)
        if number is not None:
            yield from self._renumbered(link, following, number, follows=follows)
            return
        field = _altered_field(link, self._tails[-1], self._private_values)
        where = "which field cannot be known" if field is None else f"the change is in {field}"
        yield _finding(link, Problem.CHANGED, f"does not fit its hash; {where}", field=field)
        if link.sequence > self._expected:
            yield self._missing(link, range(self._expected, link.sequence))
        elif field != "previous" and not follows and not self._explained(link):
            detail = f"does not name event {self._expected - 1} as the one before it"
            yield _finding(link, Problem.BROKEN_LINK, detail, field="previous")
        next_number = max(self._expected, link.sequence + 1)
        self._advance((true_hash, link.hash), next_number, troubled=True)

    def _renumbered(
        self, link: ChainLink, following: ChainLink | None, number: int, *, follows: bool
    ) -> Iterator[Finding]:
        """Name an event that is itself true but carries another number than it was written with."""
        detail = f"was written as event {number}"
        in_place = number == self._expected
        problem = Problem.CHANGED if in_place else Problem.REORDERED
        yield _finding(link, problem, detail, field="sequence")
        if not in_place and not follows and not self._explained(link):
            swapped = following is not None and _would_fit(replace(following, sequence=self._expected))
            if link.previous in self._tails and number < link.sequence:
                extra = f"event {self._expected - 1} was put between two that follow each other"
                yield replace(
                    _finding(link, Problem.INSERTED, extra),
                    sequence=self._expected - 1,
                )
            elif number > link.sequence and not swapped:
                yield self._missing(link, range(self._expected, number))
        expected = number + 1 if in_place else max(self._expected, link.sequence + 1)
        self._advance((link.hash,), expected, troubled=True)

    def _true_number(self, link: ChainLink) -> int | None:
        """Return the number that makes the event fit its hash, tried near where it stands."""
        nearby = range(max(1, link.sequence - _NEARBY), link.sequence + _NEARBY + 1)
        for number in chain((self._expected,), nearby):
            if number != link.sequence and _would_fit(replace(link, sequence=number)):
                return number
        return None

    def _explained(self, link: ChainLink) -> bool:
        """Whether a wrong predecessor follows from a finding that was just reported."""
        return self._troubled > 0 and link.previous in self._tails

    def _missing(self, link: ChainLink, numbers: range) -> Finding:
        gone = f"event {numbers[0]}" if len(numbers) == 1 else f"events {numbers[0]} to {numbers[-1]}"
        detail = f"{gone} missing before event {link.sequence}"
        return replace(_finding(link, Problem.MISSING, detail), sequence=numbers[0])

    def _advance(self, tails: tuple[str, ...], expected: int, *, troubled: bool) -> None:
        self._tails.extend(tails)
        self._expected = expected
        self._troubled = 3 if troubled else max(0, self._troubled - 1)


def _finding(link: ChainLink, problem: Problem, detail: str, *, field: str | None = None) -> Finding:
    return Finding(
        incident=link.incident, sequence=link.sequence, field=field, problem=problem, detail=detail
    )


def _altered_field(link: ChainLink, tail: str, private_values: PrivateLookup | None) -> str | None:
    """Try the likely originals of each field; the one that makes the hash fit names the change."""
    candidates: list[tuple[str, ChainLink]] = [
        ("previous", replace(link, previous=tail)),
        ("occurred_at", replace(link, occurred_at=link.recorded_at)),
        ("recorded_at", replace(link, recorded_at=link.occurred_at)),
        *(("source", replace(link, source=source.value)) for source in Source),
    ]
    for name in link.private if private_values is not None else ():
        stored = private_values(link.incident, link.sequence, name) if private_values else None
        if stored is not None:
            repaired = {**link.private, name: _digest(*stored)}
            candidates.append((f"private.{name}", replace(link, private=repaired)))
    return next((field for field, candidate in candidates if _would_fit(candidate)), None)


def _would_fit(link: ChainLink) -> bool:
    try:
        return link_hash(link) == link.hash
    except ValueError:
        return False


def _digest(salt: bytes, value: str) -> str:
    return hashlib.sha256(salt + value.encode("utf-8", "surrogatepass")).hexdigest()
