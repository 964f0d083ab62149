"""Folding the record: how each kind of line changes an incident.

Nothing is decided here and nothing is refused: what stands in the record did happen. The first line of
an incident (a call, a text, or an opening by hand) carries the opening facts under ``incident``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from dispatch.domain import policy
from dispatch.domain.events import Event, Kind
from dispatch.domain.incidents import (
    Assignment,
    CallLeg,
    Incident,
    KnownLocation,
    Times,
    first,
    status_of,
)
from dispatch.domain.snapshots import JsonObject, duty_from_data, maybe_instant, maybe_text, text
from dispatch.domain.vocabulary import (
    AssignmentStatus,
    CallOutcome,
    Category,
    IncidentChannel,
    IncidentStatus,
    LocationSource,
    Outcome,
    Priority,
    Role,
)


def evolve(incident: Incident | None, event: Event) -> Incident:
    """The incident after *event*; None stands for the time before its first line."""
    if incident is None:
        incident = _opened(event)
    change = _CHANGES.get(event.kind)
    changed = incident if change is None else change(incident, event)
    if changed.is_closed:
        return changed
    status = status_of(changed.assignments, alerting_begun=changed.alerting_begun)
    return changed if status is changed.status else replace(changed, status=status)


def replay(events: Iterable[Event]) -> Incident:
    """The incident that *events*, from the first line on, amount to."""
    incident: Incident | None = None
    for event in events:
        incident = evolve(incident, event)
    if incident is None:
        raise ValueError("an incident has at least one line")
    return incident


# --- the opening ----------------------------------------------------------------------------------


def _opened(event: Event) -> Incident:
    facts = cast("JsonObject", event.data["incident"])
    return Incident(
        id=text(facts, "id"),
        facility_id=text(facts, "facility"),
        number=text(facts, "number"),
        year=cast("int", facts["year"]),
        short_number=cast("int", facts["short_number"]),
        status=IncidentStatus.OPEN,
        priority=Priority(text(facts, "priority")),
        category=Category(text(facts, "category")),
        channel=IncidentChannel(text(facts, "channel")),
        times=Times(received_at=event.occurred_at),
        policy=policy.from_data(cast("JsonObject", facts["policy"])),
        duty=tuple(duty_from_data(entry) for entry in cast("list[JsonObject]", facts["duty"])),
        is_drill=cast("bool", facts["is_drill"]),
        caller_number=event.private.get("caller_number"),
    )


# --- the caller -----------------------------------------------------------------------------------


def _call_received(incident: Incident, event: Event) -> Incident:
    data = event.data
    channel = IncidentChannel(text(data, "channel"))
    opened = cast("bool", data["opened"])
    leg = CallLeg(
        id=text(data, "call_id"),
        provider=text(data, "provider"),
        provider_sid=text(data, "provider_sid"),
        channel=channel,
        caller_number=event.private.get("caller_number"),
        received_at=event.occurred_at,
        opened_incident=opened,
        outcome=CallOutcome.INCIDENT if opened else CallOutcome.JOINED,
        # A text has no end of its own: it is over when it has arrived.
        ended_at=None if channel is IncidentChannel.VOICE else event.occurred_at,
    )
    return replace(incident, calls=(*incident.calls, leg))


def _with_call(incident: Incident, call_id: str, **changes: object) -> Incident:
    calls = tuple(
        replace(leg, **changes) if leg.id == call_id else leg  # type: ignore[arg-type] # fields by name
        for leg in incident.calls
    )
    return replace(incident, calls=calls)


def _menu_chosen(incident: Incident, event: Event) -> Incident:
    changes: dict[str, object] = {"menu_digit": text(event.data, "digit")}
    if event.data.get("outcome") is not None:
        changes["outcome"] = CallOutcome(text(event.data, "outcome"))
    return _with_call(incident, text(event.data, "call_id"), **changes)


def _call_answered(incident: Incident, event: Event) -> Incident:
    call_id = text(event.data, "call_id")
    answered_at = first(incident.call(call_id).answered_at, event.occurred_at)
    incident = _with_call(incident, call_id, answered_at=answered_at)
    times = replace(incident.times, answered_at=first(incident.times.answered_at, event.occurred_at))
    # Somebody is with the caller: nobody's joining need be taken for granted any more.
    return replace(incident, times=times, ladder=replace(incident.ladder, joining=()))


def _call_ended(incident: Incident, event: Event) -> Incident:
    incident = _with_call(
        incident,
        text(event.data, "call_id"),
        ended_at=event.occurred_at,
        outcome=CallOutcome(text(event.data, "outcome")),
    )
    if incident.live_call is None:
        incident = replace(incident, ladder=replace(incident.ladder, joining=()))
    return incident


def _call_back_requested(incident: Incident, event: Event) -> Incident:
    return replace(incident, ladder=replace(incident.ladder, call_back_at=event.occurred_at))


# --- what is known --------------------------------------------------------------------------------


def _priority_set(incident: Incident, event: Event) -> Incident:
    return replace(incident, priority=Priority(text(event.data, "to")))


def _category_set(incident: Incident, event: Event) -> Incident:
    return replace(incident, category=Category(text(event.data, "to")))


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _location_set(incident: Incident, event: Event) -> Incident:
    private = event.private
    return replace(
        incident,
        location=KnownLocation(
            text=private.get("text"),
            place=private.get("place"),
            lat=_number(private.get("lat")),
            lon=_number(private.get("lon")),
            source=LocationSource(text(event.data, "source")),
            accuracy_m=cast("float | None", event.data.get("accuracy_m")),
        ),
    )


# --- alerting -------------------------------------------------------------------------------------


def _alert_requested(incident: Incident, event: Event) -> Incident:
    data = event.data
    assignments = list(incident.assignments)
    codes: list[str] = []
    for person in cast("list[JsonObject]", data["people"]):
        code = text(person, "staff_code")
        codes.append(code)
        index = next((i for i, a in enumerate(assignments) if a.staff_code == code), None)
        if index is None:
            assignments.append(
                Assignment(
                    id=text(person, "assignment_id"),
                    staff_id=text(person, "staff_id"),
                    staff_code=code,
                    role=Role(text(person, "role")),
                    tier=text(person, "tier"),
                    status=AssignmentStatus.ALERTED,
                    asked_at=event.occurred_at,
                )
            )
        else:
            known = assignments[index]
            assignments[index] = replace(
                known,
                status=AssignmentStatus.ALERTED,
                asked_at=event.occurred_at,
                asked_count=known.asked_count + 1,
            )
    ladder = incident.ladder
    if data.get("reason") not in ("second_ring", "assigned"):
        ladder = replace(
            ladder,
            tier_index=cast("int", data["tier_index"]),
            repeats=cast("int", data["repeats"]),
            batch=tuple(codes),
            started_at=event.occurred_at,
            ends_at=maybe_instant(data, "ends_at"),
        )
    return replace(incident, assignments=tuple(assignments), ladder=ladder)


def _nobody_on_duty(incident: Incident, event: Event) -> Incident:
    ladder = replace(incident.ladder, tier_index=cast("int", event.data["tier_index"]))
    if ladder.started_at is None or cast("bool", event.data["again"]):
        ladder = replace(
            ladder, batch=(), started_at=event.occurred_at, ends_at=maybe_instant(event.data, "ends_at")
        )
    return replace(incident, ladder=ladder)


def _alert_sent(incident: Incident, event: Event) -> Incident:
    incident = _with_assignment(incident, event, alerted_at=event.occurred_at)
    times = replace(incident.times, alerted_at=first(incident.times.alerted_at, event.occurred_at))
    return replace(incident, times=times)


def _alert_unanswered(incident: Incident, event: Event) -> Incident:
    codes = set(cast("list[str]", event.data["staff_codes"]))
    assignments = tuple(
        replace(a, status=AssignmentStatus.NO_ANSWER)
        if a.staff_code in codes and a.status is AssignmentStatus.ALERTED
        else a
        for a in incident.assignments
    )
    return replace(incident, assignments=assignments)


# --- the workers ----------------------------------------------------------------------------------


def _with_assignment(incident: Incident, event: Event, **changes: object) -> Incident:
    code = text(event.data, "staff_code")
    assignments = tuple(
        replace(a, **changes) if a.staff_code == code else a  # type: ignore[arg-type] # fields by name
        for a in incident.assignments
    )
    return replace(incident, assignments=assignments)


def _accepted(incident: Incident, event: Event) -> Incident:
    is_primary = cast("bool", event.data["primary"])
    incident = _with_assignment(
        incident,
        event,
        status=AssignmentStatus.ACCEPTED,
        is_primary=is_primary,
        accepted_at=event.occurred_at,
        minutes=cast("int | None", event.data.get("minutes")),
    )
    assignment = incident.assignment(text(event.data, "staff_code"))
    assert assignment is not None
    if cast("bool", event.data.get("joining", False)):
        incident = _joining(incident, event)
    ladder = incident.ladder
    if not assignment.role.can_be_primary:
        return incident
    help_wanted = incident.help_wanted if is_primary else max(0, incident.help_wanted - 1)
    times = replace(incident.times, accepted_at=first(incident.times.accepted_at, event.occurred_at))
    # The ladder rests; if people are needed again its next step is due at once.
    ladder = replace(ladder, ends_at=None)
    return replace(incident, times=times, ladder=ladder, help_wanted=help_wanted)


def _step(status: AssignmentStatus | None, field: str) -> Callable[[Incident, Event], Incident]:
    """A change that records when a worker reached a step; a late line sets the time but not the status."""

    def change(incident: Incident, event: Event) -> Incident:
        changes: dict[str, object] = {field: event.occurred_at}
        if status is not None and not event.data.get("late", False):
            changes["status"] = status
        incident = _with_assignment(incident, event, **changes)
        if field not in Times.__dataclass_fields__:
            return incident
        known = cast("datetime | None", getattr(incident.times, field))
        times = replace(incident.times, **{field: first(known, event.occurred_at)})
        return replace(incident, times=times)

    return change


def _declined(incident: Incident, event: Event) -> Incident:
    return _with_assignment(
        incident, event, status=AssignmentStatus.DECLINED, is_primary=False, declined_at=event.occurred_at
    )


def _joining(incident: Incident, event: Event) -> Incident:
    # Whoever begins again, on the same call or another, is on the way once.
    ladder = _left_call(incident, event).ladder
    entry = (text(event.data, "staff_code"), event.occurred_at)
    return replace(incident, ladder=replace(ladder, joining=(*ladder.joining, entry)))


def _left_call(incident: Incident, event: Event) -> Incident:
    code = text(event.data, "staff_code")
    joining = tuple(entry for entry in incident.ladder.joining if entry[0] != code)
    return replace(incident, ladder=replace(incident.ladder, joining=joining))


def _eta_stated(incident: Incident, event: Event) -> Incident:
    return _with_assignment(incident, event, minutes=cast("int", event.data["minutes"]))


def _promoted(incident: Incident, event: Event) -> Incident:
    return _with_assignment(incident, event, is_primary=True)


def _stood_down(incident: Incident, event: Event) -> Incident:
    return _with_assignment(
        incident, event, status=AssignmentStatus.STOOD_DOWN, is_primary=False, stood_down_at=event.occurred_at
    )


def _available(incident: Incident, event: Event) -> Incident:
    incident = _with_assignment(
        incident, event, status=AssignmentStatus.AVAILABLE, is_primary=False, available_at=event.occurred_at
    )
    # Unlike the other steps the last one counts: until then somebody is still bound by the incident.
    known = incident.times.available_at
    latest = event.occurred_at if known is None else max(known, event.occurred_at)
    return replace(incident, times=replace(incident.times, available_at=latest))


def _help_requested(incident: Incident, _event: Event) -> Incident:
    ladder = replace(incident.ladder, ends_at=None)
    return replace(incident, help_wanted=incident.help_wanted + 1, ladder=ladder)


# --- the end --------------------------------------------------------------------------------------


def _closed(incident: Incident, event: Event) -> Incident:
    outcome = maybe_text(event.data, "outcome")
    return replace(
        incident,
        status=IncidentStatus.CLOSED,
        outcome=None if outcome is None else Outcome(outcome),
        help_wanted=0,
        ladder=replace(incident.ladder, ends_at=None, joining=()),
        times=replace(incident.times, closed_at=event.occurred_at),
    )


def _merged(incident: Incident, event: Event) -> Incident:
    into = maybe_text(event.data, "into")
    return incident if into is None else replace(incident, merged_into=into)


def _text_received(incident: Incident, event: Event) -> Incident:
    return _call_received(incident, event) if "call_id" in event.data else incident


_CHANGES: Mapping[Kind, Callable[[Incident, Event], Incident]] = {
    Kind.CALL_RECEIVED: _call_received,
    Kind.TEXT_RECEIVED: _text_received,
    Kind.CALL_MENU_CHOSEN: _menu_chosen,
    Kind.CALL_ANSWERED: _call_answered,
    Kind.CALL_ENDED: _call_ended,
    Kind.CALL_BACK_REQUESTED: _call_back_requested,
    Kind.PRIORITY_SET: _priority_set,
    Kind.CATEGORY_SET: _category_set,
    Kind.LOCATION_SET: _location_set,
    Kind.ALERT_REQUESTED: _alert_requested,
    Kind.NOBODY_ON_DUTY: _nobody_on_duty,
    Kind.ALERT_SENT: _alert_sent,
    Kind.ALERT_UNANSWERED: _alert_unanswered,
    Kind.ACCEPTED: _accepted,
    Kind.DECLINED: _declined,
    Kind.JOINING: _joining,
    Kind.LEFT_CALL: _left_call,
    Kind.ETA_STATED: _eta_stated,
    Kind.PROMOTED: _promoted,
    Kind.STOOD_DOWN: _stood_down,
    Kind.EN_ROUTE: _step(AssignmentStatus.EN_ROUTE, "en_route_at"),
    Kind.STAGED: _step(AssignmentStatus.STAGING, "staged_at"),
    Kind.ON_SCENE: _step(AssignmentStatus.ON_SCENE, "on_scene_at"),
    Kind.LEFT_SCENE: _step(AssignmentStatus.TRANSPORTING, "left_scene_at"),
    Kind.AT_FACILITY: _step(AssignmentStatus.AT_FACILITY, "at_facility_at"),
    Kind.AVAILABLE: _available,
    Kind.HELP_REQUESTED: _help_requested,
    Kind.INCIDENT_CLOSED: _closed,
    Kind.INCIDENT_MERGED: _merged,
}
