"""Reading a JSON body strictly: one meaning for each text, and a sentence for each that has none."""

import json
import math
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from portal.api.problems import Problem
from portal.errors import Invalid

LARGEST = 1024 * 1024
DEEPEST = 40
#: What is still read of a body that is too large, so that the sender gets to read the answer.
DRAINED = 32 * 1024 * 1024
NUL = "This contains a NUL character: remove it."
HALF = "This contains half a character (a surrogate): remove it."


def read_object() -> dict[str, Any]:
    """The body as an object; an empty body is an empty object.

    1. At most 1 MB (413), as application/json (415), in UTF-8, one JSON value as RFC 8259 has it (400).
    2. No key twice, no NaN or Infinity, not nested more than 40 deep, no NUL and no half characters.
    Raises Problem, Invalid.
    """
    raw = _raw()
    if not raw.strip():
        return {}
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise Problem(415, "Send JSON, with the header Content-Type: application/json.")
    data = parse(raw)
    if not isinstance(data, dict):
        raise Invalid([("", "Send a JSON object: {…}.")])
    return data


def _raw() -> bytes:
    request.max_content_length = LARGEST
    if (request.content_length or 0) > LARGEST:
        _drain(request.content_length or 0)
        raise Problem(413, "A request may have at most 1 MB.", {"Connection": "close"})
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Problem(413, "A request may have at most 1 MB.", {"Connection": "close"}) from None
    except ClientDisconnected:
        raise Problem(400, "The request ended before its body did.") from None


def _drain(length: int) -> None:
    """Read a body and throw it away: closing on a sender who still sends would cost it our answer."""
    stream, left = request.environ["wsgi.input"], min(length, DRAINED)
    while left > 0 and (chunk := stream.read(min(left, 65536))):
        left -= len(chunk)


def parse(raw: bytes) -> Any:
    """``raw`` as one JSON value. Raises Problem (400) with the place, Invalid for a key given twice."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8: look at byte {error.start + 1}.") from None
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Problem(400, f"The JSON breaks off at line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise Problem(400, f"The JSON is nested too deep: at most {DEEPEST} levels.") from None
    except ValueError as error:
        raise Problem(400, f"The JSON holds a number that is too long: {error}.") from None
    check_texts(data)
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for key, value in pairs:
        if key in known:
            raise Invalid([(_printable(key), "This key is given twice: say which one is meant.")])
        known[key] = value
    return known


def _no_constant(name: str) -> NoReturn:
    raise Problem(400, f"{name} is not JSON: leave the field out instead.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Problem(400, f"{text[:40]} is too large a number.")
    return value


def check_texts(data: Any) -> None:
    """Refuse what no column can hold, wherever it hides: NUL, half characters. Raises Invalid, Problem."""
    errors: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise Problem(400, f"The JSON is nested too deep: at most {DEEPEST} levels.")
        if isinstance(value, str):
            errors += [(path, sentence) for sentence in [_unwelcome(value)] if sentence]
        elif isinstance(value, dict):
            errors += [(_joined(path, key), s) for key in value for s in [_unwelcome(key)] if s]
            waiting += [(_joined(path, key), item, depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(_joined(path, str(number)), item, depth + 1) for number, item in enumerate(value)]
    if errors:
        raise Invalid(sorted(errors))


def _joined(path: str, name: str) -> str:
    return ".".join(part for part in (path, _printable(name)) if part)


def _printable(name: str) -> str:
    return name[:80].encode("ascii", "backslashreplace").decode().replace("\0", "\\u0000")


def _unwelcome(text: str) -> str | None:
    if "\0" in text:
        return NUL
    return HALF if any("\ud800" <= character <= "\udfff" for character in text) else None
