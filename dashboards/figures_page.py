"""``/reports/incidents`` and ``/reports/calls``: what a report's figure is made of.

They pick by the same functions that counted. Neither shows a caller's number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from dashboards import trail
from dashboards.api.boundaries import Span
from dashboards.context import FacilityFacts
from dashboards.page_errors import FormInvalidError
from dashboards.page_route import PageRoute
from dashboards.queries import api_times, behind, report_lines
from dashboards.queries.report_lines import COUNTED, WantedLines
from dashboards.reports import leads, measuring
from dashboards.reports.chapters import pen_for
from dashboards.reports.chapters_times import MAIN, TITLES, group_name
from dashboards.reports.leads import CALL_TITLES, INCIDENT_TITLES, CallFigure, IncidentFigure
from dashboards.reports.measuring import By, Kept
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period, PeriodError, parse_period
from dashboards.reports.sources import Sources
from dashboards.visits import Visit, require
from dispatch.domain.events import Kind
from dispatch.domain.response_times import INTERVAL
from dispatch.domain.summaries import Measured, State
from dispatch.domain.vocabulary import CallOutcome, Source

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Visit, Depends(require())]

LISTED = 200
"""Incidents, or calls, on one page."""

FURTHEST = 10_000_000


class _Wanted(BaseModel):
    """What both pages are asked for; a word that is none of ours is refused."""

    model_config = ConfigDict(frozen=True)

    period: str
    first: Annotated[int, Query(ge=0, le=FURTHEST)] = 0

    def following(self) -> str:
        """The query of the next page."""
        asked = self.model_dump(mode="json", exclude_defaults=True)
        return "?" + urlencode({**asked, "first": self.first + LISTED})


class WantedIncidents(_Wanted):
    """Which figure: an interval's, a count's, or one of lines of the record."""

    interval: str = MAIN
    by: By | None = None
    group: str = ""
    state: State | None = None
    within: bool = False
    kept: Kept = Kept.REAL
    figure: IncidentFigure | None = None
    lines: Kind | None = None
    source: Source | None = None
    late: bool = False
    assumed: bool = False
    by_person: bool = False
    number: str = ""


class WantedCalls(_Wanted):
    """Which figure of calls: by their ending, or by what else they have in common."""

    outcome: CallOutcome | None = None
    figure: CallFigure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """One incident behind a figure; and its seconds, the number of its lines, or why there is neither."""

    incident: behind.Listed
    seconds: float | None = None
    state: str = ""
    lines: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindPage:
    """The incidents, or the calls, that a figure is made of; ``narrowed`` says which, in words."""

    title: str
    period: str
    narrowed: Sequence[str]
    found: Sequence[Behind] | Sequence[behind.ListedCall]
    next_address: str


class _Picking(Protocol):
    """Gives some of the incidents of a figure, from one on, oldest first."""

    def __call__(self, db: Session, span: Span, *, first: int, limit: int) -> Sequence[Behind]: ...


@router.get("/reports/incidents")
def show_incidents(visit: Reader, wanted: Annotated[WantedIncidents, Query()]) -> Response:
    """Which incidents a figure is made of: those that the same measuring puts there."""
    if wanted.number:
        return RedirectResponse(f"/incidents/{wanted.number}", status_code=303)
    if wanted.interval not in INTERVAL or (wanted.lines is not None and wanted.lines not in COUNTED):
        raise FormInvalidError("interval")
    period = _period(wanted.period)
    facility = visit.ctx.facility
    pen = pen_for(Sources(facility=facility), visit.language)
    with visit.ctx.uow.read() as db:
        rows = _picking(wanted, facility)(
            db, period.span(facility.zone), first=wanted.first, limit=LISTED + 1
        )
    page = BehindPage(
        title=_title(wanted, pen),
        period=period.text,
        narrowed=tuple(_narrowed(wanted, pen)),
        found=rows[:LISTED],
        next_address=wanted.following() if len(rows) > LISTED else "",
    )
    visit.reads(trail.LOG_READ, f"report {period.text}")
    return visit.html("reports_incidents.html", page)


@router.get("/reports/calls")
def show_calls(visit: Reader, wanted: Annotated[WantedCalls, Query()]) -> Response:
    """Which calls and texts a figure is made of."""
    period = _period(wanted.period)
    facility = visit.ctx.facility
    target_s, figure = facility.targets.get("answer"), wanted.figure
    with visit.ctx.uow.read() as db:
        found = behind.calls(db, facility.code, period.span(facility.zone), outcome=wanted.outcome)
        counted = (
            call
            for call in found
            if figure is None or leads.counts_call(figure, call.ring, target_s=target_s)
        )
        rows = tuple(islice(counted, wanted.first, wanted.first + LISTED + 1))
    pen = pen_for(Sources(facility=facility), visit.language)
    page = BehindPage(
        title=pen.say("Calls and texts" if figure is None else CALL_TITLES[figure]),
        period=period.text,
        narrowed=() if wanted.outcome is None else (pen.label("outcome", wanted.outcome),),
        found=rows[:LISTED],
        next_address=wanted.following() if len(rows) > LISTED else "",
    )
    visit.reads(trail.CALLS_READ, f"report {period.text}")
    return visit.html("reports_calls.html", page)


def _title(wanted: WantedIncidents, pen: Pen) -> str:
    if wanted.lines is not None:
        return pen.say("Lines of the record")
    if wanted.figure is not None:
        return pen.say(INCIDENT_TITLES[wanted.figure])
    return pen.say(INTERVAL[wanted.interval].title)


def _narrowed(wanted: WantedIncidents, pen: Pen) -> Iterator[str]:
    if wanted.by is not None:
        yield f"{pen.say(TITLES[wanted.by])}: {group_name(wanted.by, wanted.group, pen)}"
    if wanted.kept is not Kept.REAL:
        yield pen.say(_KEPT_TITLES[wanted.kept])
    if wanted.state is not None:
        yield pen.label("state", wanted.state)
    if wanted.lines is not None:
        yield str(wanted.lines)
    if wanted.source is not None:
        yield pen.label("source", wanted.source)
    for is_so, words in (
        (wanted.within, "Within the target"),
        (wanted.late, "Recorded more than a minute late"),
        (wanted.assumed, "Assumed answer times"),
        (wanted.by_person, "Stated by a person"),
    ):
        if is_so:
            yield pen.say(words)


_KEPT_TITLES = {Kept.DRILL: "Drills", Kept.TEST: "Tests", Kept.DUPLICATE: "Reported twice"}


def _picking(wanted: WantedIncidents, facility: FacilityFacts) -> _Picking:
    if wanted.lines is not None:
        return _OfLines(wanted.lines, wanted, facility)
    if wanted.figure is IncidentFigure.CALLED_BACK:
        return _CalledBack(facility)
    return _Measured(wanted, facility)


class _Measured:
    """Picks by what was measured of each incident."""

    def __init__(self, wanted: WantedIncidents, facility: FacilityFacts) -> None:
        self._keys = measuring.Keys(facility.zone, facility.report.shifts, facility.report.zones)
        self._at = list(INTERVAL).index(wanted.interval)
        self._wanted, self._facility = wanted, facility
        self._aims = measuring.Aims(facility.targets, facility.report.zones)

    def __call__(self, db: Session, span: Span, *, first: int, limit: int) -> Sequence[Behind]:
        timed = api_times.timed_incidents(db, self._facility.code, span)
        found = (row for one in timed if (row := self._row(one)))
        return tuple(islice(found, first, first + limit))

    def _row(self, incident: api_times.TimedIncident) -> Behind | None:
        """The incident as it is listed, when it is one of them."""
        wanted = self._wanted
        if measuring.kind_of(incident) is not wanted.kept:
            return None
        if wanted.by is not None and self._keys(wanted.by, incident) != wanted.group:
            return None
        if wanted.figure is not None and not leads.counts_incident(wanted.figure, incident):
            return None
        measured = measuring.measured(incident)[self._at]
        state = measured if isinstance(measured, State) else State.RECORDED
        if wanted.state not in (None, state) or (
            wanted.within and not self._is_within(measured, incident.place)
        ):
            return None
        return Behind(
            incident=behind.Listed(
                incident.number, incident.received_at, incident.priority, incident.category, incident.place
            ),
            seconds=None if isinstance(measured, State) else measured,
            state=str(state),
        )

    def _is_within(self, measured: Measured, place: str | None) -> bool:
        """Whether the target of its place was met; where there is none nothing meets it."""
        target_s = self._aims.of(place).get(self._wanted.interval)
        return not isinstance(measured, State) and target_s is not None and measured <= target_s


class _OfLines:
    """Picks the incidents that have lines of a kind, and counts those."""

    def __init__(self, kind: Kind, wanted: WantedIncidents, facility: FacilityFacts) -> None:
        self._facility = facility
        self._wanted = WantedLines(
            kind=kind,
            source=wanted.source,
            is_late=wanted.late,
            is_assumed=wanted.assumed,
            is_by_person=wanted.by_person,
        )

    def __call__(self, db: Session, span: Span, *, first: int, limit: int) -> Sequence[Behind]:
        counted = report_lines.incidents_of(
            db, self._facility.code, span, self._wanted, first=first, limit=limit
        )
        shown = behind.incidents_by_id(db, [identifier for identifier, _ in counted])
        return [Behind(incident=shown[identifier], lines=count) for identifier, count in counted]


class _CalledBack:
    """Picks the incidents whose caller had hung up and was reached again."""

    def __init__(self, facility: FacilityFacts) -> None:
        self._facility = facility

    def __call__(self, db: Session, span: Span, *, first: int, limit: int) -> Sequence[Behind]:
        found = (
            (each.incident_id, (each.returned_at - each.requested_at).total_seconds())
            for each in report_lines.call_backs(db, self._facility.code, span)
            if each.returned_at is not None
        )
        took = list(islice(found, first, first + limit))
        shown = behind.incidents_by_id(db, [identifier for identifier, _ in took])
        return [Behind(incident=shown[identifier], seconds=seconds) for identifier, seconds in took]


def _period(text: str) -> Period:
    try:
        return parse_period(text)
    except PeriodError as error:
        raise FormInvalidError("period") from error
