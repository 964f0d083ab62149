"""The lines of the record: what happened, in the past tense (DESIGN 5).

Personal values (numbers, names, free text, exact positions) stand in ``private`` only; the rest stands
in ``data``, as JSON. A kind never changes its meaning: the record outlives the program.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dispatch.domain.vocabulary import Source


class Kind(StrEnum):
    """What a line says, as ``subject.past_participle``."""

    CALL_RECEIVED = "call.received"
    CALL_MENU_CHOSEN = "call.menu_chosen"
    CALL_WAITING = "call.waiting"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_BACK_REQUESTED = "call.back_requested"
    CALL_BACK_FAILED = "call.back_failed"
    CALL_RETURNED = "call.returned"
    CALL_RECORDED = "call.recorded"
    TEXT_RECEIVED = "text.received"
    INCIDENT_OPENED = "incident.opened"
    PRIORITY_SET = "priority.set"
    CATEGORY_SET = "category.set"
    LOCATION_SET = "location.set"
    NOTE_ADDED = "note.added"
    ALERT_REQUESTED = "alert.requested"
    ALERT_SENT = "alert.sent"
    ALERT_FAILED = "alert.failed"
    ALERT_UNANSWERED = "alert.unanswered"
    NOBODY_ON_DUTY = "alert.nobody_on_duty"
    ACCEPTED = "assignment.accepted"
    DECLINED = "assignment.declined"
    JOINING = "assignment.joining"
    LEFT_CALL = "assignment.left_call"
    CALLED_IN = "assignment.called_in"
    ETA_STATED = "assignment.eta_stated"
    PROMOTED = "assignment.promoted"
    STOOD_DOWN = "assignment.stood_down"
    EN_ROUTE = "assignment.en_route"
    STAGED = "assignment.staged"
    ON_SCENE = "assignment.on_scene"
    LEFT_SCENE = "assignment.left_scene"
    AT_FACILITY = "assignment.at_facility"
    AVAILABLE = "assignment.available"
    HELP_REQUESTED = "help.requested"
    DETAILS_REQUESTED = "details.requested"
    INCIDENT_CLOSED = "incident.closed"
    INCIDENT_MERGED = "incident.merged"
    ACTION_REFUSED = "action.refused"
    ERASED = "personal.erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line before it is given its place in the chain."""

    kind: Kind
    occurred_at: datetime
    source: Source
    actor: str
    data: Mapping[str, object] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
