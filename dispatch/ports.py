"""What the work needs from outside: a clock, identifiers, telephones.

Each port is a protocol; the composition root (``config.wiring``) chooses who fills it. A telephony
provider is added by one new file in ``telephony/providers`` that satisfies :class:`TelephonyProvider`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of the current instant."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC, to the millisecond."""
        ...


class IdSource(Protocol):
    """The only source of identifiers and secrets."""

    def new_id(self) -> str:
        """A unique identifier of 36 characters that sorts by time of creation."""
        ...

    def salt(self) -> bytes:
        """Sixteen random bytes."""
        ...

    def token(self) -> str:
        """A short secret for a web address: 16 characters, at least 90 bits."""
        ...


class TelephonyError(Exception):
    """A provider did not do what it was asked."""

    def __init__(self, message: str, *, code: str) -> None:
        """Keep the provider's *code*; the delivery table decides by it what to do next."""
        super().__init__(message)
        self.code = code


class ProviderUnavailableError(TelephonyError):
    """The request certainly did not get through: retry."""


class ProviderRefusedError(TelephonyError):
    """The provider understood and said no: do not retry the same."""


class OutcomeUnknownError(TelephonyError):
    """The request may have got through: ask the provider before sending again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One call to place. The addresses are absolute; ``ring_s`` is whole seconds."""

    to_number: str
    answer_url: str
    status_url: str
    ring_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """One text to send; ``valid_s`` is how long the network may keep trying."""

    to_number: str
    body: str
    status_url: str
    valid_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What the provider said when it took a request over."""

    provider_sid: str
    status: str


class TelephonyProvider(Protocol):
    """Places calls and sends texts. Every method may raise a :class:`TelephonyError`, nothing else.

    To add one: write ``telephony/providers/NAME.py`` with a class that has these members, name it in
    ``config.wiring``, and let the contract tests find it.
    """

    @property
    def name(self) -> str:
        """The name used in ``SIAGA_TELEPHONY``."""
        ...

    @property
    def carries_voice(self) -> bool:
        """Whether it can place calls."""
        ...

    @property
    def carries_text(self) -> bool:
        """Whether it can send texts."""
        ...

    def place_call(self, request: CallRequest) -> Handed:
        """Ask for a call; returns when the provider has taken it over."""
        ...

    def send_text(self, request: TextRequest) -> Handed:
        """Ask for a text; returns when the provider has taken it over."""
        ...

    def end_call(self, provider_sid: str) -> None:
        """Hang up a call, or stop it from ringing; a call that is already over is no error."""
        ...

    def find_recent(self, *, channel: str, to_number: str, since: datetime) -> Sequence[Handed]:
        """Calls or texts to *to_number* since *since*, newest first: the answer to an unknown outcome."""
        ...
