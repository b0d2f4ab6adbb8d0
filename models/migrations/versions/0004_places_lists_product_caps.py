"""Where postcodes lie, lists that rules name, caps by product, and the vendor's own hours.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "place",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("postcode", sa.String(length=16), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_place_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_place_longitude")),
        sa.PrimaryKeyConstraint("country", "postcode", name=op.f("pk_place")),
    )
    op.create_table(
        "named_list",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("items", DOCUMENT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by_name", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_list")),
        sa.UniqueConstraint("name", name=op.f("uq_named_list_name")),
    )
    op.create_table(
        "named_list_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("items", DOCUMENT, nullable=True),
        sa.Column("changed_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_list_version")),
    )
    op.create_index("ix_named_list_version_name_valid_from", "named_list_version", ["name", "valid_from"], unique=False)
    op.add_column("partner", sa.Column("postcode", sa.String(length=16), nullable=True))
    op.add_column("partner", sa.Column("product_caps", DOCUMENT, nullable=False, server_default="{}"))
    op.add_column("live", sa.Column("vendor", DOCUMENT, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("live", "vendor")
    op.drop_column("partner", "product_caps")
    op.drop_column("partner", "postcode")
    op.drop_index("ix_named_list_version_name_valid_from", "named_list_version")
    op.drop_table("named_list_version")
    op.drop_table("named_list")
    op.drop_table("place")
