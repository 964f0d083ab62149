"""The seal over a day: what it says, how it is signed, and the short fingerprint that leaves the house.

Decides what is sealed of an incident and of a call, how a seal is written as bytes, and what is wrong with a
row of seals. A seal covers everything that was recorded before its day ended and that no earlier seal covers;
each names the hash of the one before it, so whoever keeps the fingerprint of one keeps all before it too.
Never touches storage or keys: a signature is made by whoever holds the key. Source: DESIGN 5, ADR 0026.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dispatch.domain import merkle
from dispatch.domain.canonical import canonical_json, instant
from dispatch.domain.evidence import GENESIS

FORMAT = 1

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: none of I, L, O and U, which are read as 1, 1, 0 and V."""

_READ_AS = str.maketrans("ILO", "110", "- .")
FINGERPRINT_LENGTH = 12
_GROUP = 4
_BITS = 5


class LeafKind(StrEnum):
    """What a leaf of the tree stands for."""

    INCIDENT = "incident"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One leaf: a chain as far as it went (its last line and that line's hash), or a call's row.

    A call has no sequence; its hash is that of :func:`call_facts`.
    """

    kind: LeafKind
    id: str
    sequence: int
    hash: str

    def written(self) -> bytes:
        """The bytes that enter the tree."""
        return canonical_json(
            {"kind": str(self.kind), "id": self.id, "sequence": self.sequence, "hash": self.hash}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What a call's row says for good.

    How a call of an incident went stands in that incident's chain. ``ending`` is of a call that has none: how
    it was judged, and when it was over; that it was never answered needs no word (``verifying_calls``). The
    number is left out, so that it can be erased.
    """

    id: str
    incident: str | None
    provider: str
    provider_sid: str
    channel: str
    received_at: datetime
    opened_incident: bool
    ending: tuple[str, datetime | None] | None = None

    def written(self) -> bytes:
        """The bytes that are hashed."""
        ending: dict[str, str | None] = {}
        if self.ending is not None:
            outcome, ended_at = self.ending
            ending = {"outcome": outcome, "ended_at": None if ended_at is None else instant(ended_at)}
        return canonical_json(
            {
                "call": self.id,
                "incident": self.incident,
                "provider": self.provider,
                "provider_sid": self.provider_sid,
                "channel": self.channel,
                "received_at": instant(self.received_at),
                "opened_incident": self.opened_incident,
                **ending,
            }
        )

    def digest(self) -> str:
        """Their hash, as a leaf carries it."""
        return hashlib.sha256(self.written()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A day's seal. Hashes, key and signature are hexadecimal."""

    facility: str
    day: date
    zone: str
    covers_until: datetime
    sealed_at: datetime
    incidents: int
    calls: int
    root: str
    previous: str
    key: str
    signature: str = ""

    def written(self) -> bytes:
        """The bytes that are hashed and signed: everything but the signature."""
        return canonical_json(
            {
                "format": FORMAT,
                "facility": self.facility,
                "day": self.day.isoformat(),
                "zone": self.zone,
                "covers_until": instant(self.covers_until),
                "sealed_at": instant(self.sealed_at),
                "incidents": self.incidents,
                "calls": self.calls,
                "root": self.root,
                "previous": self.previous,
                "key": self.key,
            }
        )

    @property
    def hash(self) -> str:
        """What the next seal names, and of what the fingerprint is made."""
        return hashlib.sha256(self.written()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Sixty bits of the hash in three groups to be read out on the telephone: ``7K3M-Q2XP-9RTA``."""
        return fingerprint(bytes.fromhex(self.hash))


def fingerprint(digest: bytes) -> str:
    """The first sixty bits of *digest* as three groups of four characters."""
    bits = int.from_bytes(digest[:8], "big") >> 64 - FINGERPRINT_LENGTH * _BITS
    places = range(FINGERPRINT_LENGTH - 1, -1, -1)
    text = "".join(_SYMBOLS[bits >> _BITS * place & 31] for place in places)
    return "-".join(text[at : at + _GROUP] for at in range(0, FINGERPRINT_LENGTH, _GROUP))


def read_fingerprint(text: str) -> str | None:
    """A fingerprint as a person wrote it down, in the one spelling; None when it is none."""
    plain = text.upper().translate(_READ_AS)
    if len(plain) != FINGERPRINT_LENGTH or not set(plain) <= set(_SYMBOLS):
        return None
    return "-".join(plain[at : at + _GROUP] for at in range(0, FINGERPRINT_LENGTH, _GROUP))


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant after *day* on the clocks of *zone*."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def root_of(leaves: Iterable[Leaf]) -> str:
    """The root over *leaves* in their order (hexadecimal)."""
    return merkle.root(leaf.written() for leaf in leaves).hex()


def signed(seal: Seal, sign: Callable[[bytes], bytes]) -> Seal:
    """*seal* with the signature that *sign* makes."""
    return replace(seal, signature=sign(seal.written()).hex())


def is_genuine(seal: Seal) -> bool:
    """Whether the signature was made over this content with the key that the seal names."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.key))
        key.verify(bytes.fromhex(seal.signature), seal.written())
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a seal: in which field if that can be known, and what."""

    day: date
    field: str | None
    problem: str
    detail: str


def faults(seals: Iterable[Seal], *, key: str | None = None) -> Iterator[Fault]:
    """Everything that is wrong with *seals*, which come in the order of their days, whatever they cover.

    *key* is the key that they must bear; without one it is that of the first of them.
    """
    before: Seal | None = None
    for seal in seals:
        expected = key or (seal.key if before is None else before.key)
        if seal.key != expected:
            yield Fault(day=seal.day, field="key", problem="forged", detail="it is signed with another key")
        if not is_genuine(seal):
            detail = "the signature does not belong to what the seal says"
            yield Fault(day=seal.day, field="signature", problem="forged", detail=detail)
        yield from _place(seal, before)
        before = seal


def _place(seal: Seal, before: Seal | None) -> Iterator[Fault]:
    """Whether *seal* stands where it says, after *before*."""
    if not _ends_with_its_day(seal):
        detail = f"it does not end with its day in {seal.zone}"
        yield Fault(day=seal.day, field="covers_until", problem="changed", detail=detail)
    following = None if before is None else before.day + timedelta(days=1)
    if following is not None and following < seal.day:
        last = seal.day - timedelta(days=1)
        gone = str(following) if following == last else f"{following} … {last}"
        detail = f"there is no seal of {gone}"
        yield Fault(day=following, field=None, problem="missing", detail=detail)
    elif seal.previous != (GENESIS if before is None else before.hash):
        detail = "it does not name the seal before it: that one was rewritten, or seals between are gone"
        yield Fault(day=seal.day, field="previous", problem="broken_link", detail=detail)


def _ends_with_its_day(seal: Seal) -> bool:
    try:
        return seal.covers_until == end_of(seal.day, ZoneInfo(seal.zone))
    except (KeyError, ValueError):
        # There is no such zone.
        return False
