"""The migrations lead to one place, and that place is what the models say."""

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from tests.support.sources import ROOT

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MIGRATIONS = ROOT / "models" / "migrations"


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(MIGRATIONS).get_heads()) == 1


def test_the_migrated_schema_is_the_models(session: "Session") -> None:
    from models.base import db

    context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
    assert compare_metadata(context, db.metadata) == []


@pytest.mark.parametrize("table", ["alembic_version", "policy"])
def test_the_first_rows_are_there(session: "Session", table: str) -> None:
    """What the migrations write (the default policy, for one) is there for every test."""
    assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() >= 1
