"""A simulated handset: what its owner sees and hears. Decides nothing; the switchboard moves it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

LINES_MAX = 200
TEXTS_MAX = 100


class PhoneState(StrEnum):
    """What the handset is doing."""

    IDLE = "idle"
    DIALLING = "dialling"
    RINGING = "ringing"
    IN_CALL = "in_call"


class LineKind(StrEnum):
    """What a line of the transcript is: heard speech, heard sound, a key pressed, or what the network did."""

    SAY = "say"
    PLAY = "play"
    KEY = "key"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of what was heard or done on a phone. A note's text is a code that the page translates."""

    position: int
    call_sid: str
    kind: LineKind
    text: str
    heard_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class TextOnPhone:
    """One text message as the handset shows it."""

    position: int
    sid: str
    is_incoming: bool
    peer: str
    body: str
    status: str
    sent_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Phone:
    """A handset with its number, its owner, and its bounded memory."""

    number: str
    label: str
    role: str
    power: asyncio.Event = field(default_factory=asyncio.Event)
    state: PhoneState = PhoneState.IDLE
    call_sid: str | None = None
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES_MAX))
    texts: deque[TextOnPhone] = field(default_factory=lambda: deque(maxlen=TEXTS_MAX))
    positions_given: int = 0

    @property
    def is_on(self) -> bool:
        """Whether the handset is switched on and within reach of the network."""
        return self.power.is_set()

    def hear(self, *, call_sid: str, kind: LineKind, text: str, at: datetime) -> None:
        """Add a line to the transcript."""
        self.lines.append(
            Line(position=self.next_position(), call_sid=call_sid, kind=kind, text=text, heard_at=at)
        )

    def next_position(self) -> int:
        """The place of the next thing that happens on this handset, counted from 1."""
        self.positions_given += 1
        return self.positions_given


def spelled(number: str) -> str:
    """A dialled number in E.164: ``0811 …`` and ``62811…`` become ``+62811…``.

    Anything else is left as it is.
    """
    digits = "".join(sign for sign in number if sign not in " -.()")
    if digits.startswith("+"):
        return digits
    if digits.startswith("0"):
        return "+62" + digits[1:]
    return "+" + digits if digits.startswith("62") else digits
