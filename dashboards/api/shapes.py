"""The shapes of CONTRACT 7: rows as JSON, the same in the API and in exports.

Decides names, null handling, the writing of instants, and who sees a caller's number. Asks no database.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from typing_extensions import TypedDict

from dispatch.domain import phones
from dispatch.domain.places import Place
from dispatch.domain.vocabulary import UserRole
from models.facility import Staff
from models.incident import Assignment, Call, Incident
from models.record import Event

SEES_NUMBERS = frozenset({UserRole.ADMIN, UserRole.DISPATCHER})
"""Everybody else sees callers' numbers masked."""


class LocationJson(TypedDict):
    """Where it is, as far as anybody said."""

    text: str | None
    place: str | None
    lat: float | None
    lon: float | None
    source: str | None
    accuracy_m: float | None


class TimesJson(TypedDict):
    """The instants of an incident; null where nothing was recorded."""

    received_at: str
    answered_at: str | None
    alerted_at: str | None
    accepted_at: str | None
    en_route_at: str | None
    staged_at: str | None
    on_scene_at: str | None
    left_scene_at: str | None
    at_facility_at: str | None
    available_at: str | None
    closed_at: str | None


class AssignmentJson(TypedDict):
    """One worker's part."""

    staff_code: str
    status: str
    alerted_at: str | None
    accepted_at: str | None


class IncidentJson(TypedDict):
    """One emergency."""

    id: str
    number: str
    short_number: int
    facility: str
    status: str
    priority: str
    category: str
    outcome: str | None
    is_drill: bool
    channel: str
    caller_number: str | None
    location: LocationJson
    times: TimesJson
    assignments: list[AssignmentJson]


class EventJson(TypedDict):
    """One line of the record; personal values are not in it."""

    sequence: int
    kind: str
    occurred_at: str
    recorded_at: str
    source: str
    actor: str
    data: dict[str, object]
    hash: str


class CallJson(TypedDict):
    """One ring, with its ending."""

    id: str
    provider_sid: str
    channel: str
    caller_number: str | None
    received_at: str
    answered_at: str | None
    ended_at: str | None
    incident_id: str | None
    outcome: str


class StaffJson(TypedDict):
    """One member of staff."""

    code: str
    name: str
    role: str
    phone: str | None
    skills: list[str]
    base_place: str | None
    is_active: bool


class ShiftJson(TypedDict):
    """One stretch of duty."""

    staff_code: str
    name: str
    tier: str
    starts_at: str
    ends_at: str


class PlaceJson(TypedDict):
    """One entry of the gazetteer."""

    name: str
    kind: str
    parent: str | None
    lat: float | None
    lon: float | None
    aliases: list[str]


class IncidentPage(TypedDict):
    """Incidents, newest first; ``next_cursor`` is null on the last page."""

    items: list[IncidentJson]
    next_cursor: str | None


class CallPage(TypedDict):
    """Rings, newest first; ``next_cursor`` is null on the last page."""

    items: list[CallJson]
    next_cursor: str | None


class EventList(TypedDict):
    """The whole record of an incident, in order."""

    items: list[EventJson]


class StaffList(TypedDict):
    """Everybody, by code."""

    items: list[StaffJson]


class RosterList(TypedDict):
    """Shifts, by start."""

    items: list[ShiftJson]


class PlaceList(TypedDict):
    """Places, best match first."""

    items: list[PlaceJson]


def instant(at: datetime) -> str:
    """An instant as it is written everywhere: ``2026-11-23T12:00:00.000+00:00``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def maybe_instant(at: datetime | None) -> str | None:
    """The same, or null where nothing was recorded."""
    return None if at is None else instant(at)


def number_for(role: UserRole, number: str | None) -> str | None:
    """A telephone number as *role* may see it."""
    return number if role in SEES_NUMBERS else phones.mask(number)


def incident_json(row: Incident, assignments: Sequence[Assignment], *, role: UserRole) -> IncidentJson:
    """One incident with the workers asked, in the order in which they were."""
    return {
        "id": row.id,
        "number": row.number,
        "short_number": row.short_number,
        "facility": row.facility_id,
        "status": row.status,
        "priority": row.priority,
        "category": row.category,
        "outcome": row.outcome,
        "is_drill": row.is_drill,
        "channel": row.channel,
        "caller_number": number_for(role, row.caller_number),
        "location": {
            "text": row.location_text,
            "place": row.location_place,
            "lat": row.location_lat,
            "lon": row.location_lon,
            "source": row.location_source,
            "accuracy_m": row.location_accuracy_m,
        },
        "times": {
            "received_at": instant(row.received_at),
            "answered_at": maybe_instant(row.answered_at),
            "alerted_at": maybe_instant(row.alerted_at),
            "accepted_at": maybe_instant(row.accepted_at),
            "en_route_at": maybe_instant(row.en_route_at),
            "staged_at": maybe_instant(row.staged_at),
            "on_scene_at": maybe_instant(row.on_scene_at),
            "left_scene_at": maybe_instant(row.left_scene_at),
            "at_facility_at": maybe_instant(row.at_facility_at),
            "available_at": maybe_instant(row.available_at),
            "closed_at": maybe_instant(row.closed_at),
        },
        "assignments": [
            {
                "staff_code": assignment.staff_code,
                "status": assignment.status,
                "alerted_at": maybe_instant(assignment.alerted_at),
                "accepted_at": maybe_instant(assignment.accepted_at),
            }
            for assignment in assignments
        ],
    }


def event_json(row: Event) -> EventJson:
    """One line of the record."""
    return {
        "sequence": row.sequence,
        "kind": row.kind,
        "occurred_at": instant(row.occurred_at),
        "recorded_at": instant(row.recorded_at),
        "source": row.source,
        "actor": row.actor,
        "data": row.data,
        "hash": row.hash,
    }


def call_json(row: Call, *, role: UserRole) -> CallJson:
    """One ring."""
    return {
        "id": row.id,
        "provider_sid": row.provider_sid,
        "channel": row.channel,
        "caller_number": number_for(role, row.caller_number),
        "received_at": instant(row.received_at),
        "answered_at": maybe_instant(row.answered_at),
        "ended_at": maybe_instant(row.ended_at),
        "incident_id": row.incident_id,
        "outcome": row.outcome,
    }


def staff_json(row: Staff, *, role: UserRole) -> StaffJson:
    """One member of staff; phones are masked as callers' numbers are."""
    return {
        "code": row.code,
        "name": row.name,
        "role": row.role,
        "phone": number_for(role, row.phone),
        "skills": cast("list[str]", row.skills),
        "base_place": row.base_place,
        "is_active": row.is_active,
    }


def shift_json(code: str, name: str, tier: str, starts_at: datetime, ends_at: datetime) -> ShiftJson:
    """One stretch of duty."""
    return {
        "staff_code": code,
        "name": name,
        "tier": tier,
        "starts_at": instant(starts_at),
        "ends_at": instant(ends_at),
    }


def place_json(place: Place) -> PlaceJson:
    """One place."""
    return {
        "name": place.name,
        "kind": str(place.kind),
        "parent": place.parent,
        "lat": place.lat,
        "lon": place.lon,
        "aliases": list(place.aliases),
    }
