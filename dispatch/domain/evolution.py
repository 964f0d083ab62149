"""Folding the record: how each kind of line changes an incident.

Nothing is decided here and nothing is refused: what stands in the record did happen. The first line of
an incident (a call, a text, or an opening by hand) carries the opening facts under ``incident``.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from dispatch.domain import policy, worker_lines
from dispatch.domain.changing import replace
from dispatch.domain.events import Event, Kind
from dispatch.domain.incidents import (
    Assignment,
    CallLeg,
    Incident,
    KnownLocation,
    Ladder,
    Times,
    first,
    status_of,
)
from dispatch.domain.snapshots import JsonObject, duties_from_data, maybe_instant, maybe_text, text
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
        duty=duties_from_data(cast("list[object]", facts["duty"])),
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
    # A ring may become known after a later one of the same caller; the emergency began with the first.
    times = replace(incident.times, received_at=first(incident.times.received_at, event.occurred_at))
    if data.get("learned_late", False):
        elsewhere = (*incident.ladder.elsewhere, leg.id)
        incident = replace(incident, ladder=replace(incident.ladder, elsewhere=elsewhere))
    return replace(incident, calls=(*incident.calls, leg), times=times)


def _not_elsewhere(incident: Incident, call_id: str) -> Incident:
    if call_id not in incident.ladder.elsewhere:
        return incident
    elsewhere = tuple(known for known in incident.ladder.elsewhere if known != call_id)
    return replace(incident, ladder=replace(incident.ladder, elsewhere=elsewhere))


def _call_waiting(incident: Incident, event: Event) -> Incident:
    return _not_elsewhere(incident, text(event.data, "call_id"))


def _with_call(incident: Incident, call_id: str, **changes: object) -> Incident:
    calls = tuple(replace(leg, **changes) if leg.id == call_id else leg for leg in incident.calls)
    return replace(incident, calls=calls)


def _menu_chosen(incident: Incident, event: Event) -> Incident:
    changes: dict[str, object] = {"menu_digit": text(event.data, "digit")}
    if event.data.get("outcome") is not None:
        changes["outcome"] = CallOutcome(text(event.data, "outcome"))
    call_id = text(event.data, "call_id")
    # Only whom we answered was told of keys.
    return _with_call(_not_elsewhere(incident, call_id), call_id, **changes)


def _call_answered(incident: Incident, event: Event) -> Incident:
    call_id = text(event.data, "call_id")
    call = incident.call(call_id)
    corrects = event.data.get("corrects") is not None
    answered_at = event.occurred_at if corrects else first(call.answered_at, event.occurred_at)
    # Only a line that states it changes how the call ended: what older lines amount to stays what it was.
    stated = maybe_text(event.data, "outcome")
    outcome = call.outcome if stated is None else CallOutcome(stated)
    incident = _with_call(incident, call_id, answered_at=answered_at, outcome=outcome)
    known = [leg.answered_at for leg in incident.calls if leg.answered_at is not None]
    earliest = min(known) if corrects else first(incident.times.answered_at, event.occurred_at)
    times = replace(incident.times, answered_at=earliest)
    # Somebody is with the caller: nobody's joining need be taken for granted any more.
    ladder = _not_assumed(replace(incident.ladder, joining=(), left=()), call_id)
    if event.data.get("until_left", False):
        ladder = replace(ladder, assumed=(*ladder.assumed, (call_id, text(event.data, "staff_code"))))
    return replace(incident, times=times, ladder=ladder)


def _not_assumed(ladder: Ladder, call_id: str) -> Ladder:
    return replace(
        ladder,
        assumed=tuple(entry for entry in ladder.assumed if entry[0] != call_id),
        doubted=tuple(known for known in ladder.doubted if known != call_id),
    )


def _call_ended(incident: Incident, event: Event) -> Incident:
    call_id = text(event.data, "call_id")
    incident = _with_call(
        _not_elsewhere(incident, call_id),
        call_id,
        ended_at=event.occurred_at,
        outcome=CallOutcome(text(event.data, "outcome")),
    )
    incident = replace(incident, ladder=_not_assumed(incident.ladder, call_id))
    if incident.waiting_call is None:
        incident = replace(incident, ladder=replace(incident.ladder, joining=(), left=()))
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
            batch=(*ladder.batch, *codes) if data.get("reason") == "widened" else tuple(codes),
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
    incident = worker_lines.with_assignment(incident, event, alerted_at=event.occurred_at)
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


# --- the end --------------------------------------------------------------------------------------


def _closed(incident: Incident, event: Event) -> Incident:
    outcome = maybe_text(event.data, "outcome")
    return replace(
        incident,
        status=IncidentStatus.CLOSED,
        outcome=None if outcome is None else Outcome(outcome),
        help_wanted=0,
        ladder=replace(
            incident.ladder, ends_at=None, joining=(), left=(), elsewhere=(), assumed=(), doubted=()
        ),
        times=replace(incident.times, closed_at=event.occurred_at),
    )


def _merged(incident: Incident, event: Event) -> Incident:
    into = maybe_text(event.data, "into")
    return incident if into is None else replace(incident, merged_into=into)


def _text_received(incident: Incident, event: Event) -> Incident:
    return _call_received(incident, event) if "call_id" in event.data else incident


_CHANGES: Mapping[Kind, Callable[[Incident, Event], Incident]] = {
    **worker_lines.CHANGES,
    Kind.CALL_RECEIVED: _call_received,
    Kind.TEXT_RECEIVED: _text_received,
    Kind.CALL_MENU_CHOSEN: _menu_chosen,
    Kind.CALL_WAITING: _call_waiting,
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
    Kind.INCIDENT_CLOSED: _closed,
    Kind.INCIDENT_MERGED: _merged,
}
