"""The only assembly point: ``create_app()`` puts the rooms together."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask

import models
from models.base import db
from models.session import configure_engine
from portal import config

ROOT = Path(__file__).resolve().parent


def create_app(settings: Mapping[str, object] | None = None) -> Flask:
    """An app from the environment, overridden by ``settings``; may be called many times in one process.

    Raises portal.config.ConfigError with one sentence where a setting cannot be used.
    """
    from portal.api import assembly as api
    from portal.cli import main as commands
    from portal.web import assembly as web

    app = core_app(settings)
    web.register(app, app.extensions["fairlead"])
    api.register(app, app.extensions["fairlead"])
    commands.register(app)
    return app


def core_app(settings: Mapping[str, object] | None = None) -> Flask:
    """The app without screens and API: what commands and the clock process need, in half the memory and time."""
    loaded = config.load(settings)
    app = Flask("fairlead", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(flask_config(loaded))
    app.extensions["fairlead"] = loaded
    connect_database(app)
    return app


def flask_config(settings: config.Settings) -> dict[str, object]:
    """What the libraries in use read from ``app.config``."""
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.database_url),
        # A token lives as long as its session: a page left open over lunch can still accept a lead.
        "WTF_CSRF_TIME_LIMIT": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.base_url.startswith("https://"),
        "MAX_CONTENT_LENGTH": 5 * 1024 * 1024,
        # A whole list of 20,000 values comes back as one field of a form.
        "MAX_FORM_MEMORY_SIZE": 5 * 1024 * 1024,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "TESTING": settings.testing,
    }


def engine_options(url: str) -> dict[str, object]:
    """Pool settings by database: enough connections for a process's threads."""
    if url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False}}
    return {"pool_size": 16, "max_overflow": 16}


def connect_database(app: Flask) -> None:
    """Bind the database and migrations to the app."""
    from flask_migrate import Migrate

    db.init_app(app)
    Migrate(app, db, directory=str(Path(models.__file__).parent / "migrations"), render_as_batch=True)
    with app.app_context():
        configure_engine(db.engine)
