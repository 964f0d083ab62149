"""Who is being helped right now, for a list that can be read when the database cannot.

Reads what goes on and nothing else; a list of it is as personal as the board.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.service.checks import OPEN_INCIDENTS
from dispatch.service.services import Services
from models.facility import Staff
from models.incident import IS_ENGAGED, Assignment, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """One incident that goes on; ``people`` are the names and phones of those who accepted it."""

    number: str
    priority: str
    category: str
    received_at: datetime
    place: str
    caller_number: str | None
    people: tuple[tuple[str, str], ...]


def open_incidents(session: Session, services: Services) -> Sequence[OpenIncident]:
    """Every incident that is not closed, oldest first."""
    incidents = session.execute(
        select(
            Incident.id,
            Incident.number,
            Incident.priority,
            Incident.category,
            Incident.received_at,
            Incident.location_place,
            Incident.location_text,
            Incident.caller_number,
        ).where(Incident.facility_id == services.facility_id, *OPEN_INCIDENTS)
    ).all()
    # Not by the database, which would walk through all incidents that there ever were in that order.
    incidents = sorted(incidents, key=lambda row: row.received_at)
    helping: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    engaged = (
        select(Assignment.incident_id, Staff.name, Staff.phone)
        .join(Staff, Staff.id == Assignment.staff_id)
        .where(Assignment.incident_id.in_([row.id for row in incidents]), IS_ENGAGED)
        .order_by(Assignment.accepted_at)
    )
    for incident_id, name, phone in session.execute(engaged):
        helping[incident_id].append((name, phone))
    return [
        OpenIncident(
            number=row.number,
            priority=row.priority,
            category=row.category,
            received_at=row.received_at,
            place=row.location_place or row.location_text or "",
            caller_number=row.caller_number,
            people=tuple(helping[row.id]),
        )
        for row in incidents
    ]
