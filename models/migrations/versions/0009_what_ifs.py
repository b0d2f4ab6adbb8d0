"""What-ifs: past leads replayed through other rules, with what came of it.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
UNDER_WAY = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_table(
        "trial",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule_version_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rules", DOCUMENT, nullable=True),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by", ID, nullable=True),
        sa.Column("asked_by_name", sa.String(length=200), nullable=True),
        sa.Column("begun_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.String(length=64), nullable=True),
        sa.Column("taken_until", INSTANT, nullable=True),
        sa.Column("result", DOCUMENT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'cancelled', 'broken')", name=op.f("ck_trial_state")
        ),
        sa.CheckConstraint("to_at > from_at", name=op.f("ck_trial_period")),
        sa.CheckConstraint("(state = 'done') = (result IS NOT NULL)", name=op.f("ck_trial_result")),
        sa.CheckConstraint(
            "(state IN ('waiting', 'running')) = (ended_at IS NULL)", name=op.f("ck_trial_ended_at")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
    )
    op.create_index("ix_trial_rule_version_id", "trial", ["rule_version_id"])
    op.create_index(
        "ix_trial_under_way", "trial", ["asked_at"], postgresql_where=UNDER_WAY, sqlite_where=UNDER_WAY
    )


def downgrade() -> None:
    op.drop_table("trial")
