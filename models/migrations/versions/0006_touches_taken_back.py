"""Touches and feedback that were recorded by mistake can be taken back for a minute.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CHECK, COUNTS_NOWHERE = "ck_activity_taken_back_counts_nowhere", "taken_back_at IS NULL OR NOT counted"


def upgrade() -> None:
    op.add_column("feedback", sa.Column("undo_until", INSTANT, nullable=True))
    op.add_column("feedback", sa.Column("taken_back_at", INSTANT, nullable=True))
    op.add_column("activity", sa.Column("undo_until", INSTANT, nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        # Making the table anew, as a batch does, would lose its other CHECKs; a column may bring one of its own.
        op.execute(
            f"ALTER TABLE activity ADD COLUMN taken_back_at DATETIME CONSTRAINT {CHECK} CHECK ({COUNTS_NOWHERE})"
        )
        return
    op.add_column("activity", sa.Column("taken_back_at", INSTANT, nullable=True))
    op.create_check_constraint(op.f(CHECK), "activity", COUNTS_NOWHERE)


def downgrade() -> None:
    op.drop_column("activity", "taken_back_at")
    op.drop_column("activity", "undo_until")
    op.drop_column("feedback", "taken_back_at")
    op.drop_column("feedback", "undo_until")
