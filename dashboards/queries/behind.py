"""The incidents and calls behind a figure, as they are listed; no caller's number is read."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.api.boundaries import Span
from dashboards.queries.api_times import Ring
from models.incident import Call, Incident

_CHUNK = 2000


class Listed(NamedTuple):
    """What is shown of an incident, whatever it stands in the list for."""

    number: str
    received_at: datetime
    priority: str
    category: str
    place: str | None


class ListedCall(NamedTuple):
    """One call or text, and the number of the incident that it belongs to."""

    received_at: datetime
    ring: Ring
    incident_number: str | None


def incidents_by_id(session: Session, ids: Sequence[str]) -> Mapping[str, Listed]:
    """The incidents of one page, by identifier."""
    query = select(
        Incident.id,
        Incident.number,
        Incident.received_at,
        Incident.priority,
        Incident.category,
        Incident.location_place,
    ).where(Incident.id.in_(ids))
    return {row.id: Listed(*row[1:]) for row in session.execute(query)}


def calls(
    session: Session, facility_id: str, span: Span, *, outcome: str | None = None
) -> Iterator[ListedCall]:
    """The calls and texts of *span*, oldest first, without drills; those that ended as *outcome* alone."""
    query = (
        select(Call.received_at, Call.channel, Call.outcome, Call.answered_at, Incident.number)
        .outerjoin(Incident, Incident.id == Call.incident_id)
        .where(Call.facility_id == facility_id, Incident.is_drill.is_not(True))
        .order_by(Call.received_at, Call.id)
        .execution_options(yield_per=_CHUNK)
    )
    if span.from_at is not None:
        query = query.where(Call.received_at >= span.from_at)
    if span.until_at is not None:
        query = query.where(Call.received_at < span.until_at)
    if outcome is not None:
        query = query.where(Call.outcome == outcome)
    for received_at, channel, ended, answered_at, number in session.execute(query):
        waited_s = None if answered_at is None else (answered_at - received_at).total_seconds()
        ring = Ring(channel=channel, outcome=ended, answered_after_s=waited_s, is_drill=False)
        yield ListedCall(received_at=received_at, ring=ring, incident_number=number)
