"""``/evidence``: the evidence pack of a period by one button, and how far the record is sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import FileResponse, Response

from dashboards.api.access import READS_EVIDENCE
from dashboards.evidence_refusals import REASONS, EvidenceRefusedError
from dashboards.i18n import catalogue
from dashboards.page_errors import FormInvalidError
from dashboards.page_route import PageRoute
from dashboards.rendering import SECURITY_HEADERS
from dashboards.reports.periods import PeriodError, last_month, parse_period
from dashboards.reports_page import choices
from dashboards.visits import Visit, our_form, require
from dispatch.service.sealed import last_seal

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePage:
    """What can be asked for, and what a witness should hold."""

    last_month: str
    choices: Sequence[tuple[str, Sequence[str]]]
    sealed_through: date | None
    fingerprint: str
    may_make: bool
    problem: str = ""
    """The reason in the reader's language, when nothing was made."""
    raw_problem: str = ""
    """What the command said instead, when the reason is not a known one."""


@router.get("/evidence")
def show_evidence(visit: Annotated[Visit, Depends(require())]) -> Response:
    """The page."""
    return visit.html("evidence.html", _page(visit))


@router.post("/evidence")
def give_pack(
    visit: Annotated[Visit, Depends(our_form(*READS_EVIDENCE))], period: Annotated[str, Form()]
) -> Response:
    """The pack of *period* as a file."""
    try:
        wanted = parse_period(period)
    except PeriodError as error:
        raise FormInvalidError("period") from error
    try:
        file = visit.ctx.make_pack(wanted.text, visit.signed_in.actor)
    except EvidenceRefusedError as refused:
        return visit.html("evidence.html", _page(visit, refused), status=409)
    return FileResponse(
        file, filename=file.name, media_type="application/zip", headers=dict(SECURITY_HEADERS)
    )


def _page(visit: Visit, refused: EvidenceRefusedError | None = None) -> EvidencePage:
    reason = "" if refused is None else REASONS.get(refused.refusal, "")
    zone = visit.ctx.facility.zone
    with visit.ctx.uow.read() as db:
        seal = last_seal(db, visit.ctx.facility.code)
    return EvidencePage(
        last_month=last_month(visit.now, zone).text,
        choices=choices(visit.now.astimezone(zone).date(), visit.language),
        sealed_through=None if seal is None else seal.day,
        fingerprint="" if seal is None else seal.fingerprint,
        may_make=visit.signed_in.role in READS_EVIDENCE,
        problem=catalogue(visit.language).gettext(reason) if reason else "",
        raw_problem="" if refused is None or reason else str(refused),
    )
