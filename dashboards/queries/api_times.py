"""The times of a period's incidents, and how its rings ended, for response times in API and report.

Reads in one pass and keeps nothing; what the numbers mean is ``dispatch.domain.response_times``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from dashboards.api.boundaries import Span
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Times
from dispatch.domain.vocabulary import CallOutcome, IncidentChannel
from models.incident import Assignment, Call, Incident
from models.record import Event

TIME_NAMES = tuple(field.name for field in fields(Times))
_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedIncident:
    """One incident as far as its times and its place in a table go."""

    times: Mapping[str, datetime | None]
    received_at: datetime
    priority: str
    category: str
    channel: str
    outcome: str | None
    place: str | None
    tier: str | None
    is_drill: bool


def timed_incidents(session: Session, facility_id: str, span: Span) -> Iterator[TimedIncident]:
    """Every incident received within *span*, oldest first, with the tier of the worker who accepted first."""
    first = (
        select(Assignment.incident_id, func.min(Assignment.accepted_at).label("at"))
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(*_within(span, facility_id), Assignment.accepted_at.is_not(None))
        .group_by(Assignment.incident_id)
        .subquery()
    )
    tiers = (
        select(Assignment.incident_id, func.min(Assignment.tier).label("tier"))
        .join(
            first, and_(first.c.incident_id == Assignment.incident_id, first.c.at == Assignment.accepted_at)
        )
        .group_by(Assignment.incident_id)
        .subquery()
    )
    query = (
        select(
            Incident.priority,
            Incident.category,
            Incident.channel,
            Incident.outcome,
            Incident.location_place,
            Incident.is_drill,
            tiers.c.tier,
            *(getattr(Incident, name) for name in TIME_NAMES),
        )
        .outerjoin(tiers, tiers.c.incident_id == Incident.id)
        .where(*_within(span, facility_id))
        .order_by(Incident.received_at, Incident.id)
        .execution_options(yield_per=_CHUNK)
    )
    for row in session.execute(query):
        times: dict[str, datetime | None] = {name: getattr(row, name) for name in TIME_NAMES}
        yield TimedIncident(
            times=times,
            received_at=row.received_at,
            priority=row.priority,
            category=row.category,
            channel=row.channel,
            outcome=row.outcome,
            place=row.location_place,
            tier=row.tier,
            is_drill=row.is_drill,
        )


def calls_by_outcome(session: Session, facility_id: str, span: Span) -> Mapping[str, int]:
    """How many rings of *span* ended how; every outcome is there, also with none."""
    query = select(Call.outcome, func.count()).where(*_calls_within(span, facility_id)).group_by(Call.outcome)
    counted: dict[str, int] = dict(session.execute(query).all())
    return {str(outcome): counted.pop(str(outcome), 0) for outcome in CallOutcome} | counted


def seconds_to_answer(session: Session, facility_id: str, span: Span) -> Iterator[float | None]:
    """For every voice call that rang within *span*, how long it waited; None when nobody ever joined it.

    Abandoned calls are among them (DOMAIN 2.1), tests are not.
    """
    query = select(Call.received_at, Call.answered_at).where(
        *_calls_within(span, facility_id),
        Call.channel == str(IncidentChannel.VOICE),
        Call.outcome != str(CallOutcome.TEST),
    )
    for received_at, answered_at in session.execute(query.execution_options(yield_per=_CHUNK)):
        yield None if answered_at is None else (answered_at - received_at).total_seconds()


def assumed_answers(session: Session, facility_id: str, span: Span) -> int:
    """How many incidents of *span* have an answer time that nobody reported and the engine took to be so."""
    correction = aliased(Event)
    query = (
        select(func.count(func.distinct(Event.incident_id)))
        .join(Incident, Incident.id == Event.incident_id)
        .where(
            *_within(span, facility_id),
            Incident.is_drill.is_(False),
            Event.kind == str(Kind.CALL_ANSWERED),
            Event.data["assumed"].as_boolean(),
            ~exists().where(
                correction.incident_id == Event.incident_id,
                correction.kind == str(Kind.CALL_ANSWERED),
                correction.data["corrects"].as_integer() == Event.sequence,
            ),
        )
    )
    return session.scalar(query) or 0


def _within(span: Span, facility_id: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Incident.facility_id == facility_id]
    if span.from_at is not None:
        conditions.append(Incident.received_at >= span.from_at)
    if span.until_at is not None:
        conditions.append(Incident.received_at < span.until_at)
    return conditions


def _calls_within(span: Span, facility_id: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Call.facility_id == facility_id]
    if span.from_at is not None:
        conditions.append(Call.received_at >= span.from_at)
    if span.until_at is not None:
        conditions.append(Call.received_at < span.until_at)
    return conditions
