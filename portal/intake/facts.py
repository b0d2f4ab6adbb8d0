"""The fields of a lead and their limits, each for itself; the shape that the API shows (pure)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from portal.intake.normalise import clean_block, clean_line, country_code, email_norm, language_tag

LONGEST_TEXT = 200
LONGEST_MESSAGE = 10_000
LONGEST_CUSTOM_NAME = 64
MOST_CUSTOM = 50
MOST_EMPLOYEES = 1_000_000_000
LARGEST_NUMBER = 1_000_000_000_000_000

NO_EMAIL = "This is not an e-mail address, such as anna@example.com."
NO_INSTANT = "Give the time in ISO 8601 with its offset from UTC, such as 2026-03-02T10:15:00Z."
NO_COUNT = f"This must be a whole number from 0 to {MOST_EMPLOYEES:,}."
NO_BUDGET = f"This must be a number from 0 to {LARGEST_NUMBER:,}."
#: What pydantic finds by itself, in our words; ``{max_length}`` is filled in.
SENTENCES = {
    "extra_forbidden": "There is no field of this name.",
    "string_type": "This must be text.",
    "string_too_long": "This is too long: {max_length:,} characters at most.",
    "string_too_short": "A custom field needs a name.",
    "dict_type": "This must be an object of names and values.",
    "string_unicode": "A field's name contains half a character (a surrogate): remove it.",
    "model_type": "A lead must be an object of fields and values.",
    "too_long": "There are too many custom fields: {max_length} at most.",
}


Scalar = str | int | float | bool | None
Errors = list[tuple[str, str]]


def _line(value: object) -> object:
    return (clean_line(value) or None) if isinstance(value, str) else value


def _block(value: object) -> object:
    return (clean_block(value) or None) if isinstance(value, str) else value


def _email(value: object) -> object:
    text = _line(value)
    if isinstance(text, str) and email_norm(text) is None:
        raise ValueError(NO_EMAIL)
    return text


def _country(value: object, info: ValidationInfo) -> object:
    """Alpha-2, unless the validation context says ``country_names``: then whatever ``country_code`` knows."""
    names = bool(info.context and info.context.get("country_names"))
    text = _line(value)
    return country_code(text, strict=not names) if isinstance(text, str) else text


def _language(value: object) -> object:
    text = _line(value)
    return language_tag(text) if isinstance(text, str) else text


def _instant(value: object) -> object:
    """An aware datetime; whether it may lie in the future is ``check_received_at``'s question."""
    text = _line(value)
    if text is None:
        return None
    try:
        found = text if isinstance(text, datetime) else datetime.fromisoformat(str(text).upper())
    except ValueError:
        raise ValueError(NO_INSTANT) from None
    if found.utcoffset() is None:
        raise ValueError(NO_INSTANT)
    return found


def _count(value: object) -> object:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_EMPLOYEES:
        raise ValueError(NO_COUNT)
    if value != int(value):
        raise ValueError(NO_COUNT)
    return int(value)


def _budget(value: object) -> object:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError(NO_BUDGET)
    return float(value)


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return clean_line(value)
    if isinstance(value, int | float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise ValueError(f"This must be a number from -{LARGEST_NUMBER:,} to {LARGEST_NUMBER:,}.")
    if value is None or isinstance(value, int | float):
        return value
    raise ValueError("This must be text, a number, true, false or null.")


def _name(value: object) -> object:
    return clean_line(value) if isinstance(value, str) else value


def _one_name_each(value: object) -> object:
    """Names that are the same once cleaned would overwrite one another. None is the same as nothing."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        names = [clean_line(name) for name in value if isinstance(name, str)]
        if len(names) != len(set(names)):
            raise ValueError("Two custom fields have the same name.")
    return value


Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Line = Annotated[Text | None, BeforeValidator(_line)]
Block = Annotated[Annotated[str, Field(max_length=LONGEST_MESSAGE)] | None, BeforeValidator(_block)]
CustomName = Annotated[str, Field(min_length=1, max_length=LONGEST_CUSTOM_NAME), BeforeValidator(_name)]
CustomValue = Annotated[Text | bool | int | float | None, BeforeValidator(_scalar)]


# Every field alone; portal.intake.policy adds what takes several fields, or the time.
class LeadFactsIn(BaseModel):
    """One enquiry as it is sent. A contact is needed: an e-mail address or a phone number."""

    model_config = ConfigDict(extra="forbid", strict=True, title="LeadFacts")

    email: Annotated[str | None, BeforeValidator(_email)] = Field(None, description="This or a phone.")
    phone: Line = Field(None, description="A bad number beside an e-mail address is kept and flagged.")
    first_name: Line = None
    last_name: Line = None
    company: Line = None
    country: Annotated[str | None, BeforeValidator(_country)] = Field(None, description="ISO 3166 alpha-2.")
    region: Line = None
    postcode: Line = None
    city: Line = None
    product: Line = None
    source: Line = None
    campaign: Line = Field(None, description="Its name; one that nobody knows is created.")
    message: Block = None
    employees: Annotated[int | None, BeforeValidator(_count)] = Field(None, ge=0, le=MOST_EMPLOYEES)
    budget: Annotated[float | None, BeforeValidator(_budget)] = Field(None, ge=0, le=LARGEST_NUMBER)
    language: Annotated[Text | None, BeforeValidator(_language)] = Field(None, description="BCP 47.")
    received_at: Annotated[datetime | None, BeforeValidator(_instant)] = Field(
        None, description="ISO 8601 with offset; the time of the request where left out."
    )
    external_id: Line = Field(None, description="Your own id: the same one again stores nothing.")
    utm_source: Line = None
    utm_medium: Line = None
    utm_campaign: Line = None
    utm_term: Line = None
    utm_content: Line = None
    custom: Annotated[dict[CustomName, CustomValue], BeforeValidator(_one_name_each)] = Field(
        default_factory=dict, max_length=MOST_CUSTOM
    )


#: Every field of a lead, in the order of the contract.
FIELDS = tuple(LeadFactsIn.model_fields)


def sentences(error: ValidationError) -> Errors:
    """What pydantic found wrong, as (dotted path, sentence) in our words."""
    return [
        (_path(problem["loc"]), _sentence(problem)) for problem in error.errors(include_url=False, include_input=False)
    ]


def _path(loc: tuple[int | str, ...]) -> str:
    """Names come from the sender: they are cut, and what cannot be written is replaced."""
    path = ".".join(str(part) for part in loc[:2])
    return path[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _sentence(problem: ErrorDetails) -> str:
    found = problem.get("ctx", {})
    if problem["type"] == "value_error":
        return str(found["error"])
    sentence = SENTENCES.get(problem["type"])
    return sentence.format(**found) if sentence else f"{problem['msg']}."
