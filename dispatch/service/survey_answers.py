"""Keeping what somebody answered: on the page of a link, or on paper that a member of staff typed in.

Each function works within the transaction that it is given. Answers are judged by the domain
(``questionnaire.checked``) before anything is written; a form that is sent twice is kept once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.errors import TimeRefusedError
from dispatch.domain.questionnaire import (
    Answers,
    Education,
    Element,
    Occupation,
    RequestState,
    Sex,
    SurveyChannel,
    checked,
    is_filled,
)
from dispatch.service import survey_requests
from models.survey import SurveyRequest, SurveyResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A questionnaire as it was handed in: answers by element as they came, and what else was told."""

    version: str
    answers: Mapping[str, object]
    sex: Sex | None = None
    education: Education | None = None
    occupation: Occupation | None = None
    suggestion: str | None = None

    def judged(self) -> Answers:
        """The answers as they count.

        Raises:
            QuestionnaireVersionError: they are to another questionnaire.
            AnswerRefusedError: one of them is none.
        """
        return checked(self.version, self.answers)


def by_link(session: Session, request: SurveyRequest, filled: Filled, *, new_id: str, now: datetime) -> bool:
    """Keep what the one who was asked by *request* (locked) answered; False when nothing is taken any more.

    Raises:
        DispatchError: see :meth:`Filled.judged`.
    """
    answers = filled.judged()
    if not survey_requests.is_open(request, now):
        return False
    row = _row(filled, answers, SurveyChannel.LINK, new_id=new_id, answered_at=now, now=now)
    row.facility_id, row.incident_id, row.request_id = request.facility_id, request.incident_id, request.id
    session.add(row)
    survey_requests.end(request, RequestState.ANSWERED, now)
    return True


def by_keypad(
    session: Session,
    request: SurveyRequest,
    element: Element,
    digit: str,
    *,
    new_id: str,
    answered_at: datetime,
    now: datetime,
) -> None:
    """Keep one answer of whoever was called because of *request* (locked), as soon as its key was pressed.

    What was answered before a caller hung up stays, and what the journal brings late is taken too.

    Raises:
        DispatchError: see :meth:`Filled.judged`.
    """
    filled = Filled(version=request.questionnaire, answers={element.value: digit})
    answers = filled.judged()
    if request.channel != SurveyChannel.KEYPAD or request.state == RequestState.OPTED_OUT:
        return
    row = session.scalar(select(SurveyResponse).where(SurveyResponse.request_id == request.id))
    if row is None:
        row = _row(filled, answers, SurveyChannel.KEYPAD, new_id=new_id, answered_at=answered_at, now=now)
        row.facility_id, row.incident_id = request.facility_id, request.incident_id
        row.request_id = request.id
        session.add(row)
    else:
        row.answers = {**row.answers, element.value: answers[element]}
        row.is_filled = is_filled({each: 1 for each in Element if each.value in row.answers})
        row.answered_at = max(row.answered_at, answered_at)
    if row.is_filled:
        survey_requests.end(request, RequestState.ANSWERED, now)
    elif request.state == RequestState.DECLINED:
        # The call's end was told before this key, which had waited in the journal.
        request.state = str(RequestState.ANSWERED)


def on_paper(
    session: Session,
    filled: Filled,
    *,
    facility_id: str,
    entry_key: str,
    actor: str,
    answered_at: datetime,
    new_id: str,
    now: datetime,
) -> bool:
    """Keep what somebody wrote on paper and *actor* typed in; False when this entry is kept already.

    Raises:
        TimeRefusedError: it is said to have been answered later than now.
        DispatchError: see :meth:`Filled.judged`.
    """
    answers = filled.judged()
    if answered_at > now:
        raise TimeRefusedError(occurred_at=answered_at)
    if session.scalar(select(SurveyResponse.id).where(SurveyResponse.entry_key == entry_key)) is not None:
        return False
    row = _row(filled, answers, SurveyChannel.PAPER, new_id=new_id, answered_at=answered_at, now=now)
    row.facility_id, row.entry_key, row.entered_by = facility_id, entry_key, actor
    session.add(row)
    return True


def _row(
    filled: Filled,
    answers: Answers,
    channel: SurveyChannel,
    *,
    new_id: str,
    answered_at: datetime,
    now: datetime,
) -> SurveyResponse:
    return SurveyResponse(
        id=new_id,
        questionnaire=filled.version,
        channel=str(channel),
        answers={str(element): score for element, score in answers.items()},
        is_filled=is_filled(answers),
        sex=filled.sex,
        education=filled.education,
        occupation=filled.occupation,
        suggestion=filled.suggestion,
        answered_at=answered_at,
        recorded_at=now,
    )
