"""The log of incidents, page by page, and how every ring of a period ended."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

from models.base import UtcDateTime
from models.facility import Staff
from models.incident import Assignment, Call, Incident

PAGE = 50
YEARS_BACK = 6
"""How many years a bare short number is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the reader filtered for; ``from_at`` is included, ``to_at`` is not (CONTRACT 7)."""

    from_at: datetime | None = None
    to_at: datetime | None = None
    status: str = ""
    priority: str = ""
    number: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIncident:
    """One line of the log."""

    number: str
    short_number: int
    status: str
    priority: str
    category: str
    outcome: str | None
    channel: str
    is_drill: bool
    caller_number: str | None
    place: str
    received_at: datetime
    accepted_at: datetime | None
    on_scene_at: datetime | None
    closed_at: datetime | None
    rings: int
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Some lines, newest first, and the cursor of the next page."""

    items: tuple[LoggedIncident, ...]
    next_cursor: str | None


def log_page(db: Session, facility: str, wanted: Wanted, *, now: datetime) -> LogPage:
    """The incidents wanted; keyset pagination, so that the thousandth page costs as much as the first."""
    query = select(Incident).where(Incident.facility_id == facility)
    if wanted.number:
        # A number names one incident, whatever its date: the other filters would only hide it. Sorted here,
        # because the database would walk the index of dates to find it in order.
        rows = sorted(
            db.scalars(query.where(_number_is(facility, wanted.number, now))),
            key=lambda row: row.received_at,
            reverse=True,
        )
    else:
        rows = list(db.scalars(_newest_first(query, wanted)))
    shown = rows[:PAGE]
    ids = [row.id for row in shown]
    rings = _rings(db, ids)
    owners = _owners(db, ids)
    return LogPage(
        items=tuple(_logged(row, rings.get(row.id, 0), owners.get(row.id)) for row in shown),
        next_cursor=write_cursor(shown[-1]) if len(rows) > PAGE else None,
    )


def rings_by_outcome(
    db: Session, facility: str, from_at: datetime | None, to_at: datetime | None
) -> Mapping[str, int]:
    """How every ring of the period ended; calls that opened nothing are counted as well."""
    query = select(Call.outcome, func.count()).where(Call.facility_id == facility)
    if from_at is not None:
        query = query.where(Call.received_at >= from_at)
    if to_at is not None:
        query = query.where(Call.received_at < to_at)
    rows = db.execute(query.group_by(Call.outcome).order_by(func.count().desc(), Call.outcome))
    return {str(outcome): count for outcome, count in rows}


def write_cursor(row: Incident) -> str:
    """Where the next page begins."""
    return base64.urlsafe_b64encode(f"{row.received_at.isoformat()} {row.id}".encode()).decode()


def read_cursor(text: str) -> tuple[datetime, str] | None:
    """The instant and identifier in a cursor; None when it is no cursor of ours."""
    try:
        instant, _, identifier = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        at = datetime.fromisoformat(instant)
    except (ValueError, binascii.Error):
        return None
    return (at, identifier) if at.tzinfo is not None else None


def _newest_first(query: Select[Incident], wanted: Wanted) -> Select[Incident]:
    if wanted.from_at is not None:
        query = query.where(Incident.received_at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(Incident.received_at < wanted.to_at)
    if wanted.status == "running":
        query = query.where(Incident.status != "closed")
    elif wanted.status:
        query = query.where(Incident.status == wanted.status)
    if wanted.priority:
        query = query.where(Incident.priority == wanted.priority)
    after = read_cursor(wanted.after)
    if after is not None:
        query = query.where(
            tuple_(Incident.received_at, Incident.id)
            < tuple_(literal(after[0], UtcDateTime()), literal(after[1]))
        )
    return query.order_by(Incident.received_at.desc(), Incident.id.desc()).limit(PAGE + 1)


def _number_is(facility: str, text: str, now: datetime) -> ColumnElement[bool]:
    """``123`` in any of the last years, or the full number; both through the index of numbers."""
    wanted = text.strip().upper()
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= 6:
        years = range(now.year + 1, now.year - YEARS_BACK, -1)
        return Incident.number.in_([f"{facility}-{year}-{int(wanted):06d}" for year in years])
    return Incident.number == wanted


def _rings(db: Session, ids: list[str]) -> Mapping[str, int]:
    rows = db.execute(
        select(Call.incident_id, func.count()).where(Call.incident_id.in_(ids)).group_by(Call.incident_id)
    )
    return {str(incident_id): count for incident_id, count in rows}


def _owners(db: Session, ids: list[str]) -> Mapping[str, str]:
    """The worker who accepted first; the primary's flag goes when they have finished."""
    rows = db.execute(
        select(Assignment.incident_id, Staff.name)
        .join(Staff, Staff.id == Assignment.staff_id)
        .where(Assignment.incident_id.in_(ids), Assignment.accepted_at.is_not(None))
        .order_by(Assignment.is_primary, Assignment.accepted_at.desc())
    )
    # Later rows win: the primary, else whoever accepted first.
    return {str(incident_id): name for incident_id, name in rows}


def _logged(row: Incident, rings: int, owner: str | None) -> LoggedIncident:
    return LoggedIncident(
        number=row.number,
        short_number=row.short_number,
        status=row.status,
        priority=row.priority,
        category=row.category,
        outcome=row.outcome,
        channel=row.channel,
        is_drill=row.is_drill,
        caller_number=row.caller_number,
        place=row.location_place or row.location_text or "",
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        on_scene_at=row.on_scene_at,
        closed_at=row.closed_at,
        rings=rings,
        owner=owner,
    )
