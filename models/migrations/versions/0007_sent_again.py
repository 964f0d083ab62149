"""What was sent more than once can be found by its number.

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SENT_AGAIN = sa.text("attempts > 1")


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_delivery_sent_again",
        "delivery",
        ["to_number", "next_attempt_at"],
        postgresql_where=_SENT_AGAIN,
        sqlite_where=_SENT_AGAIN,
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_delivery_sent_again", table_name="delivery")
