"""Rules, policies and definitions as a person writes them: JSON in a text field, refused with sentences."""

import json
from collections.abc import Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import StringField, SubmitField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.errors import Invalid

LONGEST = 200_000
NOTE = 200
UNUSABLE = "This JSON cannot be used: it is nested too deep, or has NaN, Infinity or half a character."


class DocumentForm(FlaskForm):  # type: ignore[misc]
    """A document as text, and why it is changed. ``check`` is pressed to look, ``keep`` to store."""

    text = TextAreaField(
        "Document",
        [InputRequired("Write the document as JSON."), Length(max=LONGEST, message="Use at most 200,000 characters.")],
    )
    note = StringField("What changes, and why", [Length(max=NOTE, message=f"Use at most {NOTE} characters.")])
    check = SubmitField("Check")
    keep = SubmitField("Save draft")


def as_text(body: Any) -> str:
    """A stored document as it is edited."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def from_text(text: str | None) -> Any:
    """The document that was typed. Raises Invalid with the line where it stops being JSON."""
    try:
        found = json.loads(text or "", parse_constant=_refuse)
        written = json.dumps(found, ensure_ascii=False)
        written.encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Invalid([("text", f"This is not JSON: {error.msg.lower()} at {where}.")]) from error
    except (ValueError, RecursionError) as error:
        raise Invalid([("text", UNUSABLE)]) from error
    if "\\u0000" in written:
        raise Invalid([("text", "Take the character NUL out: it cannot be stored.")])
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def refusals(errors: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Refusals for the error summary: each leads to the text field, and says where in the document."""
    return [("text", f"{path}: {sentence}" if path not in ("", "text") else sentence) for path, sentence in errors]
