"""Folding the record, continued: the lines about workers, from accepting to being available again.

Like ``evolution``, which uses this, it decides and refuses nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

from dispatch.domain.changing import replace
from dispatch.domain.events import Event, Kind
from dispatch.domain.incidents import Incident, Ladder, Times, first
from dispatch.domain.snapshots import maybe_text, text
from dispatch.domain.vocabulary import AssignmentStatus


def with_assignment(incident: Incident, event: Event, **changes: object) -> Incident:
    """The incident with *changes* made to the part of the worker whom the line names."""
    code = text(event.data, "staff_code")
    assignments = tuple(replace(a, **changes) if a.staff_code == code else a for a in incident.assignments)
    return replace(incident, assignments=assignments)


def _accepted(incident: Incident, event: Event) -> Incident:
    is_primary = cast("bool", event.data["primary"])
    incident = with_assignment(
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
        incident = with_assignment(incident, event, **changes)
        if field not in Times.__dataclass_fields__:
            return incident
        known = cast("datetime | None", getattr(incident.times, field))
        times = replace(incident.times, **{field: first(known, event.occurred_at)})
        return replace(incident, times=times)

    return change


def _declined(incident: Incident, event: Event) -> Incident:
    return with_assignment(
        incident, event, status=AssignmentStatus.DECLINED, is_primary=False, declined_at=event.occurred_at
    )


def _without(ladder: Ladder, code: str) -> Ladder:
    """Whoever begins again, on the same call or another, is on the way once."""
    return replace(
        ladder,
        joining=tuple(entry for entry in ladder.joining if entry[0] != code),
        left=tuple(entry for entry in ladder.left if entry[0] != code),
    )


def _joining(incident: Incident, event: Event) -> Incident:
    code = text(event.data, "staff_code")
    ladder = _without(incident.ladder, code)
    return replace(incident, ladder=replace(ladder, joining=(*ladder.joining, (code, event.occurred_at))))


def _left_call(incident: Incident, event: Event) -> Incident:
    code = text(event.data, "staff_code")
    ladder = _without(incident.ladder, code)
    doubted = maybe_text(event.data, "doubts")
    if doubted is not None and doubted not in ladder.doubted:
        ladder = replace(ladder, doubted=(*ladder.doubted, doubted))
    return replace(incident, ladder=replace(ladder, left=(*ladder.left, (code, event.occurred_at))))


def _called_in(incident: Incident, event: Event) -> Incident:
    ladder = _without(incident.ladder, text(event.data, "staff_code"))
    return replace(incident, ladder=replace(ladder, called_in=ladder.called_in + 1))


def _eta_stated(incident: Incident, event: Event) -> Incident:
    return with_assignment(incident, event, minutes=cast("int", event.data["minutes"]))


def _promoted(incident: Incident, event: Event) -> Incident:
    return with_assignment(incident, event, is_primary=True)


def _stood_down(incident: Incident, event: Event) -> Incident:
    return with_assignment(
        incident, event, status=AssignmentStatus.STOOD_DOWN, is_primary=False, stood_down_at=event.occurred_at
    )


def _available(incident: Incident, event: Event) -> Incident:
    incident = with_assignment(
        incident, event, status=AssignmentStatus.AVAILABLE, is_primary=False, available_at=event.occurred_at
    )
    # Unlike the other steps the last one counts: until then somebody is still bound by the incident.
    known = incident.times.available_at
    latest = event.occurred_at if known is None else max(known, event.occurred_at)
    return replace(incident, times=replace(incident.times, available_at=latest))


def _help_requested(incident: Incident, _event: Event) -> Incident:
    ladder = replace(incident.ladder, ends_at=None)
    return replace(incident, help_wanted=incident.help_wanted + 1, ladder=ladder)


CHANGES: Mapping[Kind, Callable[[Incident, Event], Incident]] = {
    Kind.ACCEPTED: _accepted,
    Kind.DECLINED: _declined,
    Kind.JOINING: _joining,
    Kind.LEFT_CALL: _left_call,
    Kind.CALLED_IN: _called_in,
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
}
"""What each kind of line about a worker changes."""
