"""What was changed and looked at in a period: lines of the record, calls, acts in the audit trail, seals.

Counts through the indexes by time. Subjects and names of actors in the audit trail stay there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.domain.seals import Seal
from dispatch.service import sealed
from models import record
from models.incident import Call
from models.record import Audit, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What happened from ``from_at`` until just before ``until_at``; ``acts`` counts by action."""

    from_at: datetime
    until_at: datetime
    lines: int
    calls: int
    acts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act, with what kind of actor it was and the figures that an import left; no name and no file."""

    at: datetime
    actor: str
    action: str
    figures: Mapping[str, object]


_FIGURES = ("added", "changed", "unchanged", "sha256")


def stretch(session: Session, facility_id: str, from_at: datetime, until_at: datetime) -> Stretch:
    """Count what lies within; lines of the record by when the program learned of them."""
    lines = select(func.count()).where(
        Event.facility_id == facility_id, Event.recorded_at >= from_at, Event.recorded_at < until_at
    )
    calls = select(func.count()).where(
        Call.facility_id == facility_id, Call.received_at >= from_at, Call.received_at < until_at
    )
    acts = (
        select(Audit.action, func.count())
        .where(Audit.facility_id == facility_id, Audit.at >= from_at, Audit.at < until_at)
        .group_by(Audit.action)
        .order_by(Audit.action)
    )
    return Stretch(
        from_at=from_at,
        until_at=until_at,
        lines=session.scalar(lines) or 0,
        calls=session.scalar(calls) or 0,
        acts=dict(session.execute(acts).all()),
    )


def acts(
    session: Session,
    facility_id: str,
    from_at: datetime,
    until_at: datetime,
    *,
    without: Sequence[str],
    limit: int,
) -> Sequence[Act]:
    """The acts but for those of *without*, oldest first, at most *limit*."""
    query = (
        select(Audit.at, Audit.actor, Audit.action, Audit.data)
        .where(
            Audit.facility_id == facility_id,
            Audit.at >= from_at,
            Audit.at < until_at,
            Audit.action.not_in(without),
        )
        .order_by(Audit.at, Audit.id)
        .limit(limit)
    )
    return [
        Act(
            at=at,
            actor=actor.partition(":")[0],
            action=action,
            figures={name: data[name] for name in _FIGURES if name in data},
        )
        for at, actor, action, data in session.execute(query)
    ]


def seals(session: Session, facility_id: str, first: date, after: date) -> Sequence[Seal]:
    """The seals of the days from *first* until before *after*."""
    query = (
        select(record.Seal)
        .where(record.Seal.facility_id == facility_id, record.Seal.day >= first, record.Seal.day < after)
        .order_by(record.Seal.day)
    )
    return [sealed.from_row(row) for row in session.scalars(query)]
