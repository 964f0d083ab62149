"""The follow-up plan (*rencana tindak lanjut*): what the health centre does about an element that did badly.

Each function works within the transaction that it is given.
"""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.errors import FieldRequiredError
from dispatch.domain.questionnaire import Element, FollowUpStatus
from models.survey import FollowUp


def plan(
    session: Session,
    *,
    facility_id: str,
    entry_key: str,
    period: str,
    element: Element,
    action: str,
    responsible: str,
    due_on: date,
    actor: str,
    new_id: str,
    now: datetime,
) -> bool:
    """Write down a step; False when this very entry is there already.

    Raises:
        FieldRequiredError: nobody would know what is to be done, or by whom.
    """
    for field, text in (("action", action), ("responsible", responsible)):
        if not text:
            raise FieldRequiredError(field=field)
    if session.scalar(select(FollowUp.id).where(FollowUp.entry_key == entry_key)) is not None:
        return False
    session.add(
        FollowUp(
            id=new_id,
            facility_id=facility_id,
            entry_key=entry_key,
            period=period,
            element=str(element),
            action=action,
            responsible=responsible,
            due_on=due_on,
            status=str(FollowUpStatus.PLANNED),
            created_at=now,
            created_by=actor,
            updated_at=now,
            updated_by=actor,
        )
    )
    return True


def move(
    session: Session,
    step_id: str,
    *,
    facility_id: str,
    status: FollowUpStatus,
    note: str,
    actor: str,
    now: datetime,
) -> FollowUpStatus | None:
    """Say where a step stands now; where it stood before, or None when there is no such step.

    Raises:
        FieldRequiredError: it is said to be done, and nothing says what shows that.
    """
    row = session.scalar(
        select(FollowUp).where(FollowUp.id == step_id, FollowUp.facility_id == facility_id).with_for_update()
    )
    if row is None:
        return None
    if status is FollowUpStatus.DONE and not (note or row.note):
        raise FieldRequiredError(field="note")
    before = FollowUpStatus(row.status)
    row.status, row.note = str(status), note or row.note
    row.updated_at, row.updated_by = now, actor
    return before
