"""Whether the process is up and can do its work, for load balancers, without a key; and figures for Prometheus."""

import hmac
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

import models
from models.base import db
from portal.api.edge import begin_reading, edge_now, session_of_request
from portal.api.problems import document
from portal.config import Settings

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


@health.get("/metrics")
def metrics() -> Response:
    """How the machinery is doing, for a scraper that sends the token of FAIRLEAD_METRICS; without one, nothing here."""
    settings: Settings = current_app.extensions["fairlead"]
    if settings.metrics in ("", "off"):
        return document(404, "Metrics are off: set FAIRLEAD_METRICS to a token.")
    if not _sent_token(settings.metrics):
        return document(401, "Send the token as a bearer token.", headers={"WWW-Authenticate": "Bearer"})
    try:
        return _measured(settings)
    except SQLAlchemyError:
        db.session.rollback()
        return document(503, "The database cannot be reached.")


def _sent_token(token: str) -> bool:
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode())


def _measured(settings: Settings) -> Response:
    # Few processes are ever asked for these; the others are spared what it takes to answer.
    from portal.jobs.broker import connect
    from portal.jobs.metrics import CONTENT_TYPE, exposition
    from portal.jobs.status import status

    session = session_of_request()
    begin_reading(session)
    redis = connect(settings.redis_url) if settings.redis_url else None
    try:
        found = status(session, redis, edge_now())
    finally:
        if redis is not None:
            redis.close()
    return Response(exposition(found), content_type=CONTENT_TYPE)


def _unready() -> str | None:
    session = session_of_request()
    begin_reading(session)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    wanted = set(ScriptDirectory.from_config(config).get_heads())
    have = set(MigrationContext.configure(session.connection()).get_current_heads())
    return None if have == wanted else "The database lacks migrations: run fairlead db upgrade."
