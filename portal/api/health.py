"""Whether the process is up, and whether it can do its work: for load balancers, without a key."""

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

import models
from models.base import db
from portal.api.edge import begin_reading, session_of_request
from portal.api.problems import document

health = Blueprint("health", __name__)
MIGRATIONS = Path(models.__file__).parent / "migrations"


@health.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify(status="up")


@health.get("/readyz")
def ready() -> Response:
    """The database answers and has every migration; 503 with the reason where not."""
    try:
        reason = _unready()
    except SQLAlchemyError:
        db.session.rollback()
        reason = "The database cannot be reached."
    return document(503, reason) if reason else jsonify(status="ready")


def _unready() -> str | None:
    session = session_of_request()
    begin_reading(session)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    wanted = set(ScriptDirectory.from_config(config).get_heads())
    have = set(MigrationContext.configure(session.connection()).get_current_heads())
    return None if have == wanted else "The database lacks migrations: run fairlead db upgrade."
