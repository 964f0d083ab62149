"""The complaints register.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

from models.triggers import COMPLAINTS, create_statements, drop_statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "complaint",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("complainant", sa.String(length=200), nullable=True),
        sa.Column("contact", sa.String(length=200), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_complaint_facility_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_complaint_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint(
            "facility_id", "year", "serial", name=op.f("uq_complaint_facility_id_year_serial")
        ),
    )
    op.create_index("ix_complaint_received", "complaint", ["facility_id", "received_at"])
    op.create_index("ix_complaint_status", "complaint", ["facility_id", "status", "due_on"])
    op.create_table(
        "complaint_step",
        sa.Column("complaint_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["complaint_id"], ["complaint.id"], name=op.f("fk_complaint_step_complaint_id")
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_complaint_step_facility_id")),
        sa.PrimaryKeyConstraint("complaint_id", "sequence", name=op.f("pk_complaint_step")),
    )
    op.create_table(
        "complaint_note",
        sa.Column("complaint_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_complaint_note_facility_id")),
        sa.ForeignKeyConstraint(
            ["complaint_id", "sequence"],
            ["complaint_step.complaint_id", "complaint_step.sequence"],
            name=op.f("fk_complaint_note_complaint_id_sequence"),
        ),
        sa.PrimaryKeyConstraint("complaint_id", "sequence", name=op.f("pk_complaint_note")),
    )
    for statement in create_statements(op.get_bind().dialect.name, COMPLAINTS):
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    for statement in drop_statements(op.get_bind().dialect.name, COMPLAINTS):
        op.execute(statement)
    op.drop_table("complaint_note")
    op.drop_table("complaint_step")
    op.drop_index("ix_complaint_status", "complaint")
    op.drop_index("ix_complaint_received", "complaint")
    op.drop_table("complaint")
