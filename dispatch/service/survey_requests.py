"""What becomes of having asked somebody: it failed, they answered, they do not want to, they never want to.

Each function works within the transaction that it is given. A request is asked once and ends once; a wish not
to be asked is kept whatever stands with the request.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.error_codes import Reason, meaning_of
from dispatch.domain.questionnaire import RequestState, SurveyChannel
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import IdSource
from dispatch.service.links import token_hash
from dispatch.service.services import Services
from models.survey import SurveyOptOut, SurveyRequest, SurveyResponse
from models.traffic import Delivery

_UNANSWERED = (RequestState.ASKED, RequestState.FAILED)

REQUEST = "request_id"
"""In the details of a delivery: the request that it carries."""

THEN_LINK = "then_link"
"""In the details of a call: a text with a link goes out where nobody picks up."""

LAST_OF_ALL = 9
"""The urgency in the outbox: behind alerts, repeats, stand-downs, warnings and seals."""

TEXT_LIVES = timedelta(hours=4)
CALL_LIVES = timedelta(minutes=30)
"""How long a question may wait in the outbox; no phone is to ring with one late in the evening."""

RING_S = 25


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


def text_instead(
    session: Session, services: Services, row: Delivery, *, now: datetime
) -> list[dict[str, Any]]:
    """*row* did not get through, and that was all: the text that goes out in a call's place, if any.

    Who blocks our texts has said that they want none.
    """
    request = session.get(SurveyRequest, str(row.details[REQUEST]), with_for_update=True)
    if request is None or request.state != RequestState.ASKED:
        return []
    if row.channel == AlertChannel.VOICE and row.details.get(THEN_LINK):
        request.channel = str(SurveyChannel.LINK)
        return [delivery(services.ids, request, facility=str(row.details["facility"]), now=now)]
    if row.channel == AlertChannel.SMS and meaning_of(row.error_code).reason is Reason.BLOCKED:
        never_again(session, request, SurveyChannel.LINK, now)
    else:
        end(request, RequestState.FAILED, now)
    return []


def call_over(session: Session, row: Delivery, *, now: datetime) -> None:
    """Whoever was called has hung up: after some answers, or without any because they did not want to."""
    request = session.get(SurveyRequest, str(row.details[REQUEST]), with_for_update=True)
    if request is None or request.channel != SurveyChannel.KEYPAD:
        return
    answered = select(SurveyResponse.id).where(SurveyResponse.request_id == request.id)
    did = session.scalar(answered) is not None
    end(request, RequestState.ANSWERED if did else RequestState.DECLINED, now)


def delivery(
    ids: IdSource, request: SurveyRequest, *, facility: str, now: datetime, then_link: bool = False
) -> dict[str, Any]:
    """The row of the outbox that carries *request* by its channel; *facility* signs it."""
    is_call = request.channel == SurveyChannel.KEYPAD
    lives = CALL_LIVES if is_call else TEXT_LIVES
    return {
        "id": ids.new_id(),
        "facility_id": request.facility_id,
        # No part of the emergency: neither its page nor the watchdog waits for it.
        "incident_id": None,
        "staff_id": None,
        "purpose": str(Purpose.SURVEY),
        "channel": str(AlertChannel.VOICE if is_call else AlertChannel.SMS),
        "to_number": request.phone,
        "details": {
            REQUEST: request.id,
            "facility": facility,
            "ring_s": RING_S,
            **({THEN_LINK: True} if then_link else {}),
        },
        "urgency": LAST_OF_ALL,
        "idempotency_key": key_of(request.id, request.channel),
        "state": str(DeliveryState.PENDING),
        "created_at": now,
        "next_attempt_at": now,
        "valid_until": now + lives,
    }


def key_of(request_id: str, channel: str) -> str:
    """What makes the delivery of a request by one channel one."""
    return f"survey:{channel}:{request_id}"


def is_wanted(session: Session, row: Delivery) -> bool:
    """Whether *row* should still leave: nobody has answered it or asked to be left in peace."""
    request = session.get(SurveyRequest, str(row.details[REQUEST]))
    return request is not None and request.state == RequestState.ASKED
