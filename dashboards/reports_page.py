"""``/reports``: a period's report as a page and as files, and how a printed one is checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from dashboards.i18n import Language
from dashboards.page_errors import FormInvalidError
from dashboards.page_route import PageRoute
from dashboards.rendering import SECURITY_HEADERS
from dashboards.reports import codes, kinds
from dashboards.reports.document import Document
from dashboards.reports.kinds import Asked, Kind, Reading
from dashboards.reports.periods import Period, PeriodError, last_month, parse_period
from dashboards.reports.response_times import Format, FormatMissingError
from dashboards.reports.sources import Sources
from dashboards.visits import AnyVisit, Visit, require

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Visit, Depends(require())]

MONTHS, QUARTERS, YEARS = 24, 8, 5
"""How far back periods are offered; any other can be written in the address."""


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
    leads: bool
    """Whether figures lead to what is behind them; a draft that is handed in leads nowhere."""
    qr: str


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
        leads=chosen is Kind.RESPONSE_TIMES,
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


@router.get("/verification")
def show_verification(visit: AnyVisit) -> Response:
    """How anybody checks a printed report; the QR code on it leads here, so no log-in is asked for."""
    return visit.html("verification.html", None)


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
