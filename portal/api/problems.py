"""Refusals as problem documents (RFC 9457): one shape for everything that goes wrong under the prefix."""

import json
import logging
from collections.abc import Iterable

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from models.base import db
from portal.errors import Conflict, Forbidden, Invalid, NotFound, Refusal

PREFIX = "/api/v1"
MIMETYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be read",
    401: "A key is needed",
    403: "Not for this key",
    404: "Not found",
    405: "Not that way",
    408: "Too slow",
    409: "Not possible now",
    413: "Too large",
    415: "JSON is needed",
    422: "Something in it cannot be used",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not available now",
}
NOTHING = "There is nothing here by that name."
STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Invalid, 422),
)
log = logging.getLogger(__name__)

Errors = Iterable[tuple[str, str]]


class Problem(Exception):
    """A request that the edge itself refuses, before any room is asked."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def document(status: int, detail: str, errors: Errors = (), headers: dict[str, str] | None = None) -> Response:
    """One problem as ``{type, title, status, detail, errors?}``; ``errors`` are (dotted field, sentence)."""
    body: dict[str, object] = {
        "type": "about:blank", "title": TITLES.get(status, "The request was refused"), "status": status,
        "detail": detail,
    }  # fmt: skip
    if listed := [{"field": field, "message": message} for field, message in errors]:
        body["errors"] = listed
    return Response(json.dumps(body), status, mimetype=MIMETYPE, headers=headers)


def answer_to(error: Exception) -> Response:
    """The problem that tells of ``error``; what is no refusal is logged here and told to nobody."""
    if isinstance(error, Problem):
        return document(error.status, error.detail, headers=error.headers)
    if isinstance(error, Refusal):
        status = next(code for kind, code in STATUS if isinstance(error, kind))
        return document(status, str(error), error.errors if isinstance(error, Invalid) else ())
    if isinstance(error, HTTPException):
        return _of_http(error)
    log.error("A call of the API broke: %s %s", request.method, request.path, exc_info=error)
    if isinstance(error, OperationalError):
        return document(503, "The database cannot be reached just now. Try again in a moment.")
    return document(500, "This is our fault, not yours. Nothing half-done is kept; try again later.")


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    details = {
        404: NOTHING,
        405: "This address does not take that method.",
        413: "A request may have at most 1 MB.",
    }
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return document(status, details.get(status, error.description or "The request was refused."), headers=headers)


def is_ours(path: str) -> bool:
    """Whether an address is the API's, known there or not."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def misrouted() -> ResponseReturnValue | None:
    """An unknown address or method under the prefix; the pages of the screens are not for programs."""
    error = request.routing_exception
    if error is None or not is_ours(request.path) or (error.code or 500) < 400:
        return None
    db.session.rollback()
    return answer_to(error)


def install(app: Flask) -> None:
    """Answer misrouted requests under the prefix."""
    app.before_request(misrouted)
