"""``/survey/follow-up``: the plan that follows from a survey, and how far it has been carried out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from dashboards import trail
from dashboards.incident_actions import word
from dashboards.page_errors import FormInvalidError, PageNotFoundError
from dashboards.page_route import PageRoute
from dashboards.queries.survey import FollowUpLine, follow_ups
from dashboards.reports.periods import PeriodError, parse_period
from dashboards.reports_page import choices
from dashboards.survey_forms import Sent
from dashboards.visits import Visit, our_form, require
from dispatch.domain.errors import DispatchError
from dispatch.domain.questionnaire import Element, FollowUpStatus
from dispatch.domain.vocabulary import UserRole
from dispatch.service import follow_up

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PLANNERS = (UserRole.ADMIN, UserRole.DISPATCHER, UserRole.MANAGER)
LONGEST_NAME = 200
LONGEST_KEY = 64

Planner = Annotated[Visit, Depends(our_form(*PLANNERS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpPage:
    """The plan, of one period or of all, and a form for the next step."""

    period: str
    choices: Sequence[tuple[str, Sequence[str]]]
    steps: Sequence[FollowUpLine]
    today: date
    may_plan: bool
    entry_key: str
    problem: str | None = None
    sent: Mapping[str, str] = field(default_factory=dict)


@router.get("/survey/follow-up")
def show_plan(visit: Annotated[Visit, Depends(require())], period: str = "") -> Response:
    """The plan; of every period when none is named."""
    return visit.html("follow_up.html", _page(visit, _period(period) if period else ""))


@router.post("/survey/follow-up")
def plan_step(visit: Planner, sent: Sent) -> Response:
    """Write down the next step."""
    for name in ("period", "element", "due_on"):
        if not sent.get(name):
            shown = _period(sent["period"]) if sent.get("period") else ""
            page = _page(visit, shown, problem=f"planned_{name}_missing", sent=sent)
            return visit.html("follow_up.html", page, status=422)
    period = _period(sent["period"])
    entry_key = sent.get("entry_key", "")
    if not 0 < len(entry_key) <= LONGEST_KEY:
        raise FormInvalidError("entry_key")
    element = word(Element, sent["element"], "element")
    due_on = _day(sent["due_on"])
    step_id = visit.ctx.ids.new_id()
    try:
        with visit.ctx.uow.write() as db:
            is_new = follow_up.plan(
                db,
                facility_id=visit.ctx.facility.code,
                entry_key=f"{visit.signed_in.user_id}:{entry_key}"[:LONGEST_KEY],
                period=period,
                element=element,
                action=sent.get("action", ""),
                responsible=sent.get("responsible", "")[:LONGEST_NAME],
                due_on=due_on,
                actor=visit.signed_in.actor,
                new_id=step_id,
                now=visit.now,
            )
            if is_new:
                details = {"period": period, "element": str(element)}
                trail.note(
                    db,
                    visit.ctx,
                    at=visit.now,
                    actor=visit.signed_in.actor,
                    action=trail.FOLLOW_UP_PLANNED,
                    subject=step_id,
                    details=details,
                )
    except DispatchError as error:
        return visit.html("follow_up.html", _page(visit, period, problem=error.code, sent=sent), status=422)
    return _see(period)


@router.post("/survey/follow-up/{step_id}")
def move_step(visit: Planner, step_id: str, sent: Sent) -> Response:
    """Say where a step stands now, and what shows it."""
    status = word(FollowUpStatus, sent.get("status", ""), "status")
    period = _period(sent["period"]) if sent.get("period") else ""
    try:
        with visit.ctx.uow.write() as db:
            before = follow_up.move(
                db,
                step_id,
                facility_id=visit.ctx.facility.code,
                status=status,
                note=sent.get("note", ""),
                actor=visit.signed_in.actor,
                now=visit.now,
            )
            if before is None:
                raise PageNotFoundError
            trail.note(
                db,
                visit.ctx,
                at=visit.now,
                actor=visit.signed_in.actor,
                action=trail.FOLLOW_UP_MOVED,
                subject=step_id,
                details={"from": str(before), "to": str(status)},
            )
    except DispatchError as error:
        return visit.html("follow_up.html", _page(visit, period, problem=error.code), status=422)
    return _see(period)


def _page(
    visit: Visit, period: str, *, problem: str | None = None, sent: Mapping[str, str] | None = None
) -> FollowUpPage:
    today = visit.now.astimezone(visit.ctx.facility.zone).date()
    with visit.ctx.uow.read() as db:
        steps = follow_ups(db, visit.ctx.facility.code, *([period] if period else []))
    return FollowUpPage(
        period=period,
        choices=choices(today, visit.language),
        steps=steps,
        today=today,
        may_plan=visit.signed_in.role in PLANNERS,
        entry_key=(sent or {}).get("entry_key") or visit.ctx.ids.token(),
        problem=problem,
        sent=sent or {},
    )


def _period(text: str) -> str:
    try:
        return parse_period(text).text
    except PeriodError as error:
        raise FormInvalidError("period") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FormInvalidError("due_on") from error


def _see(period: str) -> Response:
    address = f"/survey/follow-up?period={period}" if period else "/survey/follow-up"
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
