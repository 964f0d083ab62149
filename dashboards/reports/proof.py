"""How far the record is sealed, as reports say it: the one place that reports ask for the fingerprint."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.reports.periods import Period
from dispatch.service import sealed
from models.record import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The fingerprint of the last seal within a period, and the day that it seals; empty where none is."""

    fingerprint: str = ""
    sealed_through: date | None = None


def standing_of(session: Session, facility_id: str, period: Period) -> Standing:
    """How far the days of *period* are sealed."""
    row = session.scalar(
        select(Seal)
        .where(Seal.facility_id == facility_id, Seal.day >= period.first, Seal.day < period.after)
        .order_by(Seal.day.desc())
        .limit(1)
    )
    if row is None:
        return Standing()
    return Standing(fingerprint=sealed.from_row(row).fingerprint, sealed_through=row.day)
