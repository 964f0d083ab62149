"""Tables of the satisfaction survey: who was asked, what was answered, who is left alone, what follows."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, FacilityKey, Identifier, JsonObject, PhoneNumber, Word


class SurveyRequest(Base):
    """That the caller of one incident was asked, and what became of it; once for an incident.

    The phone may be erased (then it is empty), and so may the address of the page with it.
    """

    __tablename__ = "survey_request"
    __table_args__ = (
        UniqueConstraint("incident_id"),
        UniqueConstraint("token_hash"),
        Index("ix_survey_request_phone", "facility_id", "phone", "asked_at"),
        Index("ix_survey_request_asked", "facility_id", "asked_at"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    questionnaire: Mapped[str] = mapped_column(String(32))
    channel: Mapped[Word]
    phone: Mapped[PhoneNumber | None]
    token_hash: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[Word]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SurveyResponse(Base):
    """One questionnaire that somebody answered, whole or in part; ``answers`` are 1 to 4 by element.

    ``entry_key`` makes a form of paper that is sent twice one. ``suggestion`` is free text and personal: it
    stands nowhere else, and erasing it leaves the answers, which say nothing about anybody.
    """

    __tablename__ = "survey_response"
    __table_args__ = (
        UniqueConstraint("request_id"),
        UniqueConstraint("entry_key"),
        Index("ix_survey_response_answered", "facility_id", "answered_at"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"), index=True)
    request_id: Mapped[str | None] = mapped_column(ForeignKey("survey_request.id"))
    entry_key: Mapped[str | None] = mapped_column(String(64))
    questionnaire: Mapped[str] = mapped_column(String(32))
    channel: Mapped[Word]
    answers: Mapped[JsonObject]
    is_filled: Mapped[bool]
    sex: Mapped[Word | None]
    education: Mapped[Word | None]
    occupation: Mapped[Word | None]
    suggestion: Mapped[str | None] = mapped_column(Text)
    entered_by: Mapped[str | None] = mapped_column(String(80))
    answered_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class SurveyOptOut(Base):
    """A phone that is never asked again; kept when everything else about the number is erased (ADR 0032)."""

    __tablename__ = "survey_opt_out"

    facility_id: Mapped[str] = mapped_column(String(16), ForeignKey("facility.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(String(64), primary_key=True)
    opted_out_at: Mapped[datetime]
    channel: Mapped[Word]


class FollowUp(Base):
    """One step of the follow-up plan (*rencana tindak lanjut*) that a period's survey led to."""

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("entry_key"),
        Index("ix_follow_up_period", "facility_id", "period"),
    )

    id: Mapped[Identifier]
    facility_id: Mapped[FacilityKey]
    entry_key: Mapped[str | None] = mapped_column(String(64))
    period: Mapped[str] = mapped_column(String(16))
    element: Mapped[Word]
    action: Mapped[str] = mapped_column(Text)
    responsible: Mapped[str] = mapped_column(String(200))
    due_on: Mapped[date]
    status: Mapped[Word]
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(80))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(80))
