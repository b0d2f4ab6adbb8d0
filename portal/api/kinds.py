"""The kinds of value that requests are made of, each with the sentence for what is none."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import pycountry
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from portal.intake.normalise import clean_block, clean_line

#: RFC 3339, with the offset that makes it an instant.
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)")
AMOUNT = re.compile(r"\d{1,15}(\.\d{1,2})?")
NOT_AN_INSTANT = "Give an instant with its offset, such as 2026-03-09T16:30:00Z."
NOT_A_DAY = "Give a day as YYYY-MM-DD, such as 2026-03-31."


class Sent(BaseModel):
    """What callers send: nothing unknown, nothing coerced from another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


def instant_of(value: Any) -> datetime:
    """An instant in UTC from ISO 8601 text with an offset. Raises ValueError with the sentence."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        raise ValueError(NOT_AN_INSTANT)
    try:
        return datetime.fromisoformat(value.upper().replace(",", ".")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(NOT_AN_INSTANT) from None


def day_of(value: Any) -> str:
    """A day that exists, as YYYY-MM-DD. Raises ValueError with the sentence."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise ValueError(NOT_A_DAY)


def _start(value: Any) -> datetime:
    return _edge(value, timedelta(0))


def _end(value: Any) -> datetime:
    return _edge(value, timedelta(days=1))


def _edge(value: Any, of_day: timedelta) -> datetime:
    """An end of a period: an instant, or a whole day in UTC. An offset's "+" often arrives as a space."""
    if isinstance(value, str) and len(value) == 10:
        try:
            return datetime.fromisoformat(day_of(value)).replace(tzinfo=UTC) + of_day
        except OverflowError:
            raise ValueError(NOT_A_DAY) from None
    return instant_of(re.sub(r" (\d\d:?\d\d)$", r"+\1", value) if isinstance(value, str) else value)


def _amount(value: Any) -> str:
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise ValueError('Give the amount as text with at most two decimals, such as "1200.00".')
    return value


@cache
def _currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


def _currency(value: Any) -> str:
    if not isinstance(value, str) or value not in _currencies():
        raise ValueError("Give the currency by its three letters (ISO 4217), such as EUR.")
    return value


Line = Annotated[str, Field(max_length=200), AfterValidator(clean_line)]
Block = Annotated[str, Field(max_length=10_000), AfterValidator(clean_block)]
Reason = Annotated[
    str, Field(min_length=1, max_length=200, examples=["Agreed on the phone"]), AfterValidator(clean_line)
]
Id = Annotated[str, Field(min_length=1, max_length=36, examples=["01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"])]
Whole = StrictInt
Yes = StrictBool
Instant = Annotated[
    datetime, BeforeValidator(instant_of),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-09T16:30:00Z"]}),
]  # fmt: skip
Day = Annotated[
    str,
    BeforeValidator(day_of),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-03-31"]}),
]
EDGE = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
    "examples": ["2026-03-01"],
}
From = Annotated[datetime, BeforeValidator(_start), WithJsonSchema(EDGE)]
To = Annotated[datetime, BeforeValidator(_end), WithJsonSchema(EDGE)]


class Money(Sent):
    """An amount in hundredths at the finest, and its currency (ISO 4217)."""

    amount: Annotated[
        str, BeforeValidator(_amount),
        WithJsonSchema({"type": "string", "pattern": r"^\d{1,15}(\.\d{1,2})?$", "examples": ["1200.00"]}),
    ]  # fmt: skip
    currency: Annotated[
        str, BeforeValidator(_currency),
        WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]}),
    ]  # fmt: skip

    @property
    def cents(self) -> int:
        """Hundredths of the currency's unit."""
        return int(Decimal(self.amount) * 100)


def money_json(cents: int, currency: str) -> dict[str, str]:
    """An amount in hundredths as the API writes it."""
    return {"amount": f"{cents // 100}.{cents % 100:02d}", "currency": currency}


def instant_json(at: datetime | None) -> str | None:
    """An instant in UTC with ``Z``; a fraction of a second only where there is one."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
