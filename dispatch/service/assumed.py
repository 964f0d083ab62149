"""Which line of the record only assumed that a call was answered."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.events import Kind
from models.record import Event


def assumed_line(session: Session, incident_id: str, call_id: str) -> int | None:
    """The line that only assumed that a call was answered, unless another one knows."""
    query = (
        select(Event.sequence, Event.data)
        .where(Event.incident_id == incident_id, Event.kind == str(Kind.CALL_ANSWERED))
        .order_by(Event.sequence)
    )
    told = [(line, data) for line, data in session.execute(query) if data["call_id"] == call_id]
    is_known = any(not data.get("assumed") for _, data in told)
    return told[0][0] if told and not is_known else None
