"""What the work needs from outside: a clock, identifiers, telephones, words and web addresses.

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
    """What the provider said when it took a request over, or says of it now; ``body`` are a text's words."""

    provider_sid: str
    status: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """One call to our number, as the provider's own log has it; ``from_number`` as the network gave it."""

    provider_sid: str
    from_number: str
    began_at: datetime
    ended_at: datetime | None
    status: str
    duration_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedText:
    """One text to our number, as the provider's own log has it."""

    provider_sid: str
    from_number: str
    body: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRecording:
    """A recording that the provider holds of a call."""

    recording_sid: str
    duration_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetails:
    """What the log knows beyond a call itself: who picked up when it was put through, and its recordings."""

    picked_up_by: str | None = None
    picked_up_at: datetime | None = None
    recordings: Sequence[LoggedRecording] = ()


class TelephonyProvider(Protocol):
    """Places calls, sends texts, reads its own log.

    Every method may raise a :class:`TelephonyError`, nothing else.

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

    def stop_ringing(self, provider_sid: str) -> None:
        """Stop a call that nobody has answered yet; one that was answered, or is over, is left alone."""
        ...

    def redirect_call(self, provider_sid: str, url: str) -> None:
        """Let a call that is going on continue with the document at *url*; one that is over is no error."""
        ...

    def find_recent(self, *, channel: str, to_number: str, since: datetime) -> Sequence[Handed]:
        """Calls or texts to *to_number* since *since*, newest first: the answer to an unknown outcome."""
        ...

    def calls_received(self, *, since: datetime) -> Sequence[LoggedCall]:
        """The calls to our number that began at *since* or later, oldest first."""
        ...

    def texts_received(self, *, since: datetime) -> Sequence[LoggedText]:
        """The texts to our number that arrived at *since* or later, oldest first."""
        ...

    def details_of(self, provider_sid: str) -> CallDetails:
        """What else the log knows of one call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a witness is told of a day's seal."""

    facility: str
    day: str
    fingerprint: str
    incidents: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """What a text may speak of; the wording decides what it says and keeps it within one segment."""

    purpose: str
    short_number: int | None = None
    priority: str = "unknown"
    category: str = "unknown"
    place: str | None = None
    caller_number: str | None = None
    accepted_by: str | None = None
    reason: str | None = None
    tier: str | None = None
    link: str | None = None
    check: str | None = None
    since: str | None = None
    others: int = 0
    sealed: Sealed | None = None
    facility: str | None = None


class Wording(Protocol):
    """Puts the facts of an outgoing text into words."""

    def text(self, facts: MessageFacts) -> str:
        """One GSM-7 segment of at most 160 characters."""
        ...


class SealKeyError(Exception):
    """The key of the seals cannot be used or made; the message says what is wrong with which file."""


class SealKey(Protocol):
    """Signs seals."""

    @property
    def public(self) -> bytes:
        """The 32 bytes of an Ed25519 key that everybody may know."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of *message*."""
        ...


class SealKeys(Protocol):
    """Where the installation's key is kept; both methods raise a :class:`SealKeyError` and nothing else."""

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        ...

    def load(self) -> SealKey | None:
        """The key, or None when there is none."""
        ...

    def create(self) -> SealKey:
        """Make the key; one that is there already stays and is returned."""
        ...


class HeartbeatError(Exception):
    """The sign of life did not arrive; the message is the reason."""


class Heartbeat(Protocol):
    """Whoever watches from outside, and is told every minute that all is well; silence is their alarm."""

    def beat(self) -> None:
        """Tell them once, within seconds; raises a :class:`HeartbeatError` and nothing else."""
        ...


class Addresses(Protocol):
    """The absolute web addresses that the program itself hands out."""

    def answer(self, delivery_id: str, purpose: str) -> str:
        """Where the provider asks what to do once one of our calls is answered."""
        ...

    def status(self, delivery_id: str, channel: str) -> str:
        """Where the provider reports how a delivery goes."""
        ...

    def release(self) -> str:
        """The document for a caller whose incident was closed."""
        ...

    def worker_page(self, token: str) -> str:
        """A worker's own page."""
        ...

    def survey_page(self, token: str) -> str:
        """The questionnaire of one caller."""
        ...
