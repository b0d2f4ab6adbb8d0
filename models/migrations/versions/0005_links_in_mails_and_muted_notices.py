"""Links of mails that act without signing in, and the kinds of notice that a user has turned off.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
WORD = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "mail_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("act", WORD, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("act IN ('accept', 'decline', 'log', 'feedback')", name=op.f("ck_mail_link_act")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_mail_link_lifetime")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_mail_link_assignment_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_mail_link_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_link")),
    )
    op.create_index("ix_mail_link_user_id", "mail_link", ["user_id"])
    op.create_index("ix_mail_link_expires_at", "mail_link", ["expires_at"])
    op.create_table(
        "muted_notice",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_muted_notice_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_muted_notice")),
        sa.UniqueConstraint("user_id", "kind", name=op.f("uq_muted_notice_user_id_kind")),
    )
    op.add_column("mail", sa.Column("kind", WORD, nullable=True))


def downgrade() -> None:
    op.drop_column("mail", "kind")
    op.drop_table("muted_notice")
    op.drop_index("ix_mail_link_expires_at", table_name="mail_link")
    op.drop_index("ix_mail_link_user_id", table_name="mail_link")
    op.drop_table("mail_link")
