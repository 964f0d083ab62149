"""Tables of the facility: itself, its staff, their shifts and breaks, the places it serves."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, JsonList, PhoneNumber, Word


class Facility(Base):
    """One health centre; its key is its code, as printed in every incident number."""

    __tablename__ = "facility"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class IncidentCounter(Base):
    """The next incident number of a facility in a year; locking its row orders the openings."""

    __tablename__ = "incident_counter"

    facility_id: Mapped[str] = mapped_column(String(16), ForeignKey("facility.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    next_value: Mapped[int]


class Staff(Base):
    """A health worker who can be alerted."""

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("facility_id", "code"),
        UniqueConstraint("facility_id", "phone"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Word]
    phone: Mapped[PhoneNumber]
    skills: Mapped[JsonList]
    base_place: Mapped[str | None] = mapped_column(String(200))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    updated_at: Mapped[datetime]


class Shift(Base):
    """A stretch of duty of one worker in one tier; may cross midnight."""

    __tablename__ = "shift"
    __table_args__ = (
        UniqueConstraint("staff_id", "starts_at", "tier"),
        # Who is on duty at t: few shifts end after t, so the end leads.
        Index("ix_shift_duty", "facility_id", "ends_at", "starts_at"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    tier: Mapped[Word]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class RosterMark(Base):
    """A word that changes with every change of staff or shifts, by triggers (``models.triggers``).

    It never comes again, so whoever read the roster under it knows at a glance whether it still stands.
    """

    __tablename__ = "roster_mark"

    facility_id: Mapped[str] = mapped_column(String(16), ForeignKey("facility.id"), primary_key=True)
    mark: Mapped[str] = mapped_column(String(36))


class StaffBreak(Base):
    """A worker's break (ISTIRAHAT) until HADIR; open while ``until_at`` is empty."""

    __tablename__ = "staff_break"
    __table_args__ = (Index("ix_staff_break_open", "facility_id", "until_at"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]


class Place(Base):
    """An entry of the gazetteer; a place without a known point keeps none."""

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("facility_id", "name", "parent"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[Word]
    parent: Mapped[str] = mapped_column(String(200), default="")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    aliases: Mapped[JsonList]
