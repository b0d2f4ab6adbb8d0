"""Puts the screens on the app."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from portal.config import Settings
from portal.web import errors, frame, gate, quiet_log, shell, visitor
from portal.web.by_mail import by_mail
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
    quiet_log.install(app)
    for blueprint in screens():
        app.register_blueprint(blueprint)
    # Nobody is signed in there: the address itself is signed, and a mail program's one click brings no token.
    csrf.exempt(by_mail)


def screens() -> list:  # type: ignore[type-arg]
    """Every blueprint of the screens."""
    return [entry, by_mail, *PARTNER_SCREENS, *STAFF_SCREENS]
