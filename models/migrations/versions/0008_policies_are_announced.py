"""A policy that is published for a later date is announced to partners by a notice of its own.

Revision: 0008, after 0007.
"""

from alembic import op

from models.migrations.words import add_words

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_words("outbox", "topic", "policy")


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE topic = 'policy'")
