"""A draft of the policy is edited in place; the vendor declares days off for all.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("policy", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("policy", sa.Column("changed_at", INSTANT, nullable=True))
    op.add_column("policy", sa.Column("changed_by_name", sa.String(length=200), nullable=True))
    op.create_table(
        "vendor_day",
        sa.Column("id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("declared_at", INSTANT, nullable=False),
        sa.Column("declared_by", ID, nullable=True),
        sa.Column("declared_by_name", sa.String(length=200), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_vendor_day_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_day")),
        sa.UniqueConstraint("day", name=op.f("uq_vendor_day_day")),
    )


def downgrade() -> None:
    op.drop_table("vendor_day")
    op.drop_column("policy", "changed_by_name")
    op.drop_column("policy", "changed_at")
    op.drop_column("policy", "revision")
