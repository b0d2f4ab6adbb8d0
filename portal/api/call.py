"""A call of the API: declared once beside its view, from there routed, guarded and documented."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel

from portal.api import idempotency, problems
from portal.api.body import check_texts, read_object
from portal.api.edge import Call, begin_asking, checked, dumps, edge_now, end_asking, session_of_request
from portal.api.keys import caller
from portal.api.kinds import Sent
from portal.errors import Forbidden, Invalid, NotFound
from portal.vocabulary import Role

PARTNER = (Role.PARTNER_ADMIN, Role.PARTNER_REP)
MANAGERS = (Role.ADMIN, Role.CHANNEL_MANAGER)
STAFF = (Role.ADMIN, Role.CHANNEL_MANAGER, Role.MARKETER)
MARKETING = (Role.ADMIN, Role.MARKETER)
ADMIN = (Role.ADMIN,)
ADMINS = (Role.ADMIN, Role.PARTNER_ADMIN)
READERS = (*MANAGERS, *PARTNER)
ALL = (*STAFF, *PARTNER)

WHO = {
    PARTNER: "a partner's key", MANAGERS: "a manager's or an admin's key", STAFF: "a key of the vendor",
    MARKETING: "a marketer's or an admin's key", ADMIN: "an admin's key", ALL: "every key",
    READERS: "a manager's or an admin's key, or a partner's for itself",
    ADMINS: "an admin's key, or a partner's key for itself",
}  # fmt: skip

blueprint = Blueprint("api", __name__, url_prefix=problems.PREFIX)

View = Callable[[Call], tuple[int, Any]]
Finder = Callable[[Call], Any]


class NoQuery(Sent):
    """A call that takes no query parameters."""


class NoBody(Sent):
    """A call that takes no body, or an empty object."""


@dataclass(frozen=True)
class Operation:
    """What one call is: for the router, the guard and the documentation alike.

    ``find`` looks up what the path names, as the actor may see it, before anything else is asked.
    ``raw``: the body goes to the view as it came; a room's own check reads it, and ``body`` only documents.
    ``keeps_answer``: the view keeps an idempotent answer itself, in the transaction of its act.
    ``replay`` raises NotFound where the actor may no longer see what a kept answer shows.
    """

    name: str
    method: str
    path: str
    roles: tuple[Role, ...]
    view: View
    answers: dict[int, Any]
    summary: str
    description: str
    tag: str
    find: Finder | None = None
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] = NoBody
    raw: bool = False
    keeps_answer: bool = False
    replay: Callable[[Call, str], object] | None = None
    examples: dict[str, Any] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def takes_key(self) -> bool:
        return self.method == "POST"


OPERATIONS: list[Operation] = []


def call(
    method: str, path: str, roles: tuple[Role, ...], answers: dict[int, Any], *, tag: str, **more: Any
) -> Callable[[View], View]:
    """Declare a view as a call. Its docstring's first sentence is the summary, the rest the description."""

    def declare(view: View) -> View:
        summary, description = told(view.__doc__ or "")
        operation = Operation(view.__name__, method, path, roles, view, answers, summary, description, tag, **more)
        OPERATIONS.append(operation)
        blueprint.add_url_rule(
            path, operation.name, lambda **parts: respond(operation, parts), methods=[method],
            provide_automatic_options=False,
        )  # fmt: skip
        return view

    return declare


def told(text: str) -> tuple[str, str]:
    """A docstring's first sentence, and the rest with its lines joined, paragraphs kept."""
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    summary, _, more = paragraphs[0].partition(". ")
    return summary.rstrip("."), "\n\n".join(part for part in (more, *paragraphs[1:]) if part)


def respond(operation: Operation, path: dict[str, str]) -> Response:
    """Answer one request; whatever goes wrong becomes a problem document and leaves nothing half-done."""
    session = session_of_request()
    try:
        with rate_limit():
            begin_asking(session, writes=operation.writes)
            return _answer(operation, Call(session, caller(session), edge_now(), path))
    except Exception as error:
        session.rollback()
        return problems.answer_to(error)


def rate_limit() -> Any:
    """The installation's limit for one key, where it set one."""
    from contextlib import nullcontext

    limiter = current_app.extensions.get("fairlead_rate_limit")
    return limiter() if limiter else nullcontext()


def _answer(operation: Operation, this: Call) -> Response:
    """Guard one call, then let its view act.

    1. What the path names must be there for this actor (404). 2. Its role must allow the call (403).
    3. Query and body must be as declared (400, 413, 415, 422). 4. The view acts once for each Idempotency-Key.
    """
    if operation.find is not None:
        this.found = operation.find(this)
    if this.actor.role not in operation.roles:
        raise Forbidden(f"This call needs {WHO[operation.roles]}.")
    this.query = checked(operation.query, query_of_request())
    if not operation.writes:
        return reply(*operation.view(this))
    sent = read_object()
    this.body = sent if operation.raw else checked(operation.body, sent)
    if not operation.takes_key:
        end_asking(this.session)
        return reply(*operation.view(this))
    return _once(operation, this, sent)


def _once(operation: Operation, this: Call, sent: dict[str, Any]) -> Response:
    key = idempotency.key_of_request()
    if key is None:
        end_asking(this.session)
        return reply(*operation.view(this))
    print_ = idempotency.fingerprint(operation.method, request.path, sent)
    claim = idempotency.Claim(this, key, print_, operation.replay, within=operation.keeps_answer)
    try:
        claim.begin()
        return reply(*_kept(operation, this, claim))
    except idempotency.Replayed as earlier:
        this.session.rollback()
        headers = {"Idempotency-Replayed": "true"}
        return Response(earlier.body, earlier.status, mimetype="application/json", headers=headers)


def _kept(operation: Operation, this: Call, claim: idempotency.Claim) -> tuple[int, Any]:
    try:
        status, body = operation.view(this)
    except Exception:
        claim.give_up()
        raise
    claim.keep(status, body)
    return status, body


def query_of_request() -> dict[str, Any]:
    """The query parameters; one without a value counts as not given. Raises Invalid for one given twice."""
    given = dict(request.args.lists())
    twice = [(name[:80], "Give this once.") for name, values in given.items() if len(values) > 1]
    if twice:
        raise Invalid(twice)
    query = {name: values[0] for name, values in given.items() if values[0] != ""}
    check_texts(query)
    return query


def reply(status: int, body: Any) -> Response:
    """The answer as JSON."""
    return Response(dumps(body), status, mimetype="application/json")


def hidden_from_others(roles: tuple[Role, ...]) -> Finder:
    """A finder for what does not exist for other roles at all: NotFound for them."""

    def find(this: Call) -> None:
        if this.actor.role not in roles:
            raise NotFound

    return find
