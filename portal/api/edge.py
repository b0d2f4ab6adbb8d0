"""What a call is handed at the edge: session, instant, actor; and how reading and acting begin."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from models.base import db
from models.session import read_only, unit
from portal.accounts.actor import Actor
from portal.api.kinds import instant_json
from portal.clock import utc_now
from portal.enforcement.acts import settled
from portal.enforcement.placing import place_freed
from portal.errors import Invalid, NotFound

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: pydantic's kinds of error in the words of the product; the braces are filled from the error's context.
SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no field of this name here.",
    "string_type": "Give a text.",
    "string_too_long": "Use at most {max_length:,} characters.",
    "string_too_short": "This is needed.",
    "int_type": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "int_parsing": "Give a whole number.",
    "bool_type": "Give true or false.",
    "greater_than_equal": "Give {ge:,} or more.",
    "less_than_equal": "Give {le:,} or less.",
    "enum": "Use one of {expected}.",
    "literal_error": "Use one of {expected}.",
    "list_type": "Give a list.",
    "too_long": "Give at most {max_length:,}.",
    "dict_type": "Give an object.",
    "model_type": "Give an object.",
    "model_attributes_type": "Give an object.",
}


def edge_now() -> datetime:
    """This instant, read once a request. The one place of the API that asks for the time."""
    return utc_now()


def begin_reading(session: Session) -> None:
    """Start a transaction that cannot write, unless one is open: every GET comes with one."""
    if not session.in_transaction():
        read_only(session)


def begin_asking(session: Session, *, writes: bool) -> None:
    """Start what a request asks before it acts: who calls, and whether what it names is there.

    Reading, so that asking cannot write. Before an act on PostgreSQL it is the act's own transaction, which saves
    going back and forth to end one and begin another; on SQLite that would lock out every writer while we ask.
    """
    if not writes or session.get_bind().dialect.name != "postgresql":
        begin_reading(session)


def end_asking(session: Session) -> None:
    """What was asked is known, and the act begins: what only reads ends here."""
    if session.in_transaction() and reads_only(session):
        session.rollback()


def reads_only(session: Session) -> bool:
    """Whether the open transaction was begun by ``read_only``."""
    return bool(session.connection().get_execution_options().get("fairlead_read"))


@dataclass
class Call:
    """One request: who calls, when, with which path, query and body. ``found`` is what the path names."""

    session: Session
    actor: Actor
    now: datetime
    path: dict[str, str] = field(default_factory=dict)
    query: Any = None
    body: Any = None
    found: Any = None
    #: What the answer shows (an id), kept with it so that access is checked before it is given again.
    shows: str | None = None
    #: Fields of the answer that are told once and kept nowhere.
    secrets: tuple[str, ...] = ()
    #: Keeps the answer in the transaction of the act, where the call does that itself.
    claim: Any = None

    def id(self, name: str) -> str:
        """An id from the path. One that cannot be an id names nothing: NotFound."""
        return known_form(self.path[name])

    def read(self) -> Session:
        """The session in a new transaction that only reads: for the answer after an act."""
        self.session.rollback()
        begin_reading(self.session)
        return self.session

    def write(self, work: Callable[[], T]) -> T:
        """``work`` as one committed unit of work."""
        return unit(self.session, work)

    def act(self, work: Callable[[], tuple[T, list[str]]]) -> T:
        """An act that may set leads free: what fell due is settled before it, the leads are placed after it."""
        result, freed = settled(self.session, self.now, work)
        place_freed(self.session, freed, self.now)
        return result


def known_form(object_id: str) -> str:
    """An id as it was given out. Anything else raises NotFound before a database is asked."""
    if not ID.fullmatch(object_id):
        raise NotFound
    return object_id


def checked(model: type[M], data: dict[str, Any]) -> M:
    """``data`` as ``model``. Raises Invalid with a sentence for each field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Invalid(sentences(error)) from None


def sentences(error: ValidationError) -> list[tuple[str, str]]:
    """(dotted field, sentence) for everything that pydantic found wrong."""
    found = error.errors(include_url=False, include_input=False)
    return [(_field(problem["loc"]), _sentence(problem)) for problem in found]


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:80] for part in location)


def _sentence(problem: Any) -> str:
    context = problem.get("ctx") or {}
    if problem["type"] == "value_error":
        return str(context["error"])
    sentence = SENTENCES.get(problem["type"])
    return sentence.format(**context).replace("'", "") if sentence else f"{problem['msg']}."


def session_of_request() -> Session:
    """The session of this request; Flask-SQLAlchemy removes it afterwards."""
    return db.session()


def dumps(body: Any) -> str:
    """JSON as the API writes it: instants in UTC with Z."""
    return json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_json(value)
    raise TypeError(f"The API does not write {type(value).__name__}.")
