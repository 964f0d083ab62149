"""Tables of the emergency itself: incident, call, assignment."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, JsonList, JsonObject, PhoneNumber, Word

_OPEN = text("status <> 'closed'")

IS_OPEN = text("incident.status <> 'closed'")
"""Written out, because a partial index serves only a query that says the same without parameters."""

_KEPT = text("status = 'closed' AND erased_at IS NULL")
IS_KEPT = text("incident.status = 'closed' AND incident.erased_at IS NULL")
"""Closed, and with whatever is personal of it; an open one is never erased."""

_UNENDED = text("ended_at IS NULL")
IS_UNENDED = text("call.ended_at IS NULL")
"""Only rings: a text ends as it comes."""

_ORPHAN = text("incident_id IS NULL AND outcome <> 'information'")
IS_ORPHAN = text("call.incident_id IS NULL AND call.outcome <> 'information'")
"""Of a sender that is no ordinary phone a row is kept that belongs to no incident, and rightly so."""

_ENGAGED = text("status IN ('accepted', 'en_route', 'staging', 'on_scene', 'transporting', 'at_facility')")
IS_ENGAGED = text(f"assignment.{_ENGAGED.text}")
"""A worker who has accepted and not ended: ``dispatch.domain.vocabulary.ENGAGED``."""


class Incident(Base):
    """One emergency; always equal to the fold of its events (``siaga verify`` checks it)."""

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("facility_id", "year", "short_number"),
        UniqueConstraint("facility_id", "number"),
        Index("ix_incident_received", "facility_id", "received_at", "id"),
        Index("ix_incident_open", "facility_id", "status", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index(
            "ix_incident_caller",
            "facility_id",
            "caller_number",
            "received_at",
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        Index(
            "ix_incident_kept",
            "facility_id",
            "outcome",
            "closed_at",
            postgresql_where=_KEPT,
            sqlite_where=_KEPT,
        ),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    number: Mapped[str] = mapped_column(String(32))
    year: Mapped[int]
    short_number: Mapped[int]
    status: Mapped[Word]
    priority: Mapped[Word]
    category: Mapped[Word]
    outcome: Mapped[str | None] = mapped_column(String(32))
    channel: Mapped[Word]
    is_drill: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))

    caller_number: Mapped[str | None] = mapped_column(String(64))
    location_text: Mapped[str | None] = mapped_column(Text)
    location_place: Mapped[str | None] = mapped_column(String(200))
    location_lat: Mapped[float | None]
    location_lon: Mapped[float | None]
    location_source: Mapped[str | None] = mapped_column(String(16))
    location_accuracy_m: Mapped[float | None]

    received_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    alerted_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    en_route_at: Mapped[datetime | None]
    staged_at: Mapped[datetime | None]
    on_scene_at: Mapped[datetime | None]
    left_scene_at: Mapped[datetime | None]
    at_facility_at: Mapped[datetime | None]
    available_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    policy: Mapped[JsonObject]
    duty: Mapped[JsonList]
    ladder: Mapped[JsonObject]
    help_wanted: Mapped[int] = mapped_column(default=0)
    event_count: Mapped[int] = mapped_column(default=0)
    chain_head: Mapped[str] = mapped_column(String(64))
    erased_at: Mapped[datetime | None]
    """Since when nothing personal is left of it; every line after that makes it due again."""


class Call(Base):
    """One ring, or one text of a resident, with its ending; never deleted from the statistics."""

    __tablename__ = "call"
    __table_args__ = (
        UniqueConstraint("facility_id", "provider_sid"),
        Index("ix_call_received", "facility_id", "received_at", "id"),
        Index("ix_call_caller", "facility_id", "caller_number", "received_at"),
        Index(
            "ix_call_unended",
            "facility_id",
            "received_at",
            postgresql_where=_UNENDED,
            sqlite_where=_UNENDED,
        ),
        Index("ix_call_orphan", "facility_id", "received_at", postgresql_where=_ORPHAN, sqlite_where=_ORPHAN),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"), index=True)
    provider: Mapped[Word]
    provider_sid: Mapped[str] = mapped_column(String(64))
    provider_sequence: Mapped[int] = mapped_column(default=-1)
    channel: Mapped[Word]
    caller_number: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[Word]
    menu_digit: Mapped[str | None] = mapped_column(String(1))
    opened_incident: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Assignment(Base):
    """One worker's part in one incident."""

    __tablename__ = "assignment"
    __table_args__ = (
        UniqueConstraint("incident_id", "staff_id"),
        Index("ix_assignment_engaged", "staff_id", postgresql_where=_ENGAGED, sqlite_where=_ENGAGED),
        Index("ix_assignment_staff_asked", "staff_id", "asked_at"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    staff_code: Mapped[str] = mapped_column(String(32))
    role: Mapped[Word]
    tier: Mapped[Word]
    status: Mapped[Word]
    is_primary: Mapped[bool] = mapped_column(default=False)
    asked_count: Mapped[int] = mapped_column(default=0)
    minutes: Mapped[int | None]
    asked_at: Mapped[datetime]
    alerted_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    stood_down_at: Mapped[datetime | None]
    en_route_at: Mapped[datetime | None]
    staged_at: Mapped[datetime | None]
    on_scene_at: Mapped[datetime | None]
    left_scene_at: Mapped[datetime | None]
    at_facility_at: Mapped[datetime | None]
    available_at: Mapped[datetime | None]


class Link(Base):
    """A personal web address (``/w/…`` for a worker, ``/l/…`` for a caller); only its hash is kept."""

    __tablename__ = "link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    facility_id: Mapped[FacilityKey]
    kind: Mapped[Word]
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    phone: Mapped[PhoneNumber | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
