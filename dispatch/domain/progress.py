"""What workers and dispatchers do to an incident, from accepting to closing.

The transitions are those of DOMAIN 2.7. Exactly one worker is primary; the others who accept become
support; whoever is no longer needed is told. The machine may raise a priority, only a named person
lowers it, with a reason (DESIGN 4).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from dispatch.domain import alerts, answers, escalation, meeting, particulars
from dispatch.domain.commands import Action, ActOnIncident
from dispatch.domain.decisions import Crew, Decision, Draft, time_of
from dispatch.domain.effects import (
    CallBack,
    CallerNews,
    ConnectWorker,
    ReleaseCaller,
    SendDetails,
    StandDown,
    StandDownReason,
)
from dispatch.domain.errors import (
    AlreadyThereError,
    DispatchError,
    FieldRequiredError,
    IncidentClosedError,
    NotAssignedError,
    WrongTransitionError,
)
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Assignment, CallLeg, DutyPerson, Incident
from dispatch.domain.vocabulary import (
    ENGAGED,
    AssignmentStatus,
    Outcome,
    Source,
)

_S = AssignmentStatus

STEPS: Mapping[Action, tuple[Kind, AssignmentStatus, str, frozenset[AssignmentStatus]]] = {
    Action.EN_ROUTE: (Kind.EN_ROUTE, _S.EN_ROUTE, "en_route_at", frozenset({_S.ACCEPTED, _S.STAGING})),
    Action.STAGE: (Kind.STAGED, _S.STAGING, "staged_at", frozenset({_S.ACCEPTED, _S.EN_ROUTE})),
    Action.ON_SCENE: (
        Kind.ON_SCENE,
        _S.ON_SCENE,
        "on_scene_at",
        frozenset({_S.ACCEPTED, _S.EN_ROUTE, _S.STAGING}),
    ),
    Action.LEAVE_SCENE: (Kind.LEFT_SCENE, _S.TRANSPORTING, "left_scene_at", frozenset({_S.ON_SCENE})),
    Action.ARRIVE_FACILITY: (
        Kind.AT_FACILITY,
        _S.AT_FACILITY,
        "at_facility_at",
        frozenset({_S.TRANSPORTING}),
    ),
    Action.AVAILABLE: (Kind.AVAILABLE, _S.AVAILABLE, "available_at", ENGAGED),
}
"""Action to the line it writes, the status it leads to, the time it sets, and where it may start."""

_LATE = frozenset(
    {Action.EN_ROUTE, Action.STAGE, Action.ON_SCENE, Action.LEAVE_SCENE, Action.ARRIVE_FACILITY}
)


def act(
    incident: Incident, command: ActOnIncident, *, worker: DutyPerson | None, crew: Crew, now: datetime
) -> Decision:
    """Carry out one action; *worker* is the person it is about, as the staff table knows them.

    Raises:
        DispatchError: a rule says no; nothing has changed.
    """
    draft = Draft(incident, now=now, source=command.source, actor=command.actor)
    reported_late = command.action in _LATE and command.occurred_at is not None
    if incident.is_closed and not reported_late and command.action not in (Action.NOTE, Action.INFO):
        raise IncidentClosedError(number=incident.number)
    if command.action in STEPS:
        _step(draft, command)
    else:
        _ACTIONS[command.action](draft, command, worker)
    escalation.advance(draft, crew)
    return draft.decision()


def refuse(incident: Incident, command: ActOnIncident, error: DispatchError, *, now: datetime) -> Decision:
    """The line that says an attempt was refused; nothing else changes."""
    draft = Draft(incident, now=now, source=command.source, actor=command.actor)
    data: dict[str, object] = {
        "action": str(command.action),
        "staff_code": command.staff_code,
        "error": error.code,
    }
    if command.occurred_at is not None:
        # What was claimed is not lost, although it does not stand.
        data["stated_at"] = command.occurred_at.isoformat()
    if command.minutes is not None:
        data["minutes"] = command.minutes
    draft.add(Kind.ACTION_REFUSED, data, private={"reason": command.reason})
    return draft.decision()


def close_incident(
    draft: Draft, *, outcome: Outcome | None, reason: str | None, at: datetime | None = None
) -> None:
    """End the incident, now or *at* an instant before, and the part of everybody still in it; tell them."""
    for a in draft.incident.assignments:
        if a.status in (_S.ON_SCENE, _S.TRANSPORTING, _S.AT_FACILITY):
            draft.add(Kind.AVAILABLE, {"staff_code": a.staff_code, "by_close": True})
        elif a.is_engaged or a.is_waiting:
            _stand_down(draft, a, StandDownReason.CLOSED)
    draft.add(
        Kind.INCIDENT_CLOSED,
        {"outcome": None if outcome is None else str(outcome)},
        private={"reason": reason},
        occurred_at=at,
    )
    for call in draft.incident.calls:
        # A talk that is going on is left to end by itself, and 9 gets its own goodbye.
        if call.is_live and call.answered_at is None and outcome is not Outcome.WRONG_NUMBER:
            draft.want(ReleaseCaller(call_id=call.id))


# --- one worker's steps ---------------------------------------------------------------------------


def _assigned(draft: Draft, command: ActOnIncident) -> Assignment:
    if command.staff_code is None:
        raise FieldRequiredError(field="staff_code")
    assignment = draft.incident.assignment(command.staff_code)
    if assignment is None:
        raise NotAssignedError(staff_code=command.staff_code, number=draft.incident.number)
    answers.check_not_overtaken(assignment, command, now=draft.now)
    return assignment


def _when(draft: Draft, command: ActOnIncident) -> datetime:
    earliest = draft.incident.times.received_at
    return time_of(command.source, command.occurred_at, earliest=earliest, now=draft.now)


def _step(draft: Draft, command: ActOnIncident) -> None:
    assignment = _assigned(draft, command)
    kind, target, field, origins = STEPS[command.action]
    if assignment.status is target:
        raise AlreadyThereError(action=str(command.action), status=str(assignment.status))
    occurred_at = _when(draft, command)
    if assignment.status not in origins:
        if not _is_late_report(draft.incident, assignment, command, field, occurred_at):
            if draft.incident.is_closed:
                raise IncidentClosedError(number=draft.incident.number)
            raise WrongTransitionError(action=str(command.action), status=str(assignment.status))
        draft.add(kind, {"staff_code": assignment.staff_code, "late": True}, occurred_at=occurred_at)
        return
    draft.add(kind, {"staff_code": assignment.staff_code}, occurred_at=occurred_at)
    if command.action is Action.AVAILABLE:
        _after_available(draft, assignment, occurred_at)


def _is_late_report(
    incident: Incident, a: Assignment, command: ActOnIncident, field: str, occurred_at: datetime
) -> bool:
    """A step that happened before the present one but was reported after it (a phone out of reach)."""
    if command.action not in _LATE or command.occurred_at is None or a.accepted_at is None:
        return False
    reached = (a.on_scene_at, a.left_scene_at, a.at_facility_at, a.available_at, incident.times.closed_at)
    later = [at for at in reached if at is not None]
    return getattr(a, field) is None and bool(later) and occurred_at < max(later)


def _after_available(draft: Draft, assignment: Assignment, occurred_at: datetime) -> None:
    incident = draft.incident
    engaged = [a for a in incident.assignments if a.is_engaged]
    if not any(a.role.can_be_primary for a in engaged) and incident.times.accepted_at is not None:
        if not assignment.role.can_be_primary:
            return
        transported = incident.times.at_facility_at is not None
        close_incident(
            draft, outcome=Outcome.TRANSPORTED if transported else None, reason=None, at=occurred_at
        )
    else:
        _promote(draft, lost=assignment)


def _promote(draft: Draft, *, lost: Assignment) -> None:
    """Hand ownership to the support who accepted first, when the primary is out."""
    if not lost.is_primary:
        return
    heirs = [a for a in draft.incident.assignments if a.is_engaged and a.role.can_be_primary]
    if heirs:
        heir = min(heirs, key=lambda a: (a.accepted_at or draft.now, a.staff_code))
        draft.add(Kind.PROMOTED, {"staff_code": heir.staff_code}, by_engine=True)


# --- accepting and declining ----------------------------------------------------------------------


def _accept(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    assignment = _assigned(draft, command)
    incident = draft.incident
    if assignment.is_engaged or assignment.status is _S.AVAILABLE:
        raise AlreadyThereError(action=str(command.action), status=str(assignment.status))
    occurred_at = _when(draft, command)
    alerts.mark_alerted(draft, assignment.staff_code, channel=str(command.source), at=occurred_at)
    is_primary = incident.primary is None and assignment.role.can_be_primary
    live, waiting = incident.live_call, incident.waiting_call
    # A key that waited in the journal is true, but nobody holds that call any more.
    by_keypad = (
        command.source is Source.KEYPAD and (draft.now - occurred_at).total_seconds() < answers.STALE_ANSWER_S
    )
    draft.add(
        Kind.ACCEPTED,
        {
            "staff_code": assignment.staff_code,
            "primary": is_primary,
            "minutes": command.minutes,
            "joining": by_keypad and waiting is not None and waiting.answered_at is None,
        },
        occurred_at=occurred_at,
    )
    if live is not None and not by_keypad:
        draft.want(ConnectWorker(staff_id=assignment.staff_id, staff_code=assignment.staff_code))
    elif live is None and by_keypad:
        _call_back_unheard(draft)
    elif live is None and is_primary and _unheard(draft.incident):
        # Nobody holds a line to the caller; who goes there can call from their own phone.
        meeting.tell_host(draft, CallerNews.UNHEARD)
    if not draft.incident.needs_people:
        for other in draft.incident.assignments:
            if other.is_waiting:
                _stand_down(draft, other, StandDownReason.ACCEPTED_BY_OTHER)


def _call_back_unheard(draft: Draft) -> None:
    """A caller who hung up before anybody joined is called into the room where the worker waits."""
    calls = _unheard(draft.incident)
    if calls and draft.incident.policy.caller.callback_after_abandon:
        draft.want(CallBack(call_id=calls[-1].id))


def _unheard(incident: Incident) -> list[CallLeg]:
    """The calls of a caller with whom nobody has talked, and who can be called."""
    if incident.times.answered_at is not None:
        return []
    over = (call for call in incident.calls if call.answered_at is None and call.ended_at is not None)
    return [call for call in over if call.channel == "voice" and call.caller_number is not None]


def _decline(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    assignment = _assigned(draft, command)
    if assignment.status is _S.DECLINED:
        raise AlreadyThereError(action=str(command.action), status=str(assignment.status))
    if not assignment.is_waiting and assignment.status not in (_S.ACCEPTED, _S.EN_ROUTE, _S.STAGING):
        raise WrongTransitionError(action=str(command.action), status=str(assignment.status))
    occurred_at = _when(draft, command)
    alerts.mark_alerted(draft, assignment.staff_code, channel=str(command.source), at=occurred_at)
    draft.add(
        Kind.DECLINED,
        {"staff_code": assignment.staff_code, "withdrawn": assignment.is_engaged},
        private={"reason": command.reason},
        occurred_at=occurred_at,
    )
    _promote(draft, lost=assignment)


def _stand_down(draft: Draft, assignment: Assignment, reason: StandDownReason) -> None:
    draft.add(Kind.STOOD_DOWN, {"staff_code": assignment.staff_code, "reason": str(reason)}, by_engine=True)
    draft.want(StandDown(staff_id=assignment.staff_id, staff_code=assignment.staff_code, reason=reason))


def _help(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    if command.staff_code is not None:
        assignment = _assigned(draft, command)
        if not assignment.is_engaged:
            raise WrongTransitionError(action=str(command.action), status=str(assignment.status))
    draft.add(Kind.HELP_REQUESTED, {"staff_code": command.staff_code}, occurred_at=_when(draft, command))


def _eta(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    assignment = _assigned(draft, command)
    if command.minutes is None:
        raise FieldRequiredError(field="minutes")
    if not assignment.is_engaged:
        raise WrongTransitionError(action=str(command.action), status=str(assignment.status))
    draft.add(Kind.ETA_STATED, {"staff_code": assignment.staff_code, "minutes": command.minutes})


def _info(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    assignment = _assigned(draft, command)
    draft.add(Kind.DETAILS_REQUESTED, {"staff_code": assignment.staff_code})
    turn = int(draft.now.timestamp() * 1000)
    draft.want(SendDetails(staff_id=assignment.staff_id, staff_code=assignment.staff_code, turn=turn))


def _assign(draft: Draft, command: ActOnIncident, worker: DutyPerson | None) -> None:
    if worker is None:
        raise FieldRequiredError(field="staff_code")
    assignment = draft.incident.assignment(worker.staff_code)
    if assignment is not None and assignment.is_engaged:
        raise AlreadyThereError(action=str(command.action), status=str(assignment.status))
    escalation.ask_by_name(draft, worker)


def _close(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    if command.outcome is None:
        raise FieldRequiredError(field="outcome")
    close_incident(draft, outcome=command.outcome, reason=command.reason)


def _merge(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    if command.into is None:
        raise FieldRequiredError(field="into")
    draft.add(Kind.INCIDENT_MERGED, {"into": command.into})
    close_incident(draft, outcome=Outcome.DUPLICATE, reason=command.reason)


_ACTIONS: Mapping[Action, Callable[[Draft, ActOnIncident, DutyPerson | None], None]] = {
    Action.ASSIGN: _assign,
    Action.ACCEPT: _accept,
    Action.DECLINE: _decline,
    Action.HELP: _help,
    Action.INFO: _info,
    Action.ETA: _eta,
    Action.CLOSE: _close,
    Action.NOTE: particulars.note,
    Action.SET_PRIORITY: particulars.set_priority,
    Action.SET_LOCATION: particulars.relocate,
    Action.SET_CATEGORY: particulars.set_category,
    Action.MERGE: _merge,
}
