"""What several processes share, and what a watchdog asks for without walking through a large table.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.triggers import create_marking, drop_marking

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON_TYPE = sa.JSON().with_variant(JSONB(), "postgresql")

_UNENDED = sa.text("ended_at IS NULL")
_ORPHAN = sa.text("incident_id IS NULL AND outcome <> 'information'")
_ENGAGED = sa.text("status IN ('accepted', 'en_route', 'staging', 'on_scene', 'transporting', 'at_facility')")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "pace",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_pace")),
    )
    op.create_table(
        "outage",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", JSON_TYPE, nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_outage_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage")),
    )
    op.create_index("ix_outage_from", "outage", ["facility_id", "from_at"])
    op.add_column("delivery", sa.Column("claimed_by", sa.String(length=80), nullable=True))
    op.create_index(
        "ix_call_unended",
        "call",
        ["facility_id", "received_at"],
        postgresql_where=_UNENDED,
        sqlite_where=_UNENDED,
    )
    op.create_index(
        "ix_call_orphan",
        "call",
        ["facility_id", "received_at"],
        postgresql_where=_ORPHAN,
        sqlite_where=_ORPHAN,
    )
    op.drop_index("ix_assignment_staff_status", table_name="assignment")
    op.create_index(
        "ix_assignment_engaged",
        "assignment",
        ["staff_id"],
        postgresql_where=_ENGAGED,
        sqlite_where=_ENGAGED,
    )
    op.create_table(
        "roster_mark",
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("mark", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_roster_mark_facility_id")),
        sa.PrimaryKeyConstraint("facility_id", name=op.f("pk_roster_mark")),
    )
    op.execute("INSERT INTO roster_mark (facility_id, mark) SELECT id, 'the first' FROM facility")
    for statement in create_marking(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    for statement in drop_marking(op.get_bind().dialect.name):
        op.execute(statement)
    op.drop_table("roster_mark")
    op.drop_index("ix_assignment_engaged", table_name="assignment")
    op.create_index("ix_assignment_staff_status", "assignment", ["staff_id", "status"])
    op.drop_index("ix_call_orphan", table_name="call")
    op.drop_index("ix_call_unended", table_name="call")
    op.drop_column("delivery", "claimed_by")
    op.drop_table("outage")
    op.drop_table("pace")
    op.drop_table("lease")
