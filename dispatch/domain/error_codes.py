"""What a provider's error code says about a call or text, and what to do next (PEERS 6, TESTBED 2.6).

One table, read by the outbox to decide and by the board to explain. The codes are Twilio's, of its REST
refusals and of its callbacks, the endings of a call, and our own words for what happened on the way; other
providers translate into them. A code that nobody has met yet gets the safe thing: whatever else can still
reach somebody is tried at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

RETRY_PAUSE_S = 15.0
"""A phone out of reach is not there again a second later; its network has been trying by itself until now."""

RETRY_PAUSE_MAX_S = 120.0
"""Within the three minutes in which a silent phone is to be tried a second time (DESIGN 6)."""

CALL_BACK_PAUSES_S = (15.0, 30.0, 60.0, 120.0, 120.0, 120.0, 300.0, 600.0, 900.0)
"""Before each further call back to a caller; the last one before all that follow.

For ten minutes a phone that was busy or out of reach is tried often. Later it is off, or its owner has been
spoken to another way, and a ring every two minutes only empties its battery.
"""


class Verdict(StrEnum):
    """What to do about a delivery that failed."""

    RETRY = "retry"
    """The same number by the same channel, after a pause; the next person does not wait for that."""
    OTHER_PROVIDER = "other_provider"
    """Nothing is wrong with the number: the next provider at once; where none is left, the other channel."""
    OTHER_CHANNEL = "other_channel"
    """This channel does not lead to this person: the other one at once."""
    GIVE_UP = "give_up"
    """Nothing more is tried at this number now: the next person at once."""


class Reason(StrEnum):
    """Why it failed, as far as a person at the board can do something about it."""

    ACCOUNT = "account"
    BLOCKED = "blocked"
    BUSY = "busy"
    EXPIRED = "expired"
    NO_ANSWER = "no_answer"
    NO_PROVIDER = "no_provider"
    NO_TEXTS = "no_texts"
    NOT_ALLOWED = "not_allowed"
    OUR_NUMBER = "our_number"
    OUR_REQUEST = "our_request"
    OVERLOADED = "overloaded"
    PROVIDER_SILENT = "provider_silent"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One line of the table."""

    verdict: Verdict
    reason: Reason


_LINES: Iterable[tuple[Verdict, Reason, str]] = (
    # The number itself.
    (
        Verdict.GIVE_UP,
        Reason.WRONG_NUMBER,
        "13223 13224 21201 21211 21217 21401 21421 21604 sip-404 sip-410 sip-484 sip-604",
    ),
    (Verdict.OTHER_CHANNEL, Reason.WRONG_NUMBER, "30005"),
    (Verdict.OTHER_CHANNEL, Reason.NO_TEXTS, "21614 21635 30006"),
    (Verdict.OTHER_CHANNEL, Reason.BLOCKED, "21610 30004"),
    # The phone at that number.
    (Verdict.RETRY, Reason.UNREACHABLE, "30003 failed undelivered"),
    (Verdict.GIVE_UP, Reason.BUSY, "busy sip-486 sip-600"),
    (Verdict.GIVE_UP, Reason.NO_ANSWER, "no-answer sip-408 sip-480 sip-487"),
    (Verdict.GIVE_UP, Reason.STOPPED, "canceled"),
    (Verdict.OTHER_CHANNEL, Reason.EXPIRED, "expired 30036"),
    # What our account may do, and from which number.
    (
        Verdict.OTHER_PROVIDER,
        Reason.NOT_ALLOWED,
        "13227 21214 21215 21216 21219 21408 21608 21612 30010 30034 32205 sip-403 sip-603",
    ),
    (Verdict.OTHER_PROVIDER, Reason.OUR_NUMBER, "21210 21212 21213 21603 21606 21657 21659 21660"),
    (Verdict.OTHER_PROVIDER, Reason.BLOCKED, "30007"),
    (Verdict.OTHER_PROVIDER, Reason.OUR_REQUEST, "21200 21205 21218 21602 21609 21617 400"),
    (Verdict.OTHER_PROVIDER, Reason.ACCOUNT, "10001 10002 20005 30002 30023 63038"),
    (Verdict.OTHER_CHANNEL, Reason.NO_PROVIDER, "no_provider"),
    # The provider at this moment.
    (Verdict.RETRY, Reason.ACCOUNT, "20003 401 403"),
    (Verdict.RETRY, Reason.OVERLOADED, "429 10004 14107 20429 21611 30001 30017 30022"),
    (Verdict.RETRY, Reason.UNREACHABLE, "30008 30009 sip-500 sip-502 sip-503 sip-504"),
    (Verdict.RETRY, Reason.PROVIDER_SILENT, "500 502 503 504 20500 20503 30410 30500"),
    (
        Verdict.RETRY,
        Reason.PROVIDER_SILENT,
        "connect connect_timeout connection_lost timeout unreachable unreadable breaker_open 407",
    ),
)

_LATER = frozenset(
    {Reason.BUSY, Reason.NO_ANSWER, Reason.UNREACHABLE, Reason.OVERLOADED, Reason.PROVIDER_SILENT}
)

TABLE: Mapping[str, Meaning] = {
    code: Meaning(verdict=verdict, reason=reason)
    for verdict, reason, codes in _LINES
    for code in codes.split()
}
"""Code to meaning."""

UNKNOWN = Meaning(verdict=Verdict.OTHER_PROVIDER, reason=Reason.UNKNOWN)
"""Of a code that is not in the table: another provider, then the other channel, then the next person."""


def meaning_of(code: str | None) -> Meaning:
    """What *code* means."""
    return TABLE.get(code or "", UNKNOWN)


def may_be_reached_later(code: str | None) -> bool:
    """Whether a phone that was called in vain may be picked up another time."""
    return meaning_of(code).reason in _LATER


def retry_pause_s(tries: int) -> float:
    """Seconds before a call or text to a phone out of reach goes out again, after so many *tries*."""
    doubled: float = RETRY_PAUSE_S * 2 ** min(tries - 1, 8)
    return min(RETRY_PAUSE_MAX_S, doubled)


def call_back_pause_s(tries: int) -> float:
    """Seconds before a caller is called back once more, after so many *tries* in vain; it never ends."""
    return CALL_BACK_PAUSES_S[min(tries, len(CALL_BACK_PAUSES_S)) - 1]
