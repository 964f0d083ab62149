"""What the simulated telephone network is told when it is built: its account, its addresses, its phones.

Nothing here reads the environment or a file; the composition root fills it in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the program's own clock fits."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


NewId = Callable[[], str]
"""Gives 32 hexadecimal digits, different each time; SIDs are made of a prefix and these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSpec:
    """One phone on the page: its number (E.164), whose it is, and what that person does."""

    number: str
    label: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSettings:
    """The account, the number's webhooks (absolute addresses), and the pace of the simulated network.

    ``origin`` is scheme, host and port under which people open the page. ``fallback_twiml`` is the static
    document that the number falls back to when its voice URL fails. ``speech_factor`` scales how long speech
    takes, ``time_factor`` every other wait (ringing, pauses, key timeouts): 1.0 is real life, less is hurry.
    ``queue_s`` is how long the network keeps a request before it acts on it.
    """

    account_sid: str
    auth_token: str
    service_number: str
    voice_url: str
    voice_status_url: str
    sms_url: str
    origin: str
    phones: tuple[PhoneSpec, ...] = ()
    fallback_twiml: str | None = None
    speech_factor: float = 1.0
    time_factor: float = 1.0
    queue_s: float = 0.1

    @property
    def api_url(self) -> str:
        """Base address of the REST facade, for the official client."""
        return f"{self.origin}/simulator/api"

    def spoken_s(self, text: str) -> float:
        """Seconds that a text takes to be said, at forty characters a second: brisk, for a demonstration."""
        return max(0.4, len(text) / 40) * self.speech_factor

    def waited_s(self, real_s: float) -> float:
        """Seconds that a wait of the protocol takes here."""
        return real_s * self.time_factor
