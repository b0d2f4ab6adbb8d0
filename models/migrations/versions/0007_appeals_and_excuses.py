"""Appeals with their evidence, outages found or declared, what they excused, and who acknowledged what.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.words import add_words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
WORD = sa.String(32)
OPEN, FOUND, UNDONE = sa.text("state = 'open'"), sa.text("origin = 'heartbeat'"), sa.text("done_at IS NULL")
UNDELIVERABLE = sa.text("state = 'undeliverable'")


def upgrade() -> None:
    _appeals()
    _outages()
    op.create_index(
        "ix_mail_undeliverable", "mail", ["outbox_id"], postgresql_where=UNDELIVERABLE, sqlite_where=UNDELIVERABLE
    )
    add_words("ledger_entry", "kind", "appeal", "refuse")
    add_words("outbox", "topic", "excused", "appeal", "answered")


def _appeals() -> None:
    op.create_table(
        "appeal",
        sa.Column("id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("obligation_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", ID, nullable=True),
        sa.Column("opened_by_name", sa.String(length=200), nullable=True),
        sa.Column("decide_by", INSTANT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("decided_by_name", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("standing_before", WORD, nullable=True),
        sa.Column("standing_after", WORD, nullable=True),
        sa.CheckConstraint("kind IN ('appeal', 'late_hand_over', 'wrong_data')", name=op.f("ck_appeal_kind")),
        sa.CheckConstraint("state IN ('open', 'granted', 'refused', 'withdrawn')", name=op.f("ck_appeal_state")),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_appeal_decided_at")),
        sa.CheckConstraint(
            "state NOT IN ('granted', 'refused') OR reason IS NOT NULL", name=op.f("ck_appeal_reason")
        ),
        sa.ForeignKeyConstraint(["obligation_id"], ["obligation.id"], name=op.f("fk_appeal_obligation_id")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_appeal_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    op.create_index(
        "uq_appeal_open", "appeal", ["obligation_id"], unique=True, postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_index("ix_appeal_obligation_id", "appeal", ["obligation_id"])
    op.create_index("ix_appeal_partner_id_opened_at", "appeal", ["partner_id", "opened_at"])
    op.create_index("ix_appeal_waiting", "appeal", ["decide_by"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_table(
        "appeal_file",
        sa.Column("appeal_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_appeal_file_appeal_id")),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_file")),
    )
    op.create_table(
        "acknowledgement",
        sa.Column("id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("user_name", sa.String(length=200), nullable=True),
        sa.CheckConstraint("kind IN ('policy', 'definition')", name=op.f("ck_acknowledgement_kind")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_acknowledgement_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgement")),
        sa.UniqueConstraint("partner_id", "kind", "version", name=op.f("uq_acknowledgement_partner_id_kind_version")),
    )


def _outages() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_index(op.f("ix_heartbeat_beat_at"), "heartbeat", ["beat_at"])
    op.create_table(
        "outage",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("origin", WORD, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_by_name", sa.String(length=200), nullable=True),
        sa.Column("applied_at", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("withdrawn_by_name", sa.String(length=200), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('outage', 'vendor_closed')", name=op.f("ck_outage_kind")),
        sa.CheckConstraint("origin IN ('heartbeat', 'declared')", name=op.f("ck_outage_origin")),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_outage_order")),
        sa.CheckConstraint("ends_at IS NOT NULL OR origin = 'heartbeat'", name=op.f("ck_outage_declared_ends")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage")),
    )
    op.create_index("uq_outage_found", "outage", ["starts_at"], unique=True, postgresql_where=FOUND, sqlite_where=FOUND)
    op.create_index("ix_outage_undone", "outage", ["starts_at"], postgresql_where=UNDONE, sqlite_where=UNDONE)
    op.create_table(
        "excuse",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("obligation_id", ID, nullable=False),
        sa.Column("outage_id", ID, nullable=True),
        sa.Column("effect", WORD, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("was_due_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.CheckConstraint("effect IN ('extended', 'waived')", name=op.f("ck_excuse_effect")),
        sa.ForeignKeyConstraint(["obligation_id"], ["obligation.id"], name=op.f("fk_excuse_obligation_id")),
        sa.ForeignKeyConstraint(["outage_id"], ["outage.id"], name=op.f("fk_excuse_outage_id")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_excuse_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excuse")),
        sa.UniqueConstraint("key", name=op.f("uq_excuse_key")),
    )
    op.create_index("ix_excuse_obligation_id", "excuse", ["obligation_id"])
    op.create_index("ix_excuse_outage_id", "excuse", ["outage_id"])


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE topic IN ('excused', 'appeal', 'answered')")
    op.execute("DELETE FROM ledger_entry WHERE kind IN ('appeal', 'refuse')")
    op.drop_index("ix_mail_undeliverable", table_name="mail")
    for table in ("excuse", "outage", "heartbeat", "acknowledgement", "appeal_file", "appeal"):
        op.drop_table(table)
