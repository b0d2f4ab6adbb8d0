"""First tables, their guards, and the policy that is live from the start.

Revision: 0001, after nothing.
"""

import json
import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
WORD = sa.String(32)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

#: The default policy as it was published first, every value written out.
DEFAULT_POLICY = {
    "obligations": [
        {
            "kind": "respond",
            "when": None,
            "within": {"value": 2, "unit": "days", "clock": "business"},
            "warn_before": {"value": 4, "unit": "hours", "clock": "business"},
            "on_breach": {"reassign": True, "notify": ["partner", "manager"]},
            "touches": None,
            "repeat": None,
        },
        {
            "kind": "first_contact",
            "when": {"all": [{"field": "grade", "op": "eq", "value": "A"}]},
            "within": {"value": 2, "unit": "days", "clock": "business"},
            "warn_before": {"value": 4, "unit": "hours", "clock": "business"},
            "on_breach": {"reassign": True, "notify": ["partner", "manager"]},
            "touches": None,
            "repeat": None,
        },
        {
            "kind": "first_contact",
            "when": None,
            "within": {"value": 5, "unit": "days", "clock": "business"},
            "warn_before": {"value": 4, "unit": "hours", "clock": "business"},
            "on_breach": {"reassign": True, "notify": ["partner", "manager"]},
            "touches": None,
            "repeat": None,
        },
        {
            "kind": "feedback",
            "when": None,
            "within": {"value": 10, "unit": "days", "clock": "business"},
            "warn_before": {"value": 1, "unit": "days", "clock": "business"},
            "on_breach": {"reassign": False, "notify": ["partner", "manager"]},
            "touches": None,
            "repeat": {"value": 30, "unit": "days", "clock": "business"},
        },
    ],
    "ladder": {
        "window_days": 90,
        "minimum_sample": 5,
        "stop_on_overdue": 3,
        "breaches_in_a_row": 3,
        "stop_days": 5,
        "decay_days": 180,
        "stop_below": 0.6,
        "reduce_below": 0.8,
        "warn_below": 0.9,
        "probation": {"days": 10, "open_lead_cap": 2},
        "severity": {},
    },
    "hand_overs": 5,
    "grace_minutes": 0,
    "vendor": {"hand_over_within": None, "appeal_within": None},
}
#: The first policy counts for all time before the next one.
EVER = datetime(2000, 1, 1, tzinfo=UTC)
SQLITE_GUARD = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of {table} never change'); END
"""
POSTGRESQL_GUARD = """
CREATE FUNCTION {table}_never_changes() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of {table} never change'; END $$;
CREATE TRIGGER {table}_never_changes BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_never_changes();
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("partner_id", ID, nullable=True),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_at", ["at"], unique=False)
        batch_op.create_index("ix_audit_object", ["object_type", "object_id"], unique=False)

    op.create_table(
        "audit_seal",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("audit_id", ID, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_seal_audit_id")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.String(length=10), nullable=True),
        sa.Column("ends_on", sa.String(length=10), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", name=op.f("uq_campaign_name")),
    )
    op.create_table(
        "idempotent_answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("caller", ID, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("object_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotent_answer")),
        sa.UniqueConstraint("caller", "key", name=op.f("uq_idempotent_answer_caller_key")),
    )
    op.create_table(
        "lead_definition",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name=op.f("ck_lead_definition_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_definition")),
        sa.UniqueConstraint("number", name=op.f("uq_lead_definition_number")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "live",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("rule_version_id", ID, nullable=True),
        sa.Column("definition_id", ID, nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("topic", WORD, nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("partner_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("assignment_id", ID, nullable=True),
        sa.Column("lead_id", ID, nullable=True),
        sa.Column("once", sa.String(length=120), nullable=True),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("posted_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('pending', 'posted', 'dropped')", name=op.f("ck_outbox_state")),
        sa.CheckConstraint(
            "topic IN ('offer', 'warning', 'breach', 'moved_on', 'stopped', 'reinstated', 'standing', 'enquired_again', 'extended', 'waived', 'unallocated', 'invitation', 'password_reset')",
            name=op.f("ck_outbox_topic"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("once", name=op.f("uq_outbox_once")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_partner_id_created_at", ["partner_id", "created_at"], unique=False)
        batch_op.create_index(
            "ix_outbox_pending",
            ["created_at"],
            unique=False,
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "partner",
        sa.Column("id", ID, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("tier", sa.String(length=64), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("hours", DOCUMENT, nullable=False),
        sa.Column("quiet_periods", DOCUMENT, nullable=False),
        sa.Column("territories", DOCUMENT, nullable=False),
        sa.Column("products", DOCUMENT, nullable=False),
        sa.Column("tags", DOCUMENT, nullable=False),
        sa.Column("open_lead_cap", sa.Integer(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=True),
        sa.Column("weekly_cap", sa.Integer(), nullable=True),
        sa.Column("wants_early_leads", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        sa.Column("standing", WORD, nullable=False),
        sa.Column("standing_since", INSTANT, nullable=False),
        sa.Column("standing_until", INSTANT, nullable=True),
        sa.Column("standing_state", DOCUMENT, nullable=False),
        sa.Column("folded_until", INSTANT, nullable=False),
        sa.Column("standing_next_at", INSTANT, nullable=True),
        sa.Column("cap_now", sa.Integer(), nullable=False),
        sa.Column("weight_now_x2", sa.Integer(), nullable=False),
        sa.Column("open_leads", sa.Integer(), nullable=False),
        sa.Column("day_key", sa.Integer(), nullable=False),
        sa.Column("day_offers", sa.Integer(), nullable=False),
        sa.Column("week_key", sa.Integer(), nullable=False),
        sa.Column("week_offers", sa.Integer(), nullable=False),
        sa.Column("freed_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "standing IN ('good', 'warned', 'reduced', 'stopped', 'probation', 'held', 'exempt')",
            name=op.f("ck_partner_standing"),
        ),
        sa.CheckConstraint("open_lead_cap >= 0", name=op.f("ck_partner_open_lead_cap")),
        sa.CheckConstraint("open_leads >= 0", name=op.f("ck_partner_open_leads")),
        sa.CheckConstraint("weight BETWEEN 1 AND 100", name=op.f("ck_partner_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
        sa.UniqueConstraint("name", name=op.f("uq_partner_name")),
        sa.UniqueConstraint("slot", name=op.f("uq_partner_slot")),
    )
    with op.batch_alter_table("partner", schema=None) as batch_op:
        batch_op.create_index("ix_partner_freed_at", ["freed_at"], unique=False)
        batch_op.create_index("ix_partner_standing_next_at", ["standing_next_at"], unique=False)

    op.create_table(
        "policy",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_by_name", sa.String(length=200), nullable=True),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("effective_from", INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'draft') = (effective_from IS NULL)", name=op.f("ck_policy_effective_from")),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name=op.f("ck_policy_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("number", name=op.f("uq_policy_number")),
    )
    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.create_index("ix_policy_effective_from", ["effective_from"], unique=False)

    op.create_table(
        "rotation",
        sa.Column("key", sa.String(length=420), nullable=False),
        sa.Column("credits", sa.LargeBinary(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rotation")),
    )
    op.create_table(
        "rule_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("rules", DOCUMENT, nullable=False),
        sa.Column("warnings", DOCUMENT, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_by_name", sa.String(length=200), nullable=True),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'draft') = (published_at IS NULL)", name=op.f("ck_rule_version_published_at")),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name=op.f("ck_rule_version_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_version")),
        sa.UniqueConstraint("number", name=op.f("uq_rule_version_number")),
    )
    with op.batch_alter_table("rule_version", schema=None) as batch_op:
        batch_op.create_index(
            "uq_rule_version_live",
            ["state"],
            unique=True,
            postgresql_where=sa.text("state = 'published'"),
            sqlite_where=sa.text("state = 'published'"),
        )

    op.create_table(
        "sweep_problem",
        sa.Column("id", ID, nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("retry_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweep_problem")),
        sa.UniqueConstraint("step", "object_id", name=op.f("uq_sweep_problem_step_object_id")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("partner_id", ID, nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(role IN ('partner_rep', 'partner_admin')) = (partner_id IS NOT NULL)",
            name=op.f("ck_api_key_partner_role"),
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_api_key_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index("ix_api_key_partner_id", ["partner_id"], unique=False)

    op.create_table(
        "lead",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("status", WORD, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("grade", sa.String(length=1), nullable=False),
        sa.Column("definition_id", ID, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_norm", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=200), nullable=True),
        sa.Column("phone_norm", sa.String(length=32), nullable=True),
        sa.Column("phone_suspect", sa.Boolean(), nullable=False),
        sa.Column("first_name", sa.String(length=200), nullable=True),
        sa.Column("last_name", sa.String(length=200), nullable=True),
        sa.Column("company", sa.String(length=200), nullable=True),
        sa.Column("company_domain", sa.String(length=254), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("region", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=200), nullable=True),
        sa.Column("city", sa.String(length=200), nullable=True),
        sa.Column("product", sa.String(length=200), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("campaign_id", ID, nullable=True),
        sa.Column("campaign", sa.String(length=200), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("employees", sa.BigInteger(), nullable=True),
        sa.Column("budget", sa.Double(), nullable=True),
        sa.Column("language", sa.String(length=200), nullable=True),
        sa.Column("utm_source", sa.String(length=200), nullable=True),
        sa.Column("utm_medium", sa.String(length=200), nullable=True),
        sa.Column("utm_campaign", sa.String(length=200), nullable=True),
        sa.Column("utm_term", sa.String(length=200), nullable=True),
        sa.Column("utm_content", sa.String(length=200), nullable=True),
        sa.Column("custom", DOCUMENT, nullable=False),
        sa.Column("duplicate_of", ID, nullable=True),
        sa.Column("hand_overs", sa.Integer(), nullable=False),
        sa.Column("pool_until", INSTANT, nullable=True),
        sa.Column("pool", DOCUMENT, nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.Column("retry_at", INSTANT, nullable=True),
        sa.Column("prefer_partner_id", ID, nullable=True),
        sa.Column("prefer_origin", sa.String(length=32), nullable=True),
        sa.CheckConstraint("(status = 'pooled') = (pool_until IS NOT NULL)", name=op.f("ck_lead_pooled_until")),
        sa.CheckConstraint("status != 'unallocated' OR reason IS NOT NULL", name=op.f("ck_lead_queue_reason")),
        sa.CheckConstraint(
            "status = 'erased' OR email IS NOT NULL OR phone IS NOT NULL", name=op.f("ck_lead_has_contact")
        ),
        sa.CheckConstraint(
            "status IN ('received', 'duplicate', 'disqualified', 'nurture', 'unallocated', 'pooled', 'offered', 'accepted', 'contacted', 'won', 'lost', 'returned', 'erased')",
            name=op.f("ck_lead_status"),
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_lead_campaign_id")),
        sa.ForeignKeyConstraint(["duplicate_of"], ["lead.id"], name=op.f("fk_lead_duplicate_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
        sa.UniqueConstraint("external_id", name=op.f("uq_lead_external_id")),
    )
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index("ix_lead_company_domain", ["company_domain"], unique=False)
        batch_op.create_index(batch_op.f("ix_lead_duplicate_of"), ["duplicate_of"], unique=False)
        batch_op.create_index("ix_lead_email_norm", ["email_norm"], unique=False)
        batch_op.create_index("ix_lead_phone_norm", ["phone_norm"], unique=False)
        batch_op.create_index(
            "ix_lead_pool_until",
            ["pool_until"],
            unique=False,
            postgresql_where=sa.text("status = 'pooled'"),
            sqlite_where=sa.text("status = 'pooled'"),
        )
        batch_op.create_index("ix_lead_received_at", ["received_at"], unique=False)
        batch_op.create_index("ix_lead_status_id", ["status", "id"], unique=False)
        batch_op.create_index(
            "ix_lead_waiting",
            ["grade", "received_at"],
            unique=False,
            postgresql_where=sa.text("status = 'unallocated'"),
            sqlite_where=sa.text("status = 'unallocated'"),
        )

    op.create_table(
        "ledger_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("from_standing", WORD, nullable=True),
        sa.Column("to_standing", WORD, nullable=True),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.Column("obligation_ids", DOCUMENT, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "kind IN ('change', 'breach', 'waive', 'extend', 'hold', 'exempt', 'release', 'ready')",
            name=op.f("ck_ledger_entry_kind"),
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_ledger_entry_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entry_partner_id_at", ["partner_id", "at"], unique=False)

    op.create_table(
        "partner_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.Column("changed_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_partner_version_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_version")),
    )
    with op.batch_alter_table("partner_version", schema=None) as batch_op:
        batch_op.create_index("ix_partner_version_partner_id_valid_from", ["partner_id", "valid_from"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("partner_id", ID, nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("bounced_at", INSTANT, nullable=True),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(role IN ('partner_rep', 'partner_admin')) = (partner_id IS NOT NULL)",
            name=op.f("ck_user_account_partner_role"),
        ),
        sa.CheckConstraint(
            "role IN ('partner_rep', 'partner_admin', 'channel_manager', 'marketer', 'admin')",
            name=op.f("ck_user_account_role"),
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_user_account_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_account_partner_id"), ["partner_id"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("origin", WORD, nullable=False),
        sa.Column("policy_id", ID, nullable=False),
        sa.Column("offered_at", INSTANT, nullable=True),
        sa.Column("respond_by", INSTANT, nullable=True),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("decline_reason", WORD, nullable=True),
        sa.Column("disposition", WORD, nullable=True),
        sa.Column("touches", sa.Integer(), nullable=False),
        sa.Column("last_touch_at", INSTANT, nullable=True),
        sa.Column("earlier_holder", sa.Boolean(), nullable=False),
        sa.Column("counts_open", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('offered', 'accepted')) = (ended_at IS NULL)", name=op.f("ck_assignment_ended_at")
        ),
        sa.CheckConstraint("state != 'accepted' OR accepted_at IS NOT NULL", name=op.f("ck_assignment_accepted_at")),
        sa.CheckConstraint(
            "state != 'offered' OR respond_by IS NOT NULL", name=op.f("ck_assignment_offer_has_respond_by")
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'expired', 'recalled', 'closed')",
            name=op.f("ck_assignment_state"),
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_assignment_lead_id")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_assignment_partner_id")),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name=op.f("fk_assignment_policy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index("ix_assignment_lead_id", ["lead_id"], unique=False)
        batch_op.create_index("ix_assignment_partner_id_offered_at", ["partner_id", "offered_at"], unique=False)
        batch_op.create_index("ix_assignment_partner_id_state", ["partner_id", "state"], unique=False)
        batch_op.create_index(
            "uq_assignment_live",
            ["lead_id"],
            unique=True,
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
            sqlite_where=sa.text("state IN ('offered', 'accepted')"),
        )

    op.create_table(
        "decision",
        sa.Column("id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("rule_version_id", ID, nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("rule", sa.String(length=200), nullable=True),
        sa.Column("strategy", sa.String(length=32), nullable=True),
        sa.Column("origin", sa.String(length=32), nullable=True),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("partner_id", ID, nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("candidates", DOCUMENT, nullable=False),
        sa.Column("path", DOCUMENT, nullable=False),
        sa.CheckConstraint("(outcome = 'offered') = (partner_id IS NOT NULL)", name=op.f("ck_decision_partner")),
        sa.CheckConstraint("outcome IN ('offered', 'pooled', 'queued')", name=op.f("ck_decision_outcome")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_decision_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_assignment_id", ["assignment_id"], unique=False)
        batch_op.create_index("ix_decision_lead_id_decided_at", ["lead_id", "decided_at"], unique=False)

    op.create_table(
        "lead_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=True),
        sa.Column("partner_id", ID, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "kind IN ('received', 'enquired_again', 'offered', 'accepted', 'claimed', 'declined', 'expired', 'recalled', 'closed', 'pooled', 'queued', 'disqualified', 'nurture', 'reopened', 'merged')",
            name=op.f("ck_lead_event_kind"),
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_event_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_event")),
    )
    with op.batch_alter_table("lead_event", schema=None) as batch_op:
        batch_op.create_index("ix_lead_event_lead_id_at", ["lead_id", "at"], unique=False)

    op.create_table(
        "mail",
        sa.Column("id", ID, nullable=False),
        sa.Column("outbox_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("message_id", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'kept', 'undeliverable')", name=op.f("ck_mail_state")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_mail_outbox_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_mail_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
        sa.UniqueConstraint("outbox_id", "user_id", name=op.f("uq_mail_outbox_id_user_id")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index("ix_mail_user_id", ["user_id"], unique=False)
        batch_op.create_index(
            "ix_mail_waiting",
            ["not_before"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "portfolio",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_portfolio_partner_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_portfolio_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolio")),
        sa.UniqueConstraint("user_id", "partner_id", name=op.f("uq_portfolio_user_id_partner_id")),
    )
    op.create_table(
        "user_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_user_token_secret_hash")),
    )
    with op.batch_alter_table("user_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "activity",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("next_step_at", INSTANT, nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "kind IN ('call', 'email', 'meeting', 'demo', 'message', 'note')", name=op.f("ck_activity_kind")
        ),
        sa.CheckConstraint(
            "outcome IN ('reached', 'no_answer', 'left_message', 'replied', 'bounced', 'other')",
            name=op.f("ck_activity_outcome"),
        ),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_activity_assignment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index("ix_activity_assignment_id_recorded_at", ["assignment_id", "recorded_at"], unique=False)
        batch_op.create_index("ix_activity_lead_id", ["lead_id"], unique=False)

    op.create_table(
        "deal",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("stage", WORD, nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("expected_close", sa.String(length=10), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("lost_reason", sa.String(length=200), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("(stage IN ('won', 'lost')) = (closed_at IS NOT NULL)", name=op.f("ck_deal_closed_at")),
        sa.CheckConstraint(
            "stage IN ('registered', 'qualified', 'proposal', 'negotiation', 'won', 'lost')", name=op.f("ck_deal_stage")
        ),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_deal_assignment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal")),
        sa.UniqueConstraint("assignment_id", name=op.f("uq_deal_assignment_id")),
    )
    with op.batch_alter_table("deal", schema=None) as batch_op:
        batch_op.create_index("ix_deal_lead_id", ["lead_id"], unique=False)
        batch_op.create_index("ix_deal_partner_id_stage", ["partner_id", "stage"], unique=False)

    op.create_table(
        "feedback",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("disposition", WORD, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("objections", DOCUMENT, nullable=False),
        sa.Column("competitor", sa.String(length=200), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "disposition IN ('working', 'won', 'lost', 'unqualified', 'nurture')", name=op.f("ck_feedback_disposition")
        ),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_feedback_rating")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_feedback_assignment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index("ix_feedback_assignment_id", ["assignment_id"], unique=False)
        batch_op.create_index("ix_feedback_lead_id", ["lead_id"], unique=False)

    op.create_table(
        "obligation",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("partner_id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("policy_id", ID, nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reassign", sa.Boolean(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("warn_at", INSTANT, nullable=True),
        sa.Column("warned_at", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("grace_until", INSTANT, nullable=False),
        sa.Column("met_at", INSTANT, nullable=True),
        sa.Column("breached_at", INSTANT, nullable=True),
        sa.Column("cured_at", INSTANT, nullable=True),
        sa.Column("waived_at", INSTANT, nullable=True),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("set_aside_at", INSTANT, nullable=True),
        sa.Column("set_aside_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'open' AND met_at IS NULL AND breached_at IS NULL AND waived_at IS NULL AND cancelled_at IS NULL) OR (state = 'met' AND met_at IS NOT NULL AND breached_at IS NULL) OR (state = 'breached' AND breached_at IS NOT NULL AND cured_at IS NULL) OR (state = 'cured' AND breached_at IS NOT NULL AND cured_at IS NOT NULL) OR (state = 'waived' AND waived_at IS NOT NULL) OR (state = 'cancelled' AND cancelled_at IS NOT NULL AND breached_at IS NULL)",
            name=op.f("ck_obligation_instants"),
        ),
        sa.CheckConstraint(
            "kind IN ('respond', 'first_contact', 'next_touch', 'feedback', 'update')", name=op.f("ck_obligation_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'met', 'breached', 'cured', 'waived', 'cancelled')", name=op.f("ck_obligation_state")
        ),
        sa.CheckConstraint("breached_at IS NULL OR breached_at = due_at", name=op.f("ck_obligation_breach_is_due")),
        sa.CheckConstraint("grace_until >= due_at AND due_at >= opened_at", name=op.f("ck_obligation_order")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_obligation_assignment_id")),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name=op.f("fk_obligation_policy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
    )
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.create_index("ix_obligation_assignment_id", ["assignment_id"], unique=False)
        batch_op.create_index(
            "ix_obligation_open",
            ["grace_until", "partner_id"],
            unique=False,
            postgresql_where=sa.text("state = 'open' AND set_aside_at IS NULL"),
            sqlite_where=sa.text("state = 'open' AND set_aside_at IS NULL"),
        )
        batch_op.create_index(
            "ix_obligation_owed",
            ["partner_id", "due_at"],
            unique=False,
            postgresql_where=sa.text("state IN ('open', 'breached')"),
            sqlite_where=sa.text("state IN ('open', 'breached')"),
        )
        batch_op.create_index("ix_obligation_partner_id_due_at", ["partner_id", "due_at"], unique=False)
        batch_op.create_index(
            "ix_obligation_warn",
            ["warn_at"],
            unique=False,
            postgresql_where=sa.text("state = 'open' AND warned_at IS NULL"),
            sqlite_where=sa.text("state = 'open' AND warned_at IS NULL"),
        )

    guard_for_ever("audit")
    guard_for_ever("audit_seal")
    first_rows()


def guard_for_ever(table: str) -> None:
    """Refuse UPDATE and DELETE on ``table`` in the database itself."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(SQLITE_GUARD.format(table=table, verb=verb))
    else:
        op.execute(POSTGRESQL_GUARD.format(table=table))


def first_rows() -> None:
    """The default policy, published, and the one row that says what is live."""
    now = datetime.now(UTC)
    policy = sa.table(
        "policy",
        *(sa.column(name) for name in ("id", "number", "state", "note")),
        sa.column("body", DOCUMENT),
        *(sa.column(name, INSTANT) for name in ("created_at", "published_at", "effective_from")),
    )
    op.bulk_insert(
        policy,
        [
            {
                "id": str(uuid.uuid4()),
                "number": 1,
                "state": "published",
                "note": "The default policy.",
                "body": json.loads(json.dumps(DEFAULT_POLICY)),
                "created_at": now,
                "published_at": now,
                "effective_from": EVER,
            }
        ],
    )
    live = sa.table("live", sa.column("id"), sa.column("revision"), sa.column("changed_at", INSTANT))
    op.bulk_insert(live, [{"id": 1, "revision": str(uuid.uuid4()), "changed_at": now}])


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        for table in ("audit", "audit_seal"):
            op.execute(f"DROP FUNCTION {table}_never_changes CASCADE")
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_obligation_warn",
            postgresql_where=sa.text("state = 'open' AND warned_at IS NULL"),
            sqlite_where=sa.text("state = 'open' AND warned_at IS NULL"),
        )
        batch_op.drop_index("ix_obligation_partner_id_due_at")
        batch_op.drop_index(
            "ix_obligation_owed",
            postgresql_where=sa.text("state IN ('open', 'breached')"),
            sqlite_where=sa.text("state IN ('open', 'breached')"),
        )
        batch_op.drop_index(
            "ix_obligation_open",
            postgresql_where=sa.text("state = 'open' AND set_aside_at IS NULL"),
            sqlite_where=sa.text("state = 'open' AND set_aside_at IS NULL"),
        )
        batch_op.drop_index("ix_obligation_assignment_id")

    op.drop_table("obligation")
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index("ix_feedback_lead_id")
        batch_op.drop_index("ix_feedback_assignment_id")

    op.drop_table("feedback")
    with op.batch_alter_table("deal", schema=None) as batch_op:
        batch_op.drop_index("ix_deal_partner_id_stage")
        batch_op.drop_index("ix_deal_lead_id")

    op.drop_table("deal")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index("ix_activity_lead_id")
        batch_op.drop_index("ix_activity_assignment_id_recorded_at")

    op.drop_table("activity")
    with op.batch_alter_table("user_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_token_user_id"))

    op.drop_table("user_token")
    op.drop_table("portfolio")
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_mail_waiting", postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'")
        )
        batch_op.drop_index("ix_mail_user_id")

    op.drop_table("mail")
    with op.batch_alter_table("lead_event", schema=None) as batch_op:
        batch_op.drop_index("ix_lead_event_lead_id_at")

    op.drop_table("lead_event")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_lead_id_decided_at")
        batch_op.drop_index("ix_decision_assignment_id")

    op.drop_table("decision")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_assignment_live",
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
            sqlite_where=sa.text("state IN ('offered', 'accepted')"),
        )
        batch_op.drop_index("ix_assignment_partner_id_state")
        batch_op.drop_index("ix_assignment_partner_id_offered_at")
        batch_op.drop_index("ix_assignment_lead_id")

    op.drop_table("assignment")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_account_partner_id"))

    op.drop_table("user_account")
    with op.batch_alter_table("partner_version", schema=None) as batch_op:
        batch_op.drop_index("ix_partner_version_partner_id_valid_from")

    op.drop_table("partner_version")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_entry_partner_id_at")

    op.drop_table("ledger_entry")
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_lead_waiting",
            postgresql_where=sa.text("status = 'unallocated'"),
            sqlite_where=sa.text("status = 'unallocated'"),
        )
        batch_op.drop_index("ix_lead_status_id")
        batch_op.drop_index("ix_lead_received_at")
        batch_op.drop_index(
            "ix_lead_pool_until",
            postgresql_where=sa.text("status = 'pooled'"),
            sqlite_where=sa.text("status = 'pooled'"),
        )
        batch_op.drop_index("ix_lead_phone_norm")
        batch_op.drop_index("ix_lead_email_norm")
        batch_op.drop_index(batch_op.f("ix_lead_duplicate_of"))
        batch_op.drop_index("ix_lead_company_domain")
        batch_op.drop_index(batch_op.f("ix_lead_campaign_id"))

    op.drop_table("lead")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index("ix_api_key_partner_id")

    op.drop_table("api_key")
    op.drop_table("sweep_problem")
    with op.batch_alter_table("rule_version", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rule_version_live",
            postgresql_where=sa.text("state = 'published'"),
            sqlite_where=sa.text("state = 'published'"),
        )

    op.drop_table("rule_version")
    op.drop_table("rotation")
    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.drop_index("ix_policy_effective_from")

    op.drop_table("policy")
    with op.batch_alter_table("partner", schema=None) as batch_op:
        batch_op.drop_index("ix_partner_standing_next_at")
        batch_op.drop_index("ix_partner_freed_at")

    op.drop_table("partner")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_pending",
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index("ix_outbox_partner_id_created_at")

    op.drop_table("outbox")
    op.drop_table("live")
    op.drop_table("lease")
    op.drop_table("lead_definition")
    op.drop_table("idempotent_answer")
    op.drop_table("campaign")
    op.drop_table("audit_seal")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_object")
        batch_op.drop_index("ix_audit_at")

    op.drop_table("audit")
