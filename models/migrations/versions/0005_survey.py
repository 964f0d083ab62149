"""The satisfaction survey: requests, answers, opt-outs and the follow-up plan.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON_TYPE = sa.JSON().with_variant(JSONB(), "postgresql")


def _facility(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f(f"fk_{table}_facility_id"))


def _incident(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f(f"fk_{table}_incident_id"))


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "survey_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("questionnaire", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        _facility("survey_request"),
        _incident("survey_request"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_request")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_survey_request_incident_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_survey_request_token_hash")),
    )
    op.create_index("ix_survey_request_phone", "survey_request", ["facility_id", "phone", "asked_at"])
    op.create_index("ix_survey_request_asked", "survey_request", ["facility_id", "asked_at"])
    op.create_table(
        "survey_response",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("entry_key", sa.String(length=64), nullable=True),
        sa.Column("questionnaire", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("answers", JSON_TYPE, nullable=False),
        sa.Column("is_filled", sa.Boolean(), nullable=False),
        sa.Column("sex", sa.String(length=32), nullable=True),
        sa.Column("education", sa.String(length=32), nullable=True),
        sa.Column("occupation", sa.String(length=32), nullable=True),
        sa.Column("suggestion", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.String(length=80), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        _facility("survey_response"),
        _incident("survey_response"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["survey_request.id"], name=op.f("fk_survey_response_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_response")),
        sa.UniqueConstraint("request_id", name=op.f("uq_survey_response_request_id")),
        sa.UniqueConstraint("entry_key", name=op.f("uq_survey_response_entry_key")),
    )
    op.create_index("ix_survey_response_answered", "survey_response", ["facility_id", "answered_at"])
    op.create_index(op.f("ix_survey_response_incident_id"), "survey_response", ["incident_id"])
    op.create_table(
        "survey_opt_out",
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        _facility("survey_opt_out"),
        sa.PrimaryKeyConstraint("facility_id", "phone", name=op.f("pk_survey_opt_out")),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("entry_key", sa.String(length=64), nullable=True),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("element", sa.String(length=32), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("responsible", sa.String(length=200), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
        _facility("follow_up"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("entry_key", name=op.f("uq_follow_up_entry_key")),
    )
    op.create_index("ix_follow_up_period", "follow_up", ["facility_id", "period"])


def downgrade() -> None:
    """Take it back."""
    for table in ("follow_up", "survey_opt_out", "survey_response", "survey_request"):
        op.drop_table(table)
