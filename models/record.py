"""Tables of the record: events, their seals and the audit trail (append-only), and personal values."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, JsonObject, Word


class Event(Base):
    """One line of an incident's record; UPDATE and DELETE are refused by triggers."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_recorded", "facility_id", "recorded_at"),)

    incident_id: Mapped[str] = mapped_column(String(36), ForeignKey("incident.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[FacilityKey]
    kind: Mapped[str] = mapped_column(String(48))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    source: Mapped[Word]
    actor: Mapped[str] = mapped_column(String(80))
    data: Mapped[JsonObject]
    private: Mapped[JsonObject]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class PrivateValue(Base):
    """A personal value that an event speaks of; erasing value and salt leaves the chain intact."""

    __tablename__ = "private_value"
    __table_args__ = (
        ForeignKeyConstraint(["incident_id", "sequence"], ["event.incident_id", "event.sequence"]),
    )

    incident_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    facility_id: Mapped[FacilityKey]
    value: Mapped[str | None] = mapped_column(Text)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    erased_at: Mapped[datetime | None]


class Audit(Base):
    """An act of administration, or a look at something personal; append-only like the events."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "facility_id", "at"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(80))
    data: Mapped[JsonObject]


class Seal(Base):
    """The seal over a day, signed; append-only like the events."""

    __tablename__ = "seal"

    facility_id: Mapped[str] = mapped_column(String(16), ForeignKey("facility.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    covers_until: Mapped[datetime]
    sealed_at: Mapped[datetime]
    incidents: Mapped[int]
    calls: Mapped[int]
    root: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(128))


class SealLeaf(Base):
    """One leaf of a seal's tree, kept so that a finding can say which incident or call it is about.

    Append-only. Leaves come before their seal; it is the seal that makes them count.
    """

    __tablename__ = "seal_leaf"
    __table_args__ = (UniqueConstraint("subject", "day", "facility_id"),)

    facility_id: Mapped[str] = mapped_column(String(16), ForeignKey("facility.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    subject: Mapped[str] = mapped_column(String(36))
    sequence: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
