"""Refusals and faults as pages that help. The API answers its own way, under its own prefix."""

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from models.base import db
from portal.errors import Conflict, Forbidden, Invalid, NotFound, Refusal

STATUS = {NotFound: 404, Forbidden: 403, Conflict: 409, Invalid: 422}
PAGES = (403, 404, 409, 413, 429)


def install(app: Flask) -> None:
    """Attach the error pages."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, stopped)
    app.register_error_handler(500, broken)


def refused(error: Refusal) -> ResponseReturnValue:
    """A service's refusal that no view answered itself."""
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    return page(status if status in PAGES else 409, str(error)), status


def stopped(error: HTTPException) -> ResponseReturnValue:
    """An HTTP error: the page for its status, or the nearest."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    return page(status if status in PAGES else 404 if status < 500 else 500, error.description or ""), status


def broken(error: Exception) -> ResponseReturnValue:
    """A fault of ours: nothing half-done is kept, nothing about it is told."""
    db.session.rollback()
    return page(500, ""), 500


def page(status: int, sentence: str) -> str:
    """The page of a status."""
    return render_template(f"errors/{status}.html", sentence=sentence, path=request.path)
