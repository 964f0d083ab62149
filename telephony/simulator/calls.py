"""One leg of a call and its states, as Twilio names them (TESTBED 2.3, 2.4).

Holds what is known of a leg; how it moves from state to state is the switchboard's affair.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from telephony.simulator.phones import Phone


class CallStatus(StrEnum):
    """The states of a call."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"
    FAILED = "failed"


class Direction(StrEnum):
    """Who began the leg: a phone, a REST request, or a Dial verb."""

    INBOUND = "inbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_DIAL = "outbound-dial"


STATUS_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})

_EVENT_OF_STATUS = {
    CallStatus.INITIATED: "initiated",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "answered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPlan:
    """Where the states of a call are reported, and which of them; by default only the end."""

    url: str
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})

    def wants(self, status: CallStatus) -> bool:
        """Whether this state is one of the chosen events; every ending is ``completed``."""
        if status is CallStatus.QUEUED:
            return False
        return _EVENT_OF_STATUS.get(status, "completed") in self.events


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What a call turns to when its document cannot be had: an address, or a static document."""

    url: str | None = None
    method: str = "POST"
    document: str | None = None


class Keypad:
    """The keys of one leg.

    A key counts only while somebody listens; all others are lost, as on a real line.
    """

    def __init__(self) -> None:
        self._listener: asyncio.Queue[str] | None = None

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[str]]:
        """Collect the keys pressed from now on."""
        keys: asyncio.Queue[str] = asyncio.Queue()
        self._listener = keys
        try:
            yield keys
        finally:
            self._listener = None

    def press(self, key: str) -> bool:
        """Press one key; false when nobody listens."""
        if self._listener is None:
            return False
        self._listener.put_nowait(key)
        return True


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One leg.

    Who rings whom, how far it has come, and the handset at its far end (none if it does not exist).
    """

    sid: str
    direction: Direction
    from_number: str
    to_number: str
    phone: Phone | None
    created_at: datetime
    parent_sid: str | None = None
    plan: CallbackPlan | None = None
    fallback: Fallback | None = None
    status: CallStatus = CallStatus.QUEUED
    sip_response_code: str | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    callbacks_sent: int = 0
    partners: tuple["Call", ...] = ()
    keypad: Keypad = field(default_factory=Keypad)
    picked_up: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    taken_away: asyncio.Event = field(default_factory=asyncio.Event)
    script: "asyncio.Task[None] | None" = None

    @property
    def is_over(self) -> bool:
        """Whether the leg has ended, in whatever way."""
        return self.over.is_set()

    @property
    def label(self) -> str:
        """Whose phone this is, for the page."""
        return self.phone.label if self.phone else self.to_number

    @property
    def duration_s(self) -> int:
        """Seconds talked, from the answer to the end; 0 when never answered."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(0, round((self.ended_at - self.answered_at).total_seconds()))
