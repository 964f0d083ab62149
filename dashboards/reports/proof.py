"""How far the record is sealed, as reports say it: the one place that reports ask for the fingerprint."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.reports.periods import Period
from dispatch.service import sealed
from models.record import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The fingerprint of the last seal within a period, and the day that it seals; empty where none is.

    ``after_seal`` lines of what a paper tells were recorded when the last of those days was over. A paper
    whose content no seal covers says so instead (``is_of_this``).
    """

    fingerprint: str = ""
    sealed_through: date | None = None
    sealed_until: datetime | None = None
    after_seal: int = 0
    is_of_this: bool = True


UNSEALED = Standing(is_of_this=False)
"""Of papers about answers and complaints, which stand outside the record (ADR 0032, 0036)."""


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
    return Standing(
        fingerprint=sealed.from_row(row).fingerprint,
        sealed_through=row.day,
        sealed_until=row.covers_until,
    )
