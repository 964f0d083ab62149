"""Which outages a span holds, and how much of it they make together. Reads and sums up; decides nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import OutageCause
from dispatch.service.invariants import RECONCILE_PULSES
from models.traffic import Outage, Pulse

LONGEST = timedelta(days=400)
"""No outage is longer: where to begin to look for one that reaches into a span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One outage as it is on record, whole; a provider's bears its name."""

    cause: str
    from_at: datetime
    until_at: datetime
    provider: str | None = None

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.until_at - self.from_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruptions:
    """The outages of a span, and the seconds of it that they cover together, each second once."""

    stretches: tuple[Stretch, ...]
    away_s: float
    span_s: float

    @property
    def share(self) -> float:
        """The part of the span, from 0 to 1."""
        return self.away_s / self.span_s if self.span_s else 0.0


def between(db: Session, facility: str, from_at: datetime, until_at: datetime) -> tuple[Stretch, ...]:
    """What lay in the span or reached into it, in order."""
    query = (
        select(Outage)
        .where(
            Outage.facility_id == facility,
            Outage.from_at >= from_at - LONGEST,
            Outage.from_at < until_at,
            Outage.until_at >= from_at,
        )
        .order_by(Outage.from_at, Outage.id)
    )
    return tuple(
        Stretch(
            cause=row.cause,
            from_at=row.from_at,
            until_at=row.until_at,
            provider=None if row.details.get("provider") is None else str(row.details["provider"]),
        )
        for row in db.scalars(query)
    )


def logs_read_until(db: Session) -> datetime | None:
    """Up to when the log of every provider that is asked was read; None when none ever was."""
    return db.scalar(select(func.min(Pulse.at)).where(Pulse.name.startswith(RECONCILE_PULSES)))


def interruptions(stretches: Sequence[Stretch], from_at: datetime, until_at: datetime) -> Interruptions:
    """Sum *stretches* up over the span. A clock that was set is told, and is no time away."""
    away = [stretch for stretch in stretches if stretch.cause != OutageCause.CLOCK]
    return Interruptions(
        stretches=tuple(stretches),
        away_s=_covered_s(away, from_at, until_at),
        span_s=max(0.0, (until_at - from_at).total_seconds()),
    )


def _covered_s(stretches: Iterable[Stretch], from_at: datetime, until_at: datetime) -> float:
    total, reached_at = 0.0, from_at
    for stretch in sorted(stretches, key=lambda each: each.from_at):
        begins_at, ends_at = max(stretch.from_at, reached_at), min(stretch.until_at, until_at)
        if ends_at > begins_at:
            total += (ends_at - begins_at).total_seconds()
            reached_at = ends_at
    return total
