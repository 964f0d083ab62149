"""What is left to be erased, and what was.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEPT = sa.text("status = 'closed' AND erased_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.add_column("incident", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_incident_kept",
        "incident",
        ["facility_id", "outcome", "closed_at"],
        postgresql_where=_KEPT,
        sqlite_where=_KEPT,
    )
    op.create_index("ix_idempotency_incident_id", "idempotency", ["incident_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_idempotency_incident_id", table_name="idempotency")
    op.drop_index("ix_incident_kept", table_name="incident")
    op.drop_column("incident", "erased_at")
