"""A draft of the rules is edited in place: which revision it is at, and who changed it last.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rule_version", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("rule_version", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rule_version", sa.Column("changed_by_name", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("rule_version", "changed_by_name")
    op.drop_column("rule_version", "changed_at")
    op.drop_column("rule_version", "revision")
