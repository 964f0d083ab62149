"""What becomes of having asked somebody: it failed, they answered, they do not want to, they never want to.

Each function works within the transaction that it is given. A request is asked once and ends once; a wish not
to be asked is kept whatever stands with the request.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatch.domain.error_codes import Reason, meaning_of
from dispatch.domain.questionnaire import RequestState, SurveyChannel
from dispatch.service.links import token_hash
from models.survey import SurveyOptOut, SurveyRequest
from models.traffic import Delivery

_UNANSWERED = (RequestState.ASKED, RequestState.FAILED)

REQUEST = "request_id"
"""In the details of a delivery: the request that it carries."""


def of_token(session: Session, token: str, *, facility_id: str, lock: bool = False) -> SurveyRequest | None:
    """The request whose page *token* opens, also one that has ended; None for an invented token."""
    query = select(SurveyRequest).where(
        SurveyRequest.token_hash == token_hash(token), SurveyRequest.facility_id == facility_id
    )
    return session.scalar(query.with_for_update() if lock else query)


def is_open(request: SurveyRequest, now: datetime) -> bool:
    """Whether an answer is still taken; whoever opens the page was reached, whatever the network said."""
    return request.state in _UNANSWERED and now < request.expires_at


def end(request: SurveyRequest, state: RequestState, now: datetime) -> None:
    """Nothing more is waited for; what somebody answered stays as it is."""
    if request.state in _UNANSWERED:
        request.state = str(state)
        request.ended_at = now


def never_again(session: Session, request: SurveyRequest, channel: SurveyChannel, now: datetime) -> None:
    """Keep that this phone is not to be asked any more, and end the request unless it has ended."""
    if request.phone is not None:
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(
            insert(SurveyOptOut)
            .values(
                facility_id=request.facility_id,
                phone=request.phone,
                opted_out_at=now,
                channel=str(channel),
            )
            .on_conflict_do_nothing()
        )
    end(request, RequestState.OPTED_OUT, now)


def note_failure(session: Session, row: Delivery, *, now: datetime) -> None:
    """The text or call *row* did not get through; who blocks our texts has said that they want none."""
    request = session.get(SurveyRequest, str(row.details[REQUEST]), with_for_update=True)
    if request is None:
        return
    if meaning_of(row.error_code).reason is Reason.BLOCKED:
        never_again(session, request, SurveyChannel(request.channel), now)
    else:
        end(request, RequestState.FAILED, now)


def is_wanted(session: Session, row: Delivery) -> bool:
    """Whether *row* should still leave: nobody has answered it or asked to be left in peace."""
    request = session.get(SurveyRequest, str(row.details[REQUEST]))
    return request is not None and request.state == RequestState.ASKED
