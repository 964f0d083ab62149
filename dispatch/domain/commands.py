"""What can be asked of the service: frozen values in the imperative.

A command names what the person was answering, so that an answer to an old prompt is judged as of that
prompt. Numbers are in E.164 or None when withheld. ``occurred_at`` is when it happened, where that is known;
it may lie before the instant of recording: a phone was out of reach, or the database was.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dispatch.domain.reconstruction import Missed
from dispatch.domain.vocabulary import (
    AssignmentStatus,
    Category,
    IncidentChannel,
    LocationSource,
    Outcome,
    Priority,
    Source,
)


class Action(StrEnum):
    """What can be done to an incident (CONTRACT 4 and 7)."""

    ASSIGN = "assign"
    ACCEPT = "accept"
    DECLINE = "decline"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    STAGE = "stage"
    LEAVE_SCENE = "leave_scene"
    ARRIVE_FACILITY = "arrive_facility"
    AVAILABLE = "available"
    HELP = "help"
    INFO = "info"
    ETA = "eta"
    CLOSE = "close"
    NOTE = "note"
    SET_PRIORITY = "set_priority"
    SET_LOCATION = "set_location"
    SET_CATEGORY = "set_category"
    MERGE = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where an incident is, as far as anybody said; any part may be missing."""

    source: LocationSource
    text: str | None = None
    place: str | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveCall:
    """A phone rings at the service."""

    provider: str
    provider_sid: str
    caller_number: str | None
    received_at: datetime
    body: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCall:
    """A call that we never heard of stands in the provider's log, and is over."""

    provider: str
    provider_sid: str
    caller_number: str | None
    received_at: datetime
    missed: Missed
    body: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseFromMenu:
    """The caller pressed a key in the first menu."""

    provider_sid: str
    digit: str
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """The provider says that an incoming call is over; *reconstructed* when only its log still said so."""

    provider_sid: str
    provider_status: str
    occurred_at: datetime | None = None
    reconstructed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinCaller:
    """Worker and caller are in the room together; a caller who was called back is on no inbound call."""

    incident_id: str
    staff_id: str
    returned_call_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveText:
    """A text arrived at the service's number."""

    provider: str
    provider_sid: str
    sender: str | None
    raw_sender: str
    text: str
    received_at: datetime
    body: dict[str, str] = field(default_factory=dict)
    reconstructed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenByHand:
    """Somebody at the desk opens an incident: a walk-in, a radio message, a phone that is not ours."""

    actor: str
    channel: IncidentChannel = IncidentChannel.WALK_IN
    source: Source = Source.API
    caller_number: str | None = None
    priority: Priority = Priority.UNKNOWN
    category: Category = Category.UNKNOWN
    location: Location | None = None
    text: str | None = None
    occurred_at: datetime | None = None
    is_drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActOnIncident:
    """One step taken by a worker, a dispatcher or a program."""

    incident_id: str
    action: Action
    actor: str
    source: Source
    staff_code: str | None = None
    occurred_at: datetime | None = None
    minutes: int | None = None
    reason: str | None = None
    text: str | None = None
    priority: Priority | None = None
    category: Category | None = None
    outcome: Outcome | None = None
    location: Location | None = None
    into: str | None = None
    shown: AssignmentStatus | None = None
    """How the worker stood on the page whose button they pressed; None where no page showed it."""
