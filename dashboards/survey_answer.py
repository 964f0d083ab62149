"""``/s/{token}``: the questionnaire of one caller. The token in the address is the credential; no log-in.

Opening the page changes nothing, so that a messenger's preview answers nothing. It works without scripts.
What is left open is asked for once more, and then taken as it is. Whoever wants to be left in peace can say
so whatever has become of the questionnaire.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from dashboards.csrf import comes_from_elsewhere
from dashboards.page_errors import FormRefusedError, PageNotFoundError
from dashboards.page_route import PageRoute
from dashboards.survey_forms import Question, Sent, filled, questions
from dashboards.visits import AnyVisit, Visit
from dispatch.domain.errors import DispatchError
from dispatch.domain.questionnaire import CURRENT, RequestState, SurveyChannel
from dispatch.service import survey_answers, survey_requests
from models.survey import SurveyRequest

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Stage(StrEnum):
    """What stands on the page."""

    QUESTIONS = "questions"
    THANKS = "thanks"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPage:
    """The questionnaire, or what became of it; ``sent`` is what stood in a form that was not taken."""

    token: str
    stage: Stage
    version: str
    questions: Sequence[Question]
    problem: str | None = None
    left_open: int = 0
    sent: Mapping[str, str] = field(default_factory=dict)


@router.get("/s/{token}")
def show_questions(visit: AnyVisit, token: str) -> Response:
    """The page."""
    with visit.ctx.uow.read() as db:
        request = survey_requests.of_token(db, token, facility_id=visit.ctx.facility.code)
    if request is None:
        raise PageNotFoundError
    return visit.html("survey_answer.html", _page(visit, token, _stage(request, visit)))


@router.post("/s/{token}")
def answer(visit: AnyVisit, token: str, sent: Sent) -> Response:
    """Hand in the questionnaire; a second time changes nothing."""
    if comes_from_elsewhere(visit.request, visit.ctx.public_url):
        raise FormRefusedError
    given = filled(sent)
    left_open = 9 - len(given.answers)
    try:
        given.judged()
        if left_open and not (sent.get("as_it_is") and (given.answers or given.suggestion)):
            return _again(visit, token, sent, left_open=left_open)
        with visit.ctx.uow.write() as db:
            request = survey_requests.of_token(db, token, facility_id=visit.ctx.facility.code, lock=True)
            if request is None:
                raise PageNotFoundError
            survey_answers.by_link(db, request, given, new_id=visit.ctx.ids.new_id(), now=visit.now)
    except DispatchError as error:
        return _again(visit, token, sent, problem=error.code)
    return _see(token)


@router.post("/s/{token}/never")
def never_again(visit: AnyVisit, token: str) -> Response:
    """Keep that this phone is not to be asked any more."""
    if comes_from_elsewhere(visit.request, visit.ctx.public_url):
        raise FormRefusedError
    with visit.ctx.uow.write() as db:
        request = survey_requests.of_token(db, token, facility_id=visit.ctx.facility.code, lock=True)
        if request is None:
            raise PageNotFoundError
        survey_requests.never_again(db, request, SurveyChannel.LINK, visit.now)
    page = _page(visit, token, Stage.NEVER)
    return visit.html("survey_answer.html", page)


def _again(
    visit: Visit, token: str, sent: Mapping[str, str], *, problem: str | None = None, left_open: int = 0
) -> Response:
    with visit.ctx.uow.read() as db:
        request = survey_requests.of_token(db, token, facility_id=visit.ctx.facility.code)
    if request is None:
        raise PageNotFoundError
    page = _page(visit, token, _stage(request, visit), problem=problem, left_open=left_open, sent=sent)
    return visit.html("survey_answer.html", page, status=422)


def _page(
    visit: Visit,
    token: str,
    stage: Stage,
    *,
    problem: str | None = None,
    left_open: int = 0,
    sent: Mapping[str, str] | None = None,
) -> AnswerPage:
    return AnswerPage(
        token=token,
        stage=stage,
        version=CURRENT.version,
        questions=questions(visit.language, sent),
        problem=problem,
        left_open=left_open,
        sent=sent or {},
    )


def _stage(request: SurveyRequest, visit: Visit) -> Stage:
    if survey_requests.is_open(request, visit.now):
        return Stage.QUESTIONS
    return {RequestState.ANSWERED: Stage.THANKS, RequestState.OPTED_OUT: Stage.NEVER}.get(
        RequestState(request.state), Stage.LATE
    )


def _see(token: str) -> Response:
    return RedirectResponse(f"/s/{token}", status_code=303, headers={"Cache-Control": "no-store"})
