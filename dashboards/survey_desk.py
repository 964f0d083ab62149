"""``/survey/form`` to print, and ``/survey/paper`` to type in what came back on paper.

Whoever types says which version is printed on the form: a form of an earlier print is refused and not taken
for one of now. Who typed it in stands with the answers, and an entry that is sent twice is kept once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from dashboards import trail
from dashboards.page_errors import FormInvalidError
from dashboards.page_route import PageRoute
from dashboards.survey_forms import PARTICULARS, Question, Sent, filled, questions
from dashboards.visits import Visit, our_form, require
from dispatch.domain.errors import DispatchError
from dispatch.domain.questionnaire import CURRENT
from dispatch.domain.vocabulary import UserRole
from dispatch.service import survey_answers

router = APIRouter(route_class=PageRoute, include_in_schema=False)

TYPISTS = (UserRole.ADMIN, UserRole.DISPATCHER, UserRole.MANAGER)
LONGEST_KEY = 64

FIRST_YEAR = 2017
"""Of the rule; a form that says it is older was read wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage:
    """The questionnaire as it is printed."""

    version: str
    questions: Sequence[Question]
    particulars: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPage:
    """The same as it is typed in; ``entry_key`` tells this entry from the next."""

    entry_key: str
    today: date
    questions: Sequence[Question]
    is_kept: bool
    problem: str | None = None
    left_open: int = 0
    sent: Mapping[str, str] = field(default_factory=dict)


@router.get("/survey/form")
def show_form(visit: Annotated[Visit, Depends(require())]) -> Response:
    """A sheet to be printed and filled in by hand."""
    page = FormPage(
        version=CURRENT.version,
        questions=questions(visit.language),
        particulars=tuple((kind, [str(value) for value in values]) for kind, values in PARTICULARS),
    )
    return visit.html("survey_form.html", page)


@router.get("/survey/paper")
def show_paper(
    visit: Annotated[Visit, Depends(require(*TYPISTS))], version: str = "", day: str = "", kept: str = ""
) -> Response:
    """An empty form; version and day of the one before stay, for a heap of them is typed in at once."""
    sent = {"version": version[:LONGEST_KEY], "answered_on": day[:LONGEST_KEY]}
    return visit.html("survey_paper.html", _page(visit, sent, is_kept=bool(kept)))


@router.post("/survey/paper")
def enter_paper(visit: Annotated[Visit, Depends(our_form(*TYPISTS))], sent: Sent) -> Response:
    """Keep one form."""
    facility = visit.ctx.facility
    given = filled(sent)
    entry_key = sent.get("entry_key", "")
    if not 0 < len(entry_key) <= LONGEST_KEY:
        raise FormInvalidError("entry_key")
    answered_at = _answered_at(visit, sent.get("answered_on", ""))
    if answered_at is None:
        return visit.html("survey_paper.html", _page(visit, sent, problem="answered_on_refused"), status=422)
    left_open = 9 - len(given.answers)
    try:
        given.judged()
        if left_open and not (sent.get("as_it_is") and given.answers):
            return visit.html("survey_paper.html", _page(visit, sent, left_open=left_open), status=422)
        response_id = visit.ctx.ids.new_id()
        with visit.ctx.uow.write() as db:
            is_new = survey_answers.on_paper(
                db,
                given,
                facility_id=facility.code,
                entry_key=f"{visit.signed_in.user_id}:{entry_key}"[:LONGEST_KEY],
                actor=visit.signed_in.actor,
                answered_at=answered_at,
                new_id=response_id,
                now=visit.now,
            )
            if is_new:
                trail.note(
                    db,
                    visit.ctx,
                    at=visit.now,
                    actor=visit.signed_in.actor,
                    action=trail.SURVEY_ENTERED,
                    subject=response_id,
                )
    except DispatchError as error:
        return visit.html("survey_paper.html", _page(visit, sent, problem=error.code), status=422)
    query = urlencode({"kept": 1, "version": given.version, "day": sent.get("answered_on", "")})
    return RedirectResponse(f"/survey/paper?{query}", status_code=303, headers={"Cache-Control": "no-store"})


def _page(
    visit: Visit,
    sent: Mapping[str, str],
    *,
    is_kept: bool = False,
    problem: str | None = None,
    left_open: int = 0,
) -> PaperPage:
    return PaperPage(
        entry_key=sent.get("entry_key") or visit.ctx.ids.token(),
        today=visit.now.astimezone(visit.ctx.facility.zone).date(),
        questions=questions(visit.language, sent),
        is_kept=is_kept,
        problem=problem,
        left_open=left_open,
        sent=sent,
    )


def _answered_at(visit: Visit, text: str) -> datetime | None:
    """Noon of the day that stands on the form, or now when that is not over yet; paper knows no hour.

    None when this is no day, or none on which anybody can have answered.
    """
    zone = visit.ctx.facility.zone
    try:
        day = date.fromisoformat(text)
        noon = datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    today = visit.now.astimezone(zone).date()
    if day.year < FIRST_YEAR or day > today:
        return None
    return min(noon, visit.now) if day == today else noon
