"""Whether a caller waits on the line whom nobody comes to: a question of the watchdog.

It walks the calls that have no ending, which are few however many there ever were. Changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from dispatch.domain.snapshots import ladder_from_data
from dispatch.service.checks import MOST, Finding
from dispatch.service.services import Services
from models.incident import IS_OPEN, IS_UNENDED, Call, Incident
from models.traffic import Deadline

CALLER_LEFT_ALONE = "caller_left_alone"

ALONE_AFTER = timedelta(seconds=60)
"""Twice as long as the ladder lets a caller wait for one worker: by then others are being asked."""

CALL_LASTS = timedelta(hours=4)


def left_alone(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """No caller waits whom nobody is called to: people are asked, or will be if nobody comes in time."""
    awaited = exists().where(Deadline.incident_id == Call.incident_id)
    query = (
        select(Call.id, Call.received_at, Incident.number, Incident.short_number, Incident.ladder)
        .join(Incident, Incident.id == Call.incident_id)
        .where(
            Call.facility_id == services.facility_id,
            IS_UNENDED,
            Call.received_at < now - ALONE_AFTER,
            Call.received_at > now - CALL_LASTS,
            Call.answered_at.is_(None),
            IS_OPEN,
            ~awaited,
        )
        .order_by(Call.received_at)
        .limit(MOST)
    )
    for call_id, received_at, number, short_number, ladder in session.execute(query):
        if call_id in ladder_from_data(ladder).elsewhere:
            # A duty phone may have been connected with this one.
            continue
        yield Finding(
            check=CALLER_LEFT_ALONE,
            subject=call_id,
            detail=f"{number}: a caller waits on the line, and nobody is called to them",
            since_at=received_at,
            number=number,
            short_number=short_number,
        )
