"""Addresses that let somebody in are written to no log: the secret is taken out of every line."""

import logging
import re

from flask import Flask

SECRET_PATH = re.compile(r"(/(?:by-mail|invitation|new-password|unsubscribe/[a-z_]+)/)[A-Za-z0-9_\-.~%]+")
#: Who writes the address of a request into a line: the app where something breaks, and the servers before it.
WRITERS = ("gunicorn.error", "gunicorn.access", "werkzeug")


def without_secrets(text: str) -> str:
    """``text`` with what follows such an address's fixed part left out."""
    return SECRET_PATH.sub(r"\1…", text)


class WithoutSecrets(logging.Filter):
    """Rewrites a line before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (quiet := without_secrets(said)) != said:
            record.msg, record.args = quiet, ()
        return True


def install(app: Flask) -> None:
    """Put the filter before everything that writes addresses."""
    for logger in (app.logger, *map(logging.getLogger, WRITERS)):
        if not any(isinstance(known, WithoutSecrets) for known in logger.filters):
            logger.addFilter(WithoutSecrets())
