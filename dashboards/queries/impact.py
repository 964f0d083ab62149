"""What an innovation's papers count beside response times: endings, when the record began, who was on duty.

Drills are left out everywhere. Nobody who called is counted as a person: the record does not know them.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboards.api.boundaries import Span
from dashboards.queries.api_times import within
from models.facility import Shift, Staff
from models.incident import Incident

OPEN, UNSTATED = "", "unstated"
"""What stands for an outcome of incidents that still run, and of those that were closed without one."""


def outcomes(session: Session, facility_id: str, span: Span) -> Mapping[str, int]:
    """How many of the incidents received within *span* ended how."""
    still_open = Incident.closed_at.is_(None)
    query = (
        select(Incident.outcome, still_open, func.count())
        .where(*within(span, facility_id), Incident.is_drill.is_(False))
        .group_by(Incident.outcome, still_open)
    )
    found: dict[str, int] = {}
    for outcome, is_open, count in session.execute(query):
        word = outcome or (OPEN if is_open else UNSTATED)
        found[word] = found.get(word, 0) + count
    return found


def began_at(session: Session, facility_id: str) -> datetime | None:
    """When the first incident of the record was received; None while there is none."""
    return session.scalar(
        select(Incident.received_at)
        .where(Incident.facility_id == facility_id, Incident.is_drill.is_(False))
        .order_by(Incident.received_at)
        .limit(1)
    )


def on_duty(session: Session, facility_id: str, span: Span) -> Mapping[str, int]:
    """How many people of each role stand in the roster with a shift that touches *span*."""
    query = (
        select(Staff.role, func.count(Staff.id.distinct()))
        .join(Shift, Shift.staff_id == Staff.id)
        .where(
            Shift.facility_id == facility_id, Shift.ends_at > span.from_at, Shift.starts_at < span.until_at
        )
        .group_by(Staff.role)
        .order_by(Staff.role)
    )
    return dict(session.execute(query).all())
