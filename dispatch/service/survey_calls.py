"""A call that asks somebody whether they were satisfied, seen from the key that they press.

The delivery's identifier names the call, and through it the request; each step is one transaction.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.questionnaire import Element, SurveyChannel
from dispatch.service import survey_answers, survey_requests
from dispatch.service.services import Services
from dispatch.service.survey_requests import REQUEST
from models.survey import SurveyRequest
from models.traffic import Delivery


def is_wanted(services: Services, delivery_id: str) -> bool:
    """Whether the questions are still to be asked: the call is one of ours, and nobody has answered yet."""
    with services.uow.read() as session:
        request = _request(session, services, delivery_id)
        return request is not None and survey_requests.is_open(request, services.clock.now())


def keep(
    services: Services, delivery_id: str, element: Element, digit: str, *, answered_at: datetime
) -> None:
    """Keep the key that was pressed as the answer about *element*.

    Raises:
        AnswerRefusedError: it is none of 1 to 4.
        QuestionnaireVersionError: the questionnaire was changed while the call went on.
    """
    with services.uow.write() as session:
        request = _request(session, services, delivery_id, lock=True)
        if request is not None:
            survey_answers.by_keypad(
                session,
                request,
                element,
                digit,
                new_id=services.ids.new_id(),
                answered_at=answered_at,
                now=services.clock.now(),
            )


def never_again(services: Services, delivery_id: str) -> None:
    """Keep that this phone is not to be asked any more."""
    with services.uow.write() as session:
        request = _request(session, services, delivery_id, lock=True)
        if request is not None:
            survey_requests.never_again(session, request, SurveyChannel.KEYPAD, services.clock.now())


def _request(
    session: Session, services: Services, delivery_id: str, *, lock: bool = False
) -> SurveyRequest | None:
    row = session.get(Delivery, delivery_id)
    if row is None or row.facility_id != services.facility_id or row.purpose != Purpose.SURVEY:
        return None
    return session.get(SurveyRequest, str(row.details[REQUEST]), with_for_update=lock)
