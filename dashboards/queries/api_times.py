"""The times of a period's incidents, and how its rings ended, for response times in API and report.

Reads in one pass and keeps nothing; what the numbers mean is ``dispatch.domain.response_times``. Instants are
read as the database keeps them and parsed here: a month of a busy regency has a hundred thousand of them, and
the usual way takes longer than everything else together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Select, String, select, type_coerce
from sqlalchemy.orm import Session

from dashboards.api.boundaries import Span
from dispatch.domain.response_times import TIME_NAMES
from dispatch.domain.vocabulary import CallOutcome
from models.base import table_of
from models.incident import Assignment, Call, Incident

_CHUNK = 2000
_INCIDENT, _CALL = table_of(Incident), table_of(Call)


class TimedIncident(NamedTuple):
    """One incident as far as its times (in the order of ``TIME_NAMES``) and its place in a table go."""

    number: str
    times: Sequence[datetime | None]
    received_at: datetime
    priority: str
    category: str
    channel: str
    outcome: str | None
    place: str | None
    tier: str | None
    is_drill: bool
    is_erased: bool


class Ring(NamedTuple):
    """One call or text: how it came, how it ended, and how long a person took to answer (None: nobody)."""

    channel: str
    outcome: str
    answered_after_s: float | None
    is_drill: bool


def timed_incidents(session: Session, facility_id: str, span: Span) -> Iterator[TimedIncident]:
    """Every incident received within *span*, oldest first, with the tier of the worker who accepted first."""
    tiers = _tiers(session, facility_id, span)
    query = (
        select(
            _INCIDENT.c.id,
            _INCIDENT.c.number,
            _INCIDENT.c.priority,
            _INCIDENT.c.category,
            _INCIDENT.c.channel,
            _INCIDENT.c.outcome,
            _INCIDENT.c.location_place,
            _INCIDENT.c.is_drill,
            _INCIDENT.c.erased_at.is_not(None),
            *(_raw(_INCIDENT.c[name]) for name in TIME_NAMES),
        )
        .where(*within(span, facility_id))
        .order_by(_INCIDENT.c.received_at, _INCIDENT.c.id)
    )
    instants = _instants(session)
    for row in _streamed(session, query):
        incident_id, number, priority, category, channel, outcome, place, is_drill, is_erased, *raw = row
        times = instants(raw)
        yield TimedIncident(
            number=number,
            times=times,
            # The first of the times, which every incident has.
            received_at=cast(datetime, times[0]),
            priority=priority,
            category=category,
            channel=channel,
            outcome=outcome,
            place=place,
            tier=tiers.get(incident_id),
            is_drill=is_drill,
            is_erased=bool(is_erased),
        )


def rings(session: Session, facility_id: str, span: Span) -> Iterator[Ring]:
    """Every call and text that came in within *span*, oldest first."""
    query = (
        select(
            _CALL.c.channel,
            _CALL.c.outcome,
            _INCIDENT.c.is_drill,
            _raw(_CALL.c.received_at),
            _raw(_CALL.c.answered_at),
        )
        .outerjoin(_INCIDENT, _INCIDENT.c.id == _CALL.c.incident_id)
        .where(*_calls_within(span, facility_id))
        .order_by(_CALL.c.received_at, _CALL.c.id)
    )
    instants = _instants(session)
    for channel, outcome, is_drill, *raw in _streamed(session, query):
        received_at, answered_at = instants(raw)
        after_s = None
        if received_at is not None and answered_at is not None:
            after_s = (answered_at - received_at).total_seconds()
        yield Ring(channel=channel, outcome=outcome, answered_after_s=after_s, is_drill=bool(is_drill))


def by_outcome(found: Sequence[Ring]) -> Mapping[str, int]:
    """How many of the rings ended how, without those of drills; every outcome is there, also with none."""
    counted = dict.fromkeys(map(str, CallOutcome), 0)
    for ring in found:
        if ring.is_drill:
            continue
        counted[ring.outcome] = counted.get(ring.outcome, 0) + 1
    return counted


def within(span: Span, facility_id: str) -> list[ColumnElement[bool]]:
    """The incidents that were received within *span*."""
    conditions: list[ColumnElement[bool]] = [Incident.facility_id == facility_id]
    if span.from_at is not None:
        conditions.append(Incident.received_at >= span.from_at)
    if span.until_at is not None:
        conditions.append(Incident.received_at < span.until_at)
    return conditions


def _tiers(session: Session, facility_id: str, span: Span) -> Mapping[str, str]:
    """By incident, the tier of whoever accepted first."""
    query = (
        select(Assignment.incident_id, Assignment.tier)
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(*within(span, facility_id), Assignment.accepted_at.is_not(None))
        .order_by(Assignment.accepted_at.desc(), Assignment.tier.desc())
        .execution_options(yield_per=_CHUNK)
    )
    # The last one stays: the earliest, and of two at the same instant the first by name.
    return dict(session.execute(query).all())


def _calls_within(span: Span, facility_id: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Call.facility_id == facility_id]
    if span.from_at is not None:
        conditions.append(Call.received_at >= span.from_at)
    if span.until_at is not None:
        conditions.append(Call.received_at < span.until_at)
    return conditions


def _streamed(session: Session, query: Select[Any]) -> Iterator[Any]:
    """Rows as they are: turning them into entities is what takes long."""
    connection = session.connection().execution_options(yield_per=_CHUNK)
    with connection.execute(query) as rows:
        # In parts: one by one, each row goes through five functions.
        for part in rows.partitions():
            yield from part


def _raw(column: ColumnElement[datetime]) -> ColumnElement[str]:
    """As the driver gives it: text from SQLite, an instant from PostgreSQL."""
    return type_coerce(column, String())


def _instants(session: Session) -> Callable[[Sequence[Any]], list[datetime | None]]:
    """What makes instants of raw values: texts of the wall time of UTC from SQLite (models.base)."""
    return _of_texts if session.get_bind().dialect.name == "sqlite" else list


def _of_texts(raw: Sequence[str | None]) -> list[datetime | None]:
    return [None if value is None else _parsed(f"{value}+00:00") for value in raw]


_parsed = datetime.fromisoformat
