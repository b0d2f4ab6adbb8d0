"""Pages of a list: keyset cursors, signed, so that one that was not given out here is told so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BeforeValidator, Field, WithJsonSchema
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.api.kinds import Sent
from portal.errors import Invalid

T = TypeVar("T")
MOST = 200
USUAL = 50
BROKEN = "This cursor was not given out here. Leave it out to begin at the start."


def _limit(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MOST):
        raise ValueError(f"Give a whole number from 1 to {MOST}.")
    return int(text)


class Page(Sent):
    """Which part of a list."""

    limit: Annotated[
        int, BeforeValidator(_limit), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST})
    ] = Field(USUAL, description="How many at most.")
    cursor: str | None = Field(None, max_length=1000, description="The answer's next: where the page before ended.")


def _signer(name: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=f"cursor:{name}")


def seal(name: str, keys: Sequence[Any]) -> str:
    """A cursor that continues after ``keys``, for the list of that name."""
    return str(_signer(name).dumps([[key.isoformat()] if isinstance(key, datetime) else key for key in keys]))


def opened(name: str, cursor: str) -> list[Any]:
    """The keys of a cursor. Raises Invalid where it was not given out for this list."""
    try:
        keys = _signer(name).loads(cursor)
    except BadSignature:
        raise Invalid([("cursor", BROKEN)]) from None
    return [datetime.fromisoformat(key[0]) if isinstance(key, list) else key for key in keys]


def page(
    session: Session, query: Select[T], columns: Sequence[InstrumentedAttribute[Any]], which: Page, *,
    name: str, newest_first: bool = False,
) -> tuple[Sequence[T], str | None]:  # fmt: skip
    """One page of ``query`` in the order of ``columns`` (the last one unique), and the cursor of the next."""
    if which.cursor is not None:
        query = query.where(_after(columns, opened(name, which.cursor), newest_first))
    ordered = query.order_by(*(column.desc() if newest_first else column for column in columns))
    rows = session.scalars(ordered.limit(which.limit + 1)).all()
    if len(rows) <= which.limit:
        return rows, None
    last = rows[which.limit - 1]
    return rows[: which.limit], seal(name, [getattr(last, column.key) for column in columns])


def _after(columns: Sequence[InstrumentedAttribute[Any]], keys: list[Any], newest_first: bool) -> Any:
    """Rows beyond ``keys``: the first column further on, or equal and the next one further on."""
    steps = []
    for place, (column, key) in enumerate(zip(columns, keys, strict=True)):
        same = [before == value for before, value in zip(columns[:place], keys, strict=False)]
        steps.append(and_(*same, column < key if newest_first else column > key))
    return or_(*steps)
