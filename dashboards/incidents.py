"""``/incidents``, the log, and ``/incidents/{number}``, everything about one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from dashboards import trail
from dashboards.page_errors import FormInvalidError, PageNotFoundError
from dashboards.page_route import PageRoute
from dashboards.queries import incidents as log_queries
from dashboards.queries import one_incident as queries
from dashboards.queries.staff import StaffMember, staff_by_code
from dashboards.visits import Visit, require

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Visit, Depends(require())]

SHOWN_DAYS = 30
"""How far back the log looks when no date is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """The log with what it was filtered by."""

    log: log_queries.LogPage
    rings: Mapping[str, int]
    from_date: str
    to_date: str
    status: str
    priority: str
    number: str
    next_address: str | None
    is_first: bool

    @property
    def ring_count(self) -> int:
        """Every ring of the period."""
        return sum(self.rings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What stood in a form that was refused, so that nobody types it twice."""

    action: str = ""
    text: str = ""
    reason: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """One incident; ``problem`` is the code of the rule that refused a form, ``draft`` what stood in it."""

    incident: queries.OneIncident
    parts: tuple[queries.Part, ...]
    rings: tuple[queries.Ring, ...]
    lines: tuple[queries.Line, ...]
    sent: tuple[queries.Sent, ...]
    staff: Mapping[str, StaffMember]
    names: Mapping[str, str]
    problem: str | None
    draft: Draft

    @property
    def failures(self) -> int:
        """How many calls and texts failed or are uncertain."""
        return sum(one.state in ("failed", "unknown") for one in self.sent)


@router.get("/incidents")
def show_log(
    visit: Reader,
    from_date: Annotated[str, Query(alias="from")] = "",
    to_date: Annotated[str, Query(alias="to")] = "",
    status: str = "",
    priority: str = "",
    number: str = "",
    after: str = "",
) -> Response:
    """The log, newest first."""
    zone = visit.ctx.facility.zone
    first_day = _date(from_date, "from")
    if first_day is None and not from_date and not number:
        first_day = visit.now.astimezone(zone).date() - timedelta(days=SHOWN_DAYS)
    last_day = _date(to_date, "to")
    wanted = log_queries.Wanted(
        from_at=_midnight(visit, first_day),
        to_at=_midnight(visit, last_day),
        status=status,
        priority=priority,
        number=number.strip()[:40],
        after=after,
    )
    facility = visit.ctx.facility.code
    with visit.ctx.uow.read() as db:
        log = log_queries.log_page(db, facility, wanted, now=visit.now)
        rings = log_queries.rings_by_outcome(db, facility, wanted.from_at, wanted.to_at)
    shown = {
        "from": "" if first_day is None else first_day.isoformat(),
        "to": "" if last_day is None else last_day.isoformat(),
        "status": status,
        "priority": priority,
        "number": wanted.number,
    }
    page = LogPage(
        log=log,
        rings=rings,
        from_date=shown["from"],
        to_date=shown["to"],
        status=status,
        priority=priority,
        number=wanted.number,
        next_address=None
        if log.next_cursor is None
        else "?" + urlencode({**shown, "after": log.next_cursor}),
        is_first=not after,
    )
    visit.reads(trail.LOG_READ, "incidents")
    return visit.html("incidents.html", page)


@router.get("/incidents/{number}")
def show_incident(visit: Reader, number: str) -> Response:
    """One incident."""
    return visit.html("incident.html", read_incident(visit, number))


def read_incident(
    visit: Visit, number: str, *, problem: str | None = None, draft: Draft | None = None
) -> IncidentPage:
    """Everything about the incident; that somebody read it is recorded before anything is shown.

    Raises:
        PageNotFoundError: there is no such incident here.
    """
    facility = visit.ctx.facility.code
    with visit.ctx.uow.read() as db:
        incident = queries.find_by_number(db, facility, number)
        if incident is None:
            raise PageNotFoundError
        staff = staff_by_code(db, facility)
        page = IncidentPage(
            incident=incident,
            parts=queries.parts(db, incident.id),
            rings=queries.rings(db, incident.id),
            lines=queries.lines(db, incident.id),
            sent=queries.sent(db, incident.id),
            staff=staff,
            names={code: member.name for code, member in staff.items()},
            problem=problem,
            draft=draft or Draft(),
        )
    visit.reads(trail.INCIDENT_READ, incident.number, is_urgent=incident.is_open)
    return page


def _date(text: str, field: str) -> date | None:
    """The day that was written; None for none.

    Raises:
        FormInvalidError: it is no day; leaving it out would show other incidents than were asked for.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise FormInvalidError(field) from error


def _midnight(visit: Visit, day: date | None) -> datetime | None:
    """The instant at which *day* begins at the facility."""
    if day is None or not 1900 < day.year < 3000:
        return None
    return datetime.combine(day, time(), tzinfo=visit.ctx.facility.zone).astimezone(UTC)
