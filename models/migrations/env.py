"""Runs the migrations on the app's own engine, one transaction for all of them."""

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


def run() -> None:
    """Bring the connected database to the asked-for revision."""
    with database.engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=database.metadata, render_as_batch=True, compare_type=True
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database: set FAIRLEAD_DATABASE_URL and use fairlead db upgrade.")
run()
