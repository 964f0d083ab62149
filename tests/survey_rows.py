"""Rows of the satisfaction survey as tests put them in: answered questionnaires and planned follow-ups."""

from collections.abc import Mapping
from datetime import date, datetime

from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, Element, FollowUpStatus, SurveyChannel
from dispatch.ports import IdSource
from models.survey import FollowUp, SurveyResponse
from tests.world import FACILITY


def an_answer(
    ids: IdSource,
    scores: Mapping[Element, int] | int,
    *,
    at: datetime,
    version: str = CURRENT.version,
    channel: SurveyChannel = SurveyChannel.PAPER,
    **header: str | None,
) -> SurveyResponse:
    """One questionnaire answered *at* that instant; an integer is the answer to each of the nine."""
    answers = dict.fromkeys(FORM_ORDER, scores) if isinstance(scores, int) else scores
    return SurveyResponse(
        id=ids.new_id(),
        facility_id=FACILITY,
        questionnaire=version,
        channel=str(channel),
        answers={str(element): score for element, score in answers.items()},
        is_filled=len(answers) == len(FORM_ORDER),
        answered_at=at,
        recorded_at=at,
        **header,
    )


def a_follow_up(
    ids: IdSource,
    *,
    period: str,
    at: datetime,
    due_on: date,
    action: str = "Ambulans kedua untuk malam",
    responsible: str = "Kepala Puskesmas",
    status: FollowUpStatus = FollowUpStatus.PLANNED,
) -> FollowUp:
    """Something planned to make the survey's second element, the waiting time, better."""
    return FollowUp(
        id=ids.new_id(),
        facility_id=FACILITY,
        period=period,
        element=str(Element.TIME),
        action=action,
        responsible=responsible,
        due_on=due_on,
        status=str(status),
        created_at=at,
        created_by="user:manager",
        updated_at=at,
        updated_by="user:manager",
    )
