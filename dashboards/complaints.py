"""``/complaints``: the register, and one complaint with its steps. The recap is a report of its own kind.

The text of a complaint and who complained are personal: only those who answer complaints read them, each
reading leaves a line in the audit trail, and the list shows none of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from dashboards import trail
from dashboards.incident_actions import word
from dashboards.page_errors import FormInvalidError, PageNotFoundError
from dashboards.page_route import PageRoute
from dashboards.queries import complaints as queries
from dashboards.queries import one_incident as incident_queries
from dashboards.reports.periods import Period, PeriodError, parse_period
from dashboards.reports_page import choices
from dashboards.visits import Visit, our_form, require
from dispatch.domain.errors import (
    DispatchError,
    FieldRequiredError,
    IncidentNotFoundError,
    ReasonRequiredError,
    TimeRefusedError,
)
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject, UserRole
from dispatch.service import complaints as service

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEEPERS = (UserRole.ADMIN, UserRole.DISPATCHER, UserRole.MANAGER)
"""Who enters and answers complaints; an auditor sees the register without what is personal."""

Reader = Annotated[Visit, Depends(require(*KEEPERS, UserRole.AUDITOR))]
Keeper = Annotated[Visit, Depends(our_form(*KEEPERS))]
Field = Annotated[str, Form()]

LONGEST_TEXT = 10_000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What stood in a form that was refused, so that nobody types it twice."""

    text: str = ""
    complainant: str = ""
    contact: str = ""
    incident: str = ""
    channel: str = ""
    subject: str = ""
    status: str = ""
    note: str = ""
    local_time: str = ""
    due_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPage:
    """The register of a period, and a form for the next complaint."""

    period: str
    choices: Sequence[tuple[str, Sequence[str]]]
    status: str
    found: Sequence[queries.Listed]
    is_cut: bool
    today: date
    due_days: int | None
    may_keep: bool
    problem: str | None
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintPage:
    """One complaint; the personal parts are left out for those who do not answer complaints."""

    complaint: queries.OneComplaint
    may_keep: bool
    today: date
    problem: str | None
    draft: Draft


@router.get("/complaints")
def show_register(visit: Reader, period: str = "", status: str = "") -> Response:
    """The register; of this year when no period is named."""
    return visit.html("complaints.html", _register(visit, period=period, status=status))


@router.get("/complaints/{number}")
def show_complaint(visit: Reader, number: str) -> Response:
    """One complaint."""
    return visit.html("complaint.html", _complaint(visit, number))


@router.post("/complaints")
def enter_complaint(
    visit: Keeper,
    channel: Field = "",
    subject: Field = "",
    text: Field = "",
    complainant: Field = "",
    contact: Field = "",
    incident: Field = "",
    local_time: Field = "",
    due_on: Field = "",
) -> Response:
    """Write a complaint into the register; ``local_time`` is the facility's wall time of its receipt."""
    draft = Draft(
        text=_prose(text),
        complainant=_prose(complainant, LONGEST_NAME),
        contact=_prose(contact, LONGEST_NAME),
        incident=_prose(incident, 40),
        channel=channel,
        subject=subject,
        local_time=local_time,
        due_on=due_on,
    )
    command = service.EnterComplaint(
        actor=visit.signed_in.actor,
        channel=word(ComplaintChannel, channel, "channel"),
        subject=word(ComplaintSubject, subject, "subject"),
        received_at=_instant(visit, local_time),
        text=draft.text,
        complainant=draft.complainant,
        contact=draft.contact,
        incident_number=incident_queries.full_number(draft.incident, visit.ctx.facility.code, visit.year),
        due_on=_day(due_on),
    )
    try:
        with visit.ctx.uow.write() as db:
            number = service.enter(
                db,
                command,
                facility_id=visit.ctx.facility.code,
                zone=visit.ctx.facility.zone,
                due_days=visit.ctx.complaint_days,
                new_id=visit.ctx.ids.new_id(),
                now=visit.now,
            )
    except DispatchError as error:
        page = _register(visit, problem=_said(error, receipt=True), draft=draft)
        return visit.html("complaints.html", page, status=409)
    return _see(number)


@router.post("/complaints/{number}")
def move_complaint(
    visit: Keeper,
    number: str,
    status: Field = "",
    note: Field = "",
    local_time: Field = "",
    due_on: Field = "",
) -> Response:
    """Append a step."""
    draft = Draft(status=status, note=_prose(note), local_time=local_time, due_on=due_on)
    command = service.MoveComplaint(
        actor=visit.signed_in.actor,
        number=number,
        status=word(ComplaintStatus, status, "status"),
        occurred_at=_instant(visit, local_time),
        note=draft.note,
        due_on=_day(due_on),
    )
    try:
        with visit.ctx.uow.write() as db:
            service.move(db, command, facility_id=visit.ctx.facility.code, now=visit.now)
    except DispatchError as error:
        page = _complaint(visit, number, problem=_said(error, receipt=False), draft=draft)
        return visit.html("complaint.html", page, status=409)
    return _see(number)


def _said(error: DispatchError, *, receipt: bool) -> str:
    """Which sentence explains a refusal here: one that names the field of this form, where there is one."""
    if isinstance(error, TimeRefusedError):
        if not receipt:
            return "step_time_refused"
        is_instant = isinstance(error.params.get("stated"), datetime)
        return "received_in_future" if is_instant else "due_before_receipt"
    if isinstance(error, FieldRequiredError):
        return f"{error.params['field']}_missing"
    if isinstance(error, ReasonRequiredError):
        return "step_note_missing"
    return "number_unknown" if isinstance(error, IncidentNotFoundError) else error.code


def _register(
    visit: Visit,
    *,
    period: str = "",
    status: str = "",
    problem: str | None = None,
    draft: Draft | None = None,
) -> RegisterPage:
    facility = visit.ctx.facility
    today = visit.now.astimezone(facility.zone).date()
    wanted = _period(period or str(today.year))
    span = wanted.span(facility.zone)
    assert span.from_at is not None
    assert span.until_at is not None
    with visit.ctx.uow.read() as db:
        found = queries.listed(db, facility.code, status=status, from_at=span.from_at, until_at=span.until_at)
    return RegisterPage(
        period=wanted.text,
        choices=choices(today, visit.language),
        status=status,
        found=found,
        is_cut=len(found) == queries.LISTED,
        today=today,
        due_days=visit.ctx.complaint_days,
        may_keep=visit.signed_in.role in KEEPERS,
        problem=problem,
        draft=draft or Draft(),
    )


def _complaint(
    visit: Visit, number: str, *, problem: str | None = None, draft: Draft | None = None
) -> ComplaintPage:
    """Everything about it; that somebody read it is recorded before anything is shown.

    Raises:
        PageNotFoundError: there is no such complaint here.
    """
    with visit.ctx.uow.read() as db:
        complaint = queries.find(db, visit.ctx.facility.code, number)
    if complaint is None:
        raise PageNotFoundError
    may_keep = visit.signed_in.role in KEEPERS
    visit.reads(trail.COMPLAINT_READ, complaint.line.number, masked=not may_keep)
    return ComplaintPage(
        complaint=complaint,
        may_keep=may_keep,
        today=visit.now.astimezone(visit.ctx.facility.zone).date(),
        problem=problem,
        draft=draft or Draft(),
    )


def _see(number: str) -> Response:
    return RedirectResponse(f"/complaints/{number}", status_code=303, headers={"Cache-Control": "no-store"})


def _period(text: str) -> Period:
    try:
        return parse_period(text)
    except PeriodError as error:
        raise FormInvalidError("period") from error


def _prose(text: str, longest: int = LONGEST_TEXT) -> str:
    """Free text as it was typed; a NUL is no text (PostgreSQL refuses it)."""
    return text.replace("\x00", "").strip()[:longest]


def _instant(visit: Visit, local_time: str) -> datetime:
    """The wall time of the facility as an instant; now when none is stated."""
    if not local_time:
        return visit.now
    try:
        naive = datetime.fromisoformat(local_time)
        return naive.replace(tzinfo=visit.ctx.facility.zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FormInvalidError("local_time") from error


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FormInvalidError("due_on") from error
