"""The indexes of e-mail, phone and company hold the leads that have one.

Where most leads lack a phone, SQLite would otherwise take the index for useless and go through all of them.

Revision: 0011, after 0010.
"""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = ("email_norm", "phone_norm", "company_domain")


def upgrade() -> None:
    for column in COLUMNS:
        there = text(f"{column} IS NOT NULL")
        op.drop_index(f"ix_lead_{column}", "lead")
        op.create_index(f"ix_lead_{column}", "lead", [column], postgresql_where=there, sqlite_where=there)


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_index(f"ix_lead_{column}", "lead")
        op.create_index(f"ix_lead_{column}", "lead", [column])
