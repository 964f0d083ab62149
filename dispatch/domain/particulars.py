"""What is known about an incident: its colour, its category, where it is, what else was said.

The machine may raise a priority, only a named person lowers it, with a reason (DESIGN 4).
"""

from dispatch.domain.commands import ActOnIncident, Location
from dispatch.domain.decisions import Draft, time_of
from dispatch.domain.errors import FieldRequiredError, ReasonRequiredError
from dispatch.domain.events import Kind
from dispatch.domain.incidents import DutyPerson
from dispatch.domain.triage import raise_only, suggested_priority
from dispatch.domain.vocabulary import Category, Priority


def set_location(draft: Draft, location: Location) -> None:
    """Record where it is; exact positions are private."""
    draft.add(
        Kind.LOCATION_SET,
        {"source": str(location.source), "accuracy_m": location.accuracy_m},
        private={
            "text": location.text,
            "place": location.place,
            "lat": None if location.lat is None else repr(location.lat),
            "lon": None if location.lon is None else repr(location.lon),
        },
    )


# Saying for the first time how urgent it is, lowers nothing: unknown stands below every colour here.
_URGENCY = {Priority.UNKNOWN: 0, Priority.BLACK: 1, Priority.GREEN: 2, Priority.YELLOW: 3, Priority.RED: 4}


def set_priority(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    """Colour it; a lower colour than the present one needs a reason."""
    if command.priority is None:
        raise FieldRequiredError(field="priority")
    current = draft.incident.priority
    lowers = _URGENCY[command.priority] < _URGENCY[current]
    if lowers and not (command.reason or "").strip():
        raise ReasonRequiredError(field="reason")
    if command.priority is not current:
        draft.add(
            Kind.PRIORITY_SET,
            {"from": str(current), "to": str(command.priority), "basis": "person"},
            private={"reason": command.reason},
        )


def set_category(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    """Say what seems to have happened; the colour may rise with it."""
    if command.category is None:
        raise FieldRequiredError(field="category")
    current = draft.incident.category
    if command.category is not current:
        draft.add(Kind.CATEGORY_SET, {"from": str(current), "to": str(command.category)})
        _raise_for(draft, command.category)


def _raise_for(draft: Draft, category: Category) -> None:
    """The machine may raise what a category suggests (DOMAIN 4.5); unknown counts as red already."""
    current, suggested = draft.incident.priority, suggested_priority(category)
    if current is Priority.UNKNOWN and suggested is not Priority.RED:
        return
    raised = raise_only(current, suggested)
    if raised is not current:
        draft.add(
            Kind.PRIORITY_SET,
            {"from": str(current), "to": str(raised), "basis": "category"},
            by_engine=True,
        )


def relocate(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    """Say where it is."""
    if command.location is None:
        raise FieldRequiredError(field="location")
    set_location(draft, command.location)


def note(draft: Draft, command: ActOnIncident, _worker: DutyPerson | None) -> None:
    """Keep what somebody wants kept."""
    if not command.text:
        raise FieldRequiredError(field="text")
    draft.add(
        Kind.NOTE_ADDED,
        private={"text": command.text},
        occurred_at=time_of(
            command.source,
            command.occurred_at,
            earliest=draft.incident.times.received_at,
            now=draft.now,
        ),
    )
