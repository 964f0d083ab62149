"""Tables of the complaints register: complaints, their steps (append-only), and the notes to these."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, Word


class Complaint(Base):
    """One complaint as it stands now; text, name and contact are personal and may be erased."""

    __tablename__ = "complaint"
    __table_args__ = (
        UniqueConstraint("facility_id", "year", "serial"),
        Index("ix_complaint_received", "facility_id", "received_at"),
        Index("ix_complaint_status", "facility_id", "status", "due_on"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    year: Mapped[int]
    serial: Mapped[int]
    number: Mapped[str] = mapped_column(String(32))
    channel: Mapped[Word]
    subject: Mapped[Word]
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))
    status: Mapped[Word]
    received_at: Mapped[datetime]
    due_on: Mapped[date]
    ended_at: Mapped[datetime | None]
    text: Mapped[str | None] = mapped_column(Text)
    complainant: Mapped[str | None] = mapped_column(String(200))
    contact: Mapped[str | None] = mapped_column(String(200))
    erased_at: Mapped[datetime | None]


class ComplaintStep(Base):
    """One step of a complaint; UPDATE and DELETE are refused by triggers."""

    __tablename__ = "complaint_step"

    complaint_id: Mapped[str] = mapped_column(String(36), ForeignKey("complaint.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[FacilityKey]
    status: Mapped[Word]
    due_on: Mapped[date]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))


class ComplaintNote(Base):
    """What was written at a step: free text may name people, so it stands apart and may be erased."""

    __tablename__ = "complaint_note"
    __table_args__ = (
        ForeignKeyConstraint(
            ["complaint_id", "sequence"], ["complaint_step.complaint_id", "complaint_step.sequence"]
        ),
    )

    complaint_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[FacilityKey]
    text: Mapped[str | None] = mapped_column(Text)
    erased_at: Mapped[datetime | None]
