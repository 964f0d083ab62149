"""Seals over each day, with the leaves of their trees.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op

from models.triggers import SEALS, create_statements, drop_statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "seal",
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("covers_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("incidents", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_seal_facility_id")),
        sa.PrimaryKeyConstraint("facility_id", "day", name=op.f("pk_seal")),
    )
    op.create_table(
        "seal_leaf",
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_seal_leaf_facility_id")),
        sa.PrimaryKeyConstraint("facility_id", "day", "position", name=op.f("pk_seal_leaf")),
        sa.UniqueConstraint(
            "subject", "day", "facility_id", name=op.f("uq_seal_leaf_subject_day_facility_id")
        ),
    )
    for statement in create_statements(op.get_bind().dialect.name, SEALS):
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    for statement in drop_statements(op.get_bind().dialect.name, SEALS):
        op.execute(statement)
    op.drop_table("seal_leaf")
    op.drop_table("seal")
