"""Puts the API on the app: its calls, its documentation, its problem documents, and the health checks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import Flask
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse

from portal.api import (
    appeals,
    assignments,
    audit,
    docs,
    insight,
    leads,
    obligations,
    openapi,
    partners,
    problems,
    vendor,
    versions,
)
from portal.api.call import blueprint
from portal.api.health import health
from portal.api.keys import counted_as
from portal.config import ConfigError, Settings

#: Each declares its calls when it is imported.
VIEWS = (leads, assignments, partners, obligations, appeals, versions, vendor, insight, audit, openapi, docs)


def register(app: Flask, settings: Settings) -> None:
    """Attach the API; after the screens, whose form protection does not concern keys. Raises ConfigError."""
    app.register_blueprint(blueprint)
    app.register_blueprint(health)
    problems.install(app)
    if protection := app.extensions.get("csrf"):
        protection.exempt(blueprint)
    if settings.rate_limit:
        app.extensions["fairlead_rate_limit"] = rate_limit(app, settings.rate_limit)


def rate_limit(app: Flask, rate: str) -> Callable[[], AbstractContextManager[None]]:
    """What each call enters: at most ``rate`` ("100 per minute") requests a key, counted in this process.

    Raises ConfigError where ``rate`` says nothing.
    """
    try:
        every = parse(rate).get_expiry()
    except ValueError as error:
        raise ConfigError(f'FAIRLEAD_RATE_LIMIT must look like "100 per minute", not {rate!r}.') from error
    limiter = Limiter(counted_as, app=app, storage_uri="memory://", headers_enabled=False)

    @contextmanager
    def limited() -> Iterator[None]:
        try:
            with limiter.limit(rate, key_func=counted_as):
                yield
        except RateLimitExceeded:
            said = f"This installation takes {rate} from one key. Try again later."
            raise problems.Problem(429, said, {"Retry-After": str(every)}) from None

    return limited
