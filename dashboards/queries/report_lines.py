"""What the lines of the record say about a period's incidents, beside what happened.

By which way each step came to be known, how late, and what was put right afterwards. Counts in the database,
in one pass over the lines of those incidents. Drills are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, case, cast, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from dashboards.api.boundaries import Span
from dashboards.queries.api_times import within
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import CallOutcome, Source
from models.incident import Call, Incident
from models.record import Event

STEPS: Mapping[str, Kind] = {
    "received_at": Kind.CALL_RECEIVED,
    "answered_at": Kind.CALL_ANSWERED,
    "alerted_at": Kind.ALERT_SENT,
    "accepted_at": Kind.ACCEPTED,
    "en_route_at": Kind.EN_ROUTE,
    "staged_at": Kind.STAGED,
    "on_scene_at": Kind.ON_SCENE,
    "left_scene_at": Kind.LEFT_SCENE,
    "at_facility_at": Kind.AT_FACILITY,
    "available_at": Kind.AVAILABLE,
    "closed_at": Kind.INCIDENT_CLOSED,
}
"""The line that states each time of an incident."""

CHANGES = (
    Kind.PRIORITY_SET,
    Kind.CATEGORY_SET,
    Kind.LOCATION_SET,
    Kind.INCIDENT_MERGED,
    Kind.ACTION_REFUSED,
)
"""Lines that put right, or were to put right, what stood there before; that stays in the record too."""

COUNTED = (*STEPS.values(), *CHANGES)

LATE_AFTER_MIN = 1
"""So many whole minutes after what it tells of a line is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """How many lines of one kind came by one way, and how many whole minutes after what they tell of."""

    kind: str
    source: str
    minutes_late: int
    is_assumed: bool
    is_by_person: bool
    is_after_seal: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """What became of a caller who had hung up before anybody was there."""

    incident_id: str
    requested_at: datetime
    returned_at: datetime | None


def lines(
    session: Session, facility_id: str, span: Span, *, sealed_until: datetime | None = None
) -> tuple[Lines, ...]:
    """The lines of the incidents received within *span*; *sealed_until* is when its last seal ends."""
    after_seal = literal(False) if sealed_until is None else Event.recorded_at >= sealed_until
    # Worked out before they are counted: what is grouped carries every column along that its keys are made
    # of, and a line's data are most of what there is.
    found = (
        _told(session, facility_id, span, [str(kind) for kind in COUNTED])
        .add_columns(after_seal.label("after_seal"))
        .cte("lines")
        .prefix_with("MATERIALIZED")
    )
    query = select(found, func.count()).group_by(*found.c).order_by(*found.c)
    return tuple(
        Lines(
            kind=kind,
            source=source,
            minutes_late=int(minutes),
            is_assumed=bool(is_assumed),
            is_by_person=bool(is_by_person),
            is_after_seal=bool(is_after_seal),
            count=count,
        )
        for kind, source, minutes, is_assumed, is_by_person, is_after_seal, count in session.execute(query)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLines:
    """Which lines are looked for; what is not asked for is left as it is."""

    kind: Kind
    source: Source | None = None
    is_late: bool = False
    is_assumed: bool = False
    is_by_person: bool = False


def incidents_of(
    session: Session, facility_id: str, span: Span, wanted: WantedLines, *, first: int, limit: int
) -> Sequence[tuple[str, int]]:
    """The incidents with such lines and how many each has, oldest first, from the *first* on."""
    told = _told(session, facility_id, span, [str(wanted.kind)])
    found = (
        told.add_columns(Incident.id.label("incident_id"), Incident.received_at.label("received_at"))
        .cte("lines")
        .prefix_with("MATERIALIZED")
    )
    query = select(found.c.incident_id, func.count())
    if wanted.source is not None:
        query = query.where(found.c.source == str(wanted.source))
    if wanted.is_late:
        query = query.where(found.c.late >= LATE_AFTER_MIN)
    if wanted.is_assumed:
        query = query.where(found.c.assumed.is_(True))
    if wanted.is_by_person:
        query = query.where(found.c.by_person.is_(True))
    query = (
        query.group_by(found.c.incident_id, found.c.received_at)
        .order_by(found.c.received_at, found.c.incident_id)
        .offset(first)
        .limit(limit)
    )
    return [(incident_id, count) for incident_id, count in session.execute(query)]


def _told(session: Session, facility_id: str, span: Span, kinds: Sequence[str]) -> Select[Any]:
    """Each line of *kinds* of the incidents of *span*, as far as it is counted."""
    late = _minutes_late(session)
    # Asked only of the lines that can have it: reading every line's data would take longer than all the rest.
    # It is the engine that assumes.
    assumed = case(
        (
            (Event.kind == str(Kind.CALL_ANSWERED)) & (Event.source == str(Source.ENGINE)),
            func.coalesce(Event.data["assumed"].as_boolean(), False) & ~_is_corrected(),
        ),
        else_=False,
    )
    # Persons act as user:NAME and staff:CODE; the engine and callers have no colon.
    by_person = Event.actor.contains(":")
    return (
        select(
            Event.kind,
            Event.source,
            late.label("late"),
            assumed.label("assumed"),
            by_person.label("by_person"),
        )
        .join(Incident, Incident.id == Event.incident_id)
        .where(*within(span, facility_id), Incident.is_drill.is_(False), Event.kind.in_(kinds))
    )


def _is_corrected() -> ColumnElement[bool]:
    """Whether a later line says when the caller was answered in truth."""
    correction = aliased(Event)
    return exists().where(
        correction.incident_id == Event.incident_id,
        correction.kind == str(Kind.CALL_ANSWERED),
        correction.data["corrects"].as_integer() == Event.sequence,
    )


def call_backs(session: Session, facility_id: str, span: Span) -> Iterator[CallBack]:
    """For every incident with a call of *span* that was abandoned: when it was to be called back, and was."""
    abandoned = (
        select(Call.incident_id)
        .join(Incident, Incident.id == Call.incident_id)
        .where(
            Incident.is_drill.is_(False),
            Call.facility_id == facility_id,
            Call.outcome == str(CallOutcome.ABANDONED),
            *([] if span.from_at is None else [Call.received_at >= span.from_at]),
            *([] if span.until_at is None else [Call.received_at < span.until_at]),
        )
        .distinct()
        .subquery()
    )
    requested = func.min(case((Event.kind == str(Kind.CALL_BACK_REQUESTED), Event.occurred_at)))
    returned = func.min(case((Event.kind == str(Kind.CALL_RETURNED), Event.occurred_at)))
    query = (
        select(Event.incident_id, requested, returned)
        .join(abandoned, abandoned.c.incident_id == Event.incident_id)
        .where(Event.kind.in_([str(Kind.CALL_BACK_REQUESTED), str(Kind.CALL_RETURNED)]))
        .group_by(Event.incident_id)
        .order_by(Event.incident_id)
    )
    for incident_id, requested_at, returned_at in session.execute(query):
        if requested_at is not None:
            yield CallBack(incident_id=incident_id, requested_at=requested_at, returned_at=returned_at)


def _minutes_late(session: Session) -> ColumnElement[int]:
    if session.get_bind().dialect.name == "sqlite":
        recorded_s, occurred_s = (
            cast(func.strftime("%s", column), Integer) for column in (Event.recorded_at, Event.occurred_at)
        )
        # Nearly all stand in the same minute, which comparing sixteen letters shows more cheaply.
        same = func.substr(Event.recorded_at, 1, 16) == func.substr(Event.occurred_at, 1, 16)
        return case((same, 0), else_=(recorded_s - occurred_s) // 60)
    seconds = func.extract("epoch", Event.recorded_at - Event.occurred_at)
    return cast(func.floor(seconds / 60), Integer)
