"""Tables of the record: events (append-only), the personal values beside them, the audit trail."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, Text
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
