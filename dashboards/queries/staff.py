"""Who works here and when, as pages show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.domain import roster
from models.facility import Shift, Staff, StaffBreak


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """One worker, as lists show them."""

    code: str
    name: str
    role: str
    phone: str
    skills: tuple[str, ...]
    base_place: str | None
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One stretch of duty, with whose it is."""

    code: str
    name: str
    role: str
    tier: str
    starts_at: datetime
    ends_at: datetime


def staff_by_code(db: Session, facility: str) -> Mapping[str, StaffMember]:
    """Everybody ever on the staff list, so that an old record still finds its names."""
    rows = db.scalars(select(Staff).where(Staff.facility_id == facility).order_by(Staff.code))
    return {
        row.code: StaffMember(
            code=row.code,
            name=row.name,
            role=row.role,
            phone=row.phone,
            skills=tuple(str(skill) for skill in row.skills),
            base_place=row.base_place,
            is_active=row.is_active,
        )
        for row in rows
    }


def named(name: str | None, code: str | None) -> str:
    """``Maria (N01)``; empty where the row beside it speaks of no worker (an outer join)."""
    return "" if name is None else f"{name} ({code})"


def shifts_between(
    db: Session, facility: str, from_at: datetime, until_at: datetime
) -> tuple[roster.Shift, ...]:
    """Every shift of an active worker that touches ``[from_at, until_at)``."""
    rows = db.execute(
        select(Shift, Staff.code)
        .join(Staff, Staff.id == Shift.staff_id)
        .where(
            Shift.facility_id == facility,
            Shift.ends_at > from_at,
            Shift.starts_at < until_at,
            Staff.is_active,
        )
    )
    return tuple(
        roster.Shift(staff_code=code, tier=shift.tier, starts_at=shift.starts_at, ends_at=shift.ends_at)
        for shift, code in rows
    )


def duties_between(db: Session, facility: str, from_at: datetime, until_at: datetime) -> tuple[Duty, ...]:
    """Every shift that touches ``[from_at, until_at)``, also of who has left since, by its start."""
    rows = db.execute(
        select(Shift, Staff.code, Staff.name, Staff.role)
        .join(Staff, Staff.id == Shift.staff_id)
        .where(Shift.facility_id == facility, Shift.ends_at > from_at, Shift.starts_at < until_at)
        .order_by(Shift.starts_at, Shift.ends_at, Shift.tier, Staff.code)
    )
    return tuple(
        Duty(
            code=code,
            name=name,
            role=role,
            tier=shift.tier,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
        )
        for shift, code, name, role in rows
    )


def breaks_at(db: Session, facility: str, at: datetime) -> tuple[roster.Break, ...]:
    """Every break that is running at the instant."""
    rows = db.execute(
        select(StaffBreak, Staff.code)
        .join(Staff, Staff.id == StaffBreak.staff_id)
        .where(
            StaffBreak.facility_id == facility,
            StaffBreak.from_at <= at,
            or_(StaffBreak.until_at.is_(None), StaffBreak.until_at > at),
        )
    )
    return tuple(
        roster.Break(staff_code=code, from_at=pause.from_at, until_at=pause.until_at) for pause, code in rows
    )
