"""Puts the screens on the app."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from portal.config import Settings
from portal.web import errors, frame, gate, shell, visitor
from portal.web.entry import entry
from portal.web.partner.screens import SCREENS as PARTNER_SCREENS
from portal.web.staff.screens import SCREENS as STAFF_SCREENS

csrf = CSRFProtect()


def register(app: Flask, settings: Settings) -> None:
    """Attach sign-in, gate, errors and every screen."""
    Bootstrap5(app)
    csrf.init_app(app)
    visitor.manager.init_app(app)
    gate.install(app, settings)
    shell.install(app)
    frame.install(app)
    errors.install(app)
    for blueprint in screens():
        app.register_blueprint(blueprint)


def screens() -> list:  # type: ignore[type-arg]
    """Every blueprint of the screens."""
    return [entry, *PARTNER_SCREENS, *STAFF_SCREENS]
