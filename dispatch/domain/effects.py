"""What a decision wants done outside; carried out by the outbox after the commit, never before.

Effects name people by the facility's own identifiers. Numbers and words are filled in by the service,
which knows the staff table and the prompts.
"""

from dataclasses import dataclass
from enum import StrEnum

from dispatch.domain.vocabulary import AlertChannel


class Purpose(StrEnum):
    """Why a call is placed or a text sent."""

    ALERT = "alert"
    STAND_DOWN = "stand_down"
    CONNECT = "connect"
    CALL_BACK = "call_back"
    DETAILS = "details"
    WARNING = "warning"
    HANG_UP = "hang_up"
    WATCHDOG = "watchdog"
    SEAL = "seal"
    SURVEY = "survey"
    CALLER = "caller"


class StandDownReason(StrEnum):
    """Why somebody is no longer needed."""

    ACCEPTED_BY_OTHER = "accepted_by_other"
    CLOSED = "closed"


class CallerNews(StrEnum):
    """What a worker who accepted is told of the caller by text."""

    TEXTED = "texted"
    RANG = "rang"
    UNHEARD = "unheard"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWorker:
    """Ring and text one worker; ``turn`` counts how often this incident has asked them."""

    staff_id: str
    staff_code: str
    turn: int
    channels: tuple[AlertChannel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandDown:
    """Tell a worker that they are not needed, and stop their phone from ringing."""

    staff_id: str
    staff_code: str
    reason: StandDownReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWorker:
    """Call a worker who accepted into the room where the caller waits.

    ``again`` says that the worker did not come so far, although their phone may seem to be in that room.
    """

    staff_id: str
    staff_code: str
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOfCaller:
    """Tell a worker who accepted by text that the caller wants something, and their number."""

    staff_id: str
    staff_code: str
    news: CallerNews


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """Call a caller who hung up before anybody joined them."""

    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDetails:
    """Send the details of the incident to a worker again."""

    staff_id: str
    staff_code: str
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnSupervisors:
    """Say loudly that a tier has nobody on duty."""

    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCaller:
    """End the wait of a caller whose incident was closed."""

    call_id: str


Effect = (
    AlertWorker
    | StandDown
    | ConnectWorker
    | TellOfCaller
    | CallBack
    | SendDetails
    | WarnSupervisors
    | ReleaseCaller
)
