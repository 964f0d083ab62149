"""Tables of what comes in and goes out, and of what several processes agree on (leases, paces, outages)."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, JsonObject, PhoneNumber, Word

_UNSENT = text("state IN ('pending', 'sending', 'unknown')")

_SENT_AGAIN = text("attempts > 1")
WAS_SENT_AGAIN = text("delivery.attempts > 1")
"""In words of its own, because a partial index serves only its own words."""

IS_UNSENT = text("delivery.state IN ('pending', 'sending', 'unknown')")
"""Written out, because a partial index serves only a query that says the same without parameters."""


class Inbox(Base):
    """One request of a provider, kept as it came; its unique key makes a repeat harmless."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("facility_id", "provider_key"),
        Index("ix_inbox_received", "facility_id", "received_at"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    provider_key: Mapped[str] = mapped_column(String(160))
    kind: Mapped[Word]
    received_at: Mapped[datetime]
    body: Mapped[JsonObject]
    reply: Mapped[str | None] = mapped_column(Text)
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))


class Delivery(Base):
    """One call or text to be made: the outbox. The states are those of DESIGN 4."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        Index("ix_delivery_due", "next_attempt_at", postgresql_where=_UNSENT, sqlite_where=_UNSENT),
        Index("ix_delivery_incident", "incident_id", "created_at"),
        Index("ix_delivery_provider_sid", "provider_sid"),
        Index(
            "ix_delivery_sent_again",
            "to_number",
            "next_attempt_at",
            postgresql_where=_SENT_AGAIN,
            sqlite_where=_SENT_AGAIN,
        ),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    purpose: Mapped[Word]
    channel: Mapped[Word]
    to_number: Mapped[PhoneNumber]
    body: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[JsonObject]
    urgency: Mapped[int] = mapped_column(default=1)
    idempotency_key: Mapped[str] = mapped_column(String(160))
    state: Mapped[Word]
    attempts: Mapped[int] = mapped_column(default=0)
    provider: Mapped[str | None] = mapped_column(String(32))
    provider_sid: Mapped[str | None] = mapped_column(String(64))
    provider_status: Mapped[str | None] = mapped_column(String(32))
    provider_sequence: Mapped[int] = mapped_column(default=-1)
    error_code: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(80))
    sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]


class Deadline(Base):
    """Something that must happen at an instant unless it is called off; a row, never a timer."""

    __tablename__ = "deadline"
    __table_args__ = (Index("ix_deadline_due", "due_at"),)

    incident_id: Mapped[str] = mapped_column(String(36), ForeignKey("incident.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True, default="")
    facility_id: Mapped[FacilityKey]
    due_at: Mapped[datetime]


class Pulse(Base):
    """The last sign of life of a part of the program (``engine``), for ``/readyz`` and ``doctor``."""

    __tablename__ = "pulse"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    details: Mapped[JsonObject]


class Lease(Base):
    """Who alone may do something now (``engine`` on SQLite), and until when unless they renew it."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    until_at: Mapped[datetime]


class Pace(Base):
    """When a provider may be given its next call without exceeding its calls per second."""

    __tablename__ = "pace"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    free_at: Mapped[datetime]


class Outage(Base):
    """A stretch in which the service, or a part of it, was away; a fact that reports show as a band."""

    __tablename__ = "outage"
    __table_args__ = (Index("ix_outage_from", "facility_id", "from_at"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    cause: Mapped[Word]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    noticed_at: Mapped[datetime]
    details: Mapped[JsonObject]
