"""Tables of who may look and act: users and API tokens. Only hashes of secrets are kept."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, Word


class User(Base):
    """A person who logs in."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("username"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    username: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Word]
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    session_epoch: Mapped[int] = mapped_column(default=0)
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token of a program; printed once, kept as its SHA-256."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[Word]
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Idempotency(Base):
    """An ``Idempotency-Key`` of the API and what it was answered, so that a repeat changes nothing."""

    __tablename__ = "idempotency"
    __table_args__ = (UniqueConstraint("facility_id", "key"),)

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
