"""``/reports``: a period's report as a page and as files, and the incidents behind each of its figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from dashboards import trail
from dashboards.i18n import Language
from dashboards.page_errors import FormInvalidError
from dashboards.page_route import PageRoute
from dashboards.queries import api_times
from dashboards.rendering import SECURITY_HEADERS
from dashboards.reports import codes, kinds, measuring
from dashboards.reports.chapters import pen_for
from dashboards.reports.chapters_times import MAIN, TITLES, group_name
from dashboards.reports.document import Document
from dashboards.reports.kinds import Asked, Kind, Reading
from dashboards.reports.measuring import By, Kept
from dashboards.reports.periods import Period, PeriodError, last_month, parse_period
from dashboards.reports.response_times import Format, FormatMissingError
from dashboards.reports.sources import Sources
from dashboards.visits import AnyVisit, Visit, require
from dispatch.domain.response_times import INTERVAL
from dispatch.domain.summaries import Measured, State

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Visit, Depends(require())]

MONTHS, QUARTERS, YEARS = 24, 8, 5
"""How far back periods are offered; any other can be written in the address."""

LISTED = 200
"""Incidents on one page behind a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """The report, what it was asked for, and what else could be."""

    document: Document
    kind: Kind
    kinds: Sequence[Kind]
    formats: Sequence[Format]
    period: str
    compare: str
    last_month: str
    choices: Sequence[tuple[str, Sequence[str]]]
    query: str
    address: str
    qr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """One incident behind a figure, with what was measured of it."""

    number: str
    received_at: datetime
    priority: str
    category: str
    place: str
    seconds: float | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindPage:
    """The incidents that a figure is made of."""

    title: str
    period: str
    group: str
    state: str
    found: Sequence[Behind]
    first: int
    next_address: str


@router.get("/reports")
def show_report(
    visit: Reader,
    period: str = "",
    compare: str = "",
    kind: str = "",
    form: Annotated[str, Query(alias="format")] = "",
) -> Response:
    """The report of a period, of last month when none is named; with a format, the file is what is meant."""
    if form not in ("", Format.HTML):
        return _to_file(visit, period=period, compare=compare, kind=kind, form=form)
    latest = last_month(visit.now, visit.ctx.facility.zone)
    wanted = _period(period) if period else latest
    before = _period(compare) if compare else None
    chosen = _kind(kind)
    document = _read(visit, chosen, wanted, before).worded(language=visit.language, missing=None)
    asked = {"period": wanted.text} | ({"compare": before.text} if before else {})
    page = ReportPage(
        document=document,
        kind=chosen,
        kinds=tuple(Kind),
        formats=tuple(form for form in kinds.formats_of(chosen) if form is not Format.HTML),
        period=wanted.text,
        compare=before.text if before else "",
        last_month=latest.text,
        choices=choices(visit.now.astimezone(visit.ctx.facility.zone).date(), visit.language),
        query=urlencode({**asked, "kind": str(chosen)}),
        address=f"/reports/incidents?period={wanted.text}&" if chosen is Kind.RESPONSE_TIMES else "",
        qr=codes.svg(document.proof.address),
    )
    return visit.html("reports.html", page)


def _to_file(visit: Visit, *, period: str, compare: str, kind: str, form: str) -> Response:
    if form not in kinds.formats_of(_kind(kind)):
        raise FormInvalidError("format")
    wanted = _period(period) if period else last_month(visit.now, visit.ctx.facility.zone)
    asked = {"period": wanted.text, "format": form, "compare": compare, "kind": kind}
    query = urlencode({name: text for name, text in asked.items() if text})
    return RedirectResponse(f"/reports/file?{query}", status_code=303, headers={"Cache-Control": "no-store"})


@router.get("/reports/file")
def give_file(
    visit: Reader,
    period: str,
    form: Annotated[str, Query(alias="format")],
    compare: str = "",
    kind: str = "",
) -> Response:
    """The report as a file; as a page that says so, where the library of its format is missing."""
    chosen = _kind(kind)
    if form not in kinds.formats_of(chosen):
        raise FormInvalidError("format")
    wanted = _period(period)
    reading = _read(visit, chosen, wanted, _period(compare) if compare else None)
    given = Format(form)
    try:
        written = kinds.render(reading, format=given, language=visit.language)
    except FormatMissingError as error:
        given = Format.HTML
        written = kinds.render(reading, format=given, language=visit.language, missing=error)
    name = f"{visit.ctx.facility.code}-{wanted.text}-{chosen}.{given}"
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written, media_type=kinds.MEDIA[given], headers=headers)


@router.get("/reports/incidents")
def show_incidents(
    visit: Reader,
    period: str,
    interval: str = MAIN,
    by: str = "",
    group: str = "",
    state: str = "",
    number: str = "",
    first: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Which incidents a figure is made of: those that the same measuring puts there."""
    if number:
        return RedirectResponse(f"/incidents/{number}", status_code=303)
    if interval not in INTERVAL or (by and by not in set(By)) or (state and state not in set(State)):
        raise FormInvalidError("interval")
    wanted = _period(period)
    asked = _Asked(visit, interval, By(by) if by else None, group, State(state) if state else None)
    with visit.ctx.uow.read() as db:
        timed = api_times.timed_incidents(db, visit.ctx.facility.code, wanted.span(visit.ctx.facility.zone))
        rows = tuple(islice((row for one in timed if (row := asked.row(one))), first, first + LISTED + 1))
    query = {"period": wanted.text, "interval": interval, "by": by, "group": group, "state": state}
    pen = pen_for(_sources(visit), visit.language)
    page = BehindPage(
        title=pen.say(INTERVAL[interval].title),
        period=wanted.text,
        group=f"{pen.say(TITLES[By(by)])}: {group_name(By(by), group, pen)}" if by else "",
        state=state,
        found=rows[:LISTED],
        first=first,
        next_address="?" + urlencode({**query, "first": first + LISTED}) if len(rows) > LISTED else "",
    )
    visit.reads(trail.LOG_READ, f"report {wanted.text}")
    return visit.html("reports_incidents.html", page)


@router.get("/verification")
def show_verification(visit: AnyVisit) -> Response:
    """How anybody checks a printed report; the QR code on it leads here, so no log-in is asked for."""
    return visit.html("verification.html", None)


class _Asked:
    """Picks the incidents of one figure."""

    def __init__(self, visit: Visit, interval: str, by: By | None, group: str, state: State | None) -> None:
        self._keys = measuring.Keys(visit.ctx.facility.zone, visit.ctx.facility.report.shifts)
        self._at = list(INTERVAL).index(interval)
        self._by, self._group, self._state = by, group, state

    def row(self, incident: api_times.TimedIncident) -> Behind | None:
        """The incident as it is listed, when it is one of them."""
        if measuring.kind_of(incident) is not Kept.REAL:
            return None
        if self._by is not None and self._keys(self._by, incident) != self._group:
            return None
        measured: Measured = measuring.measured(incident)[self._at]
        state = measured if isinstance(measured, State) else State.RECORDED
        if self._state not in (None, state):
            return None
        return Behind(
            number=incident.number,
            received_at=incident.received_at,
            priority=incident.priority,
            category=incident.category,
            place=incident.place or "",
            seconds=None if isinstance(measured, State) else measured,
            state=str(state),
        )


def _sources(visit: Visit) -> Sources:
    ctx = visit.ctx
    return Sources(facility=ctx.facility, public_url=ctx.public_url, installation=ctx.installation)


def _read(visit: Visit, kind: Kind, period: Period, before: Period | None) -> Reading:
    asked = Asked(sources=_sources(visit), period=period, before=before, as_of=visit.now)
    with visit.ctx.uow.read() as db:
        return kinds.read(db, kind, asked)


def _kind(text: str) -> Kind:
    if text and text not in set(Kind):
        raise FormInvalidError("kind")
    return Kind(text) if text else Kind.RESPONSE_TIMES


def _period(text: str) -> Period:
    try:
        return parse_period(text)
    except PeriodError as error:
        raise FormInvalidError("period") from error


def choices(today: date, language: Language) -> Sequence[tuple[str, Sequence[str]]]:
    """Months, quarters and years to choose from, the newest first."""
    month = today.year * 12 + today.month - 1
    quarter = today.year * 4 + (today.month - 1) // 3
    titles = {Language.ID: ("Bulan", "Triwulan", "Tahun"), Language.EN: ("Month", "Quarter", "Year")}[
        language
    ]
    return tuple(
        zip(
            titles,
            (
                [f"{at // 12}-{at % 12 + 1:02}" for at in range(month, month - MONTHS, -1)],
                [f"{at // 4}-Q{at % 4 + 1}" for at in range(quarter, quarter - QUARTERS, -1)],
                [str(year) for year in range(today.year, today.year - YEARS, -1)],
            ),
            strict=True,
        )
    )
