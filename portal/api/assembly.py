"""Puts the API on the app: its calls, its documentation, its problem documents, and the health checks."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import Flask
from flask_limiter import Limiter
from limits import parse

from portal.api import assignments, audit, docs, leads, obligations, openapi, partners, problems, versions
from portal.api.call import blueprint
from portal.api.health import health
from portal.api.keys import counted_as
from portal.config import ConfigError, Settings

#: Each declares its calls when it is imported.
VIEWS = (leads, assignments, partners, obligations, versions, audit, openapi, docs)


def register(app: Flask, settings: Settings) -> None:
    """Attach the API; after the screens, whose form protection does not concern keys. Raises ConfigError."""
    app.register_blueprint(blueprint)
    app.register_blueprint(health)
    problems.install(app)
    if protection := app.extensions.get("csrf"):
        protection.exempt(blueprint)
    if settings.rate_limit:
        app.extensions["fairlead_rate_limit"] = rate_limit(app, settings.rate_limit)


def rate_limit(app: Flask, rate: str) -> Callable[[], AbstractContextManager[object]]:
    """What each call enters: at most ``rate`` ("100 per minute") requests for each key, counted in this process.

    Raises ConfigError where ``rate`` says nothing.
    """
    try:
        parse(rate)
    except ValueError as error:
        raise ConfigError(f'FAIRLEAD_RATE_LIMIT must look like "100 per minute", not {rate!r}.') from error
    limiter = Limiter(counted_as, app=app, storage_uri="memory://", headers_enabled=False)
    return lambda: limiter.limit(rate, key_func=counted_as)
