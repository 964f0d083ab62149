"""Whether a caller waits whom nobody comes to, or is not reached by calling back: asked by the watchdog.

They walk the calls that have no ending and the incidents that are open, which are few however many there ever
were. Change nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.snapshots import ladder_from_data
from dispatch.service.checks import MOST, OPEN_INCIDENTS, Finding
from dispatch.service.services import Services
from models.incident import IS_OPEN, IS_UNENDED, Call, Incident
from models.traffic import Deadline, Delivery

CALLER_LEFT_ALONE = "caller_left_alone"
CALLER_NOT_REACHED = "caller_not_reached"

ALONE_AFTER = timedelta(seconds=60)
"""Twice as long as the ladder lets a caller wait for one worker: by then others are being asked."""

CALLED_BACK_FOR = timedelta(minutes=10)
"""By then calls back are rare (``error_codes.CALL_BACK_PAUSES_S``): a person has to try another way."""

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


def not_reached(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """A caller who hung up unheard was talked with, or somebody got there; else a person has to know."""
    query = (
        select(Incident.id, Incident.number, Incident.short_number, Delivery.created_at)
        .join(Delivery, Delivery.incident_id == Incident.id)
        .where(
            Incident.facility_id == services.facility_id,
            *OPEN_INCIDENTS,
            Incident.answered_at.is_(None),
            Incident.on_scene_at.is_(None),
            Delivery.purpose == Purpose.CALL_BACK,
        )
    )
    first: dict[str, Finding] = {}
    for incident_id, number, short_number, created_at in session.execute(query):
        known = first.get(incident_id)
        if known is None or created_at < known.since_at:
            first[incident_id] = Finding(
                check=CALLER_NOT_REACHED,
                subject=incident_id,
                detail=f"{number}: the caller hung up unheard, and no call back has reached them",
                since_at=created_at,
                number=number,
                short_number=short_number,
            )
    yield from sorted(
        (finding for finding in first.values() if finding.since_at < now - CALLED_BACK_FOR),
        key=lambda finding: finding.since_at,
    )
