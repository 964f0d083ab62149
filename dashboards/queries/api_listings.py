"""Pages of incidents and rings by key, newest first, and what belongs to them; every query through an index.

Knows rows only; their shapes are ``dashboards.api.shapes``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, defer

from dashboards.api.boundaries import Span
from dashboards.api.cursors import Position
from models.facility import Shift, Staff
from models.incident import Assignment, Call, Incident
from models.record import Event

_HEAVY = (
    defer(Incident.policy, raiseload=True),
    defer(Incident.duty, raiseload=True),
    defer(Incident.ladder, raiseload=True),
)
"""The frozen policy and duty list are most of a row and in no listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIncident:
    """An incident and the workers asked, in the order in which they were."""

    row: Incident
    assignments: Sequence[Assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRows:
    """A page of incidents; ``following`` is where the next one starts, None on the last."""

    found: Sequence[FoundIncident]
    following: Position | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRows:
    """A page of rings; ``following`` is where the next one starts, None on the last."""

    found: Sequence[Call]
    following: Position | None


def incidents(
    session: Session,
    facility_id: str,
    span: Span,
    *,
    statuses: Sequence[str] = (),
    after: Position | None = None,
    limit: int,
) -> IncidentRows:
    """At most *limit* incidents received within *span*, newest first, behind the position *after*."""
    query = select(Incident).where(Incident.facility_id == facility_id).options(*_HEAVY)
    if span.from_at is not None:
        query = query.where(Incident.received_at >= span.from_at)
    if span.until_at is not None:
        query = query.where(Incident.received_at < span.until_at)
    if statuses:
        query = query.where(Incident.status.in_(statuses))
    if after is not None:
        query = query.where(_older_incident(after))
    query = query.order_by(Incident.received_at.desc(), Incident.id.desc()).limit(limit + 1)
    rows = session.scalars(query).all()
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = Position(at=rows[-1].received_at, id=rows[-1].id)
    parts = _assignments(session, [row.id for row in rows])
    found = [FoundIncident(row=row, assignments=parts.get(row.id, ())) for row in rows]
    return IncidentRows(found=found, following=following)


def incident(session: Session, facility_id: str, key: str) -> FoundIncident | None:
    """The incident with this identifier or number, or None."""
    row = session.scalar(
        select(Incident)
        .where(Incident.facility_id == facility_id, or_(Incident.id == key, Incident.number == key))
        .options(*_HEAVY)
    )
    if row is None:
        return None
    return FoundIncident(row=row, assignments=_assignments(session, [row.id]).get(row.id, ()))


def events(session: Session, incident_id: str) -> Sequence[Event]:
    """The whole record of an incident, in order."""
    query = select(Event).where(Event.incident_id == incident_id).order_by(Event.sequence)
    return session.scalars(query).all()


def calls(
    session: Session, facility_id: str, span: Span, *, after: Position | None = None, limit: int
) -> CallRows:
    """At most *limit* rings within *span*, newest first, behind the position *after*."""
    query = select(Call).where(Call.facility_id == facility_id)
    if span.from_at is not None:
        query = query.where(Call.received_at >= span.from_at)
    if span.until_at is not None:
        query = query.where(Call.received_at < span.until_at)
    if after is not None:
        # The plain comparison beside the exact one lets both databases start in the middle of the index.
        query = query.where(
            Call.received_at <= after.at,
            or_(Call.received_at < after.at, and_(Call.received_at == after.at, Call.id < after.id)),
        )
    rows = session.scalars(query.order_by(Call.received_at.desc(), Call.id.desc()).limit(limit + 1)).all()
    if len(rows) <= limit:
        return CallRows(found=rows, following=None)
    rows = rows[:limit]
    return CallRows(found=rows, following=Position(at=rows[-1].received_at, id=rows[-1].id))


def staff(session: Session, facility_id: str) -> Sequence[Staff]:
    """Everybody who was ever on the staff list, by code."""
    return session.scalars(select(Staff).where(Staff.facility_id == facility_id).order_by(Staff.code)).all()


def shifts(
    session: Session, facility_id: str, from_at: datetime, until_at: datetime
) -> Sequence[tuple[str, str, str, datetime, datetime]]:
    """Code, name, tier, start and end of every shift that touches ``[from_at, until_at)``, by start."""
    query = (
        select(Staff.code, Staff.name, Shift.tier, Shift.starts_at, Shift.ends_at)
        .join(Staff, Staff.id == Shift.staff_id)
        .where(Shift.facility_id == facility_id, Shift.ends_at > from_at, Shift.starts_at < until_at)
        .order_by(Shift.starts_at, Staff.code, Shift.tier)
    )
    return session.execute(query).all()


def _older_incident(after: Position) -> ColumnElement[bool]:
    return and_(
        Incident.received_at <= after.at,
        or_(
            Incident.received_at < after.at,
            and_(Incident.received_at == after.at, Incident.id < after.id),
        ),
    )


def _assignments(session: Session, incident_ids: Sequence[str]) -> Mapping[str, list[Assignment]]:
    found: dict[str, list[Assignment]] = {}
    if incident_ids:
        query = (
            select(Assignment)
            .where(Assignment.incident_id.in_(incident_ids))
            .order_by(Assignment.asked_at, Assignment.staff_code)
        )
        for row in session.scalars(query):
            found.setdefault(row.incident_id, []).append(row)
    return found
