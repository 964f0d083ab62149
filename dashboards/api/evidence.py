"""Evidence packs and reports over the JSON API: the very files that the pages give.

A pack is made by the same maker as on the page, one at a time for both.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import FileResponse, Response

from dashboards import problems
from dashboards.api import access
from dashboards.api.context import ApiContext
from dashboards.api.tokens import Caller
from dashboards.evidence_refusals import EvidenceRefusedError, Refusal
from dashboards.i18n import Language
from dashboards.problems import Problem, ProblemError
from dashboards.reports import kinds
from dashboards.reports.kinds import MEDIA, Asked, FormatRefusedError, Kind
from dashboards.reports.periods import Period, PeriodError, parse_period
from dashboards.reports.response_times import Format, FormatMissingError

PeriodText = Annotated[str, Query(description="A month, quarter or year: 2026-10, 2026-Q4, 2026.")]

_MAY_WAIT = (Refusal.BUSY, Refusal.NOTHING_SEALED, Refusal.KEY, Refusal.TOO_MANY_DAYS)
"""What lies in the state of things (409); anything else is a failure of ours (503)."""


def evidence_routes(ctx: ApiContext) -> APIRouter:
    """The routes ``/evidence`` and ``/reports``."""
    router = APIRouter()
    services = ctx.services

    @router.get("/evidence", response_class=FileResponse, tags=["evidence"])
    def evidence(caller: Annotated[Caller, Depends(access.evidence_reader)], period: PeriodText) -> Response:
        """The sealed evidence pack of a period, as a ZIP; for admin, manager and auditor."""
        wanted = _period(period, "period")
        try:
            file = ctx.make_pack(wanted.text, caller.actor)
        except EvidenceRefusedError as error:
            raise ProblemError(_problem(error)) from error
        return FileResponse(file, filename=file.name, media_type="application/zip")

    @router.get("/reports", response_class=Response, tags=["reports"])
    def report(
        caller: Annotated[Caller, Depends(access.reader)],
        period: PeriodText,
        kind: Annotated[Kind, Query(description="Which report.")] = Kind.RESPONSE_TIMES,
        form: Annotated[Format, Query(alias="format", description="How it is written.")] = Format.JSON,
        compare: Annotated[str, Query(description="Another period, put beside it.")] = "",
        language: Annotated[Language, Query(description="Of page, PDF and workbook.")] = Language.ID,
    ) -> Response:
        """A report of a period as a file; nobody who called can be recognised in it."""
        assert caller.role
        asked = Asked(
            sources=ctx.sources,
            period=_period(period, "period"),
            before=_period(compare, "compare") if compare else None,
            as_of=services.clock.now(),
        )
        try:
            kinds.require_format(kind, form)
            with services.uow.read() as session:
                reading = kinds.read(session, kind, asked)
            written = kinds.render(reading, format=form, language=language)
        except (FormatRefusedError, FormatMissingError) as error:
            raise problems.bad_field("format", str(error)) from error
        name = f"{services.facility_id}-{asked.period.text}-{kind}.{form}"
        return Response(
            written,
            media_type=MEDIA[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return router


def _period(text: str, field: str) -> Period:
    try:
        return parse_period(text)
    except PeriodError as error:
        raise problems.bad_field(field, str(error)) from error


def _problem(error: EvidenceRefusedError) -> Problem:
    return Problem(
        status=409 if error.refusal in _MAY_WAIT else 503,
        code=str(error.refusal),
        title="No pack can be made now",
        detail=str(error),
    )
