"""The API in OpenAPI 3.1, made from the same declarations that route and guard its calls."""

import re
from functools import cache
from typing import Any

from flask import Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from portal.api import answers, examples
from portal.api.call import OPERATIONS, WHO, NoBody, NoQuery, Operation, blueprint, reply
from portal.api.problems import MIMETYPE, PREFIX, TITLES

REFS = "#/components/schemas/{model}"
INTRODUCTION = """JSON in and out. Instants are ISO 8601 in UTC with `Z`. Ids are opaque.
Money is `{"amount": "1200.00", "currency": "EUR"}`. What a key may not see answers 404, the same as what does not
exist.

Lists are `{"items": [...], "next": cursor or null}`, with `limit` (at most 200, usually 50) and `cursor`.

Every refusal is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, and `errors` with
a field and a sentence for each field that cannot be used. Unknown fields and query parameters are refused.

Every POST takes an `Idempotency-Key`: the same key with the same body gives the first answer again (with the
header `Idempotency-Replayed: true`); with another body it is refused (422), and while the first request still
runs (409). Only answers that did something (2xx) are kept: after a refusal the same key may be tried again."""

TAGS = (
    "Leads", "Assignments", "Deals", "Partners", "Obligations", "Appeals", "People and keys", "Rules", "Policies",
    "Reports", "Audit",
)  # fmt: skip
REFUSALS = {
    400: "The JSON cannot be read; the place is named.",
    401: "No key, or one that is unknown or revoked.",
    403: "The key's role does not allow this call.",
    404: "Not there, or not for this key: the two are never told apart.",
    409: "The state of things rules it out now; the sentence says why.",
    413: "More than 1 MB.",
    415: "Not application/json.",
    422: "A field, a parameter or the Idempotency-Key cannot be used; each is named.",
    429: "More requests than the installation allows.",
    500: "A fault here; nothing half-done is kept.",
    503: "The database cannot be reached.",
}


@cache
def description() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fairlead", "version": "1", "summary": "The partner lead portal's API.",
                 "description": INTRODUCTION},
        "servers": [{"url": PREFIX}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in TAGS],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of Fairlead."}},
            "schemas": _schemas(),
            "responses": {str(code): _refusal(code) for code in REFUSALS},
            "parameters": {"IdempotencyKey": IDEMPOTENCY},
        },
    }  # fmt: skip


IDEMPOTENCY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "1 to 255 visible characters; a new one for each request that is not a repetition.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
}  # fmt: skip


def _refusal(code: int) -> dict[str, Any]:
    title = TITLES[code]
    example: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": code,
        "detail": REFUSALS[code],
    }
    if code == 422:
        example["errors"] = [{"field": "email", "message": "Give an e-mail address or a phone number."}]
    return {
        "description": REFUSALS[code],
        "content": {MIMETYPE: {"schema": {"$ref": REFS.format(model="Problem")}, "example": example}},
    }


def _models() -> list[type[BaseModel]]:
    used: dict[type[BaseModel], None] = {answers.Problem: None}
    for operation in OPERATIONS:
        used |= {_item(answer): None for answer in operation.answers.values()}
        if operation.body is not NoBody:
            used[operation.body] = None
    return list(used)


def _item(answer: Any) -> type[BaseModel]:
    return answer.item if isinstance(answer, answers.ListOf) else answer


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema([(model, "validation") for model in _models()], ref_template=REFS)
    schemas: dict[str, Any] = found["$defs"]
    for name, example in examples.BY_SCHEMA.items():
        schemas[name]["examples"] = [example]
    return dict(sorted(schemas.items()))


@cache
def name_of(model: type[BaseModel]) -> str:
    """The name under which a model stands among the schemas."""
    names, _ = models_json_schema([(each, "validation") for each in _models()], ref_template=REFS)
    reference: str = names[model, "validation"]["$ref"]
    return reference.rpartition("/")[2]


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> dict[str, Any]:
    who = f"For {WHO[operation.roles]}."
    found: dict[str, Any] = {
        "operationId": operation.name, "tags": [operation.tag], "summary": operation.summary,
        "description": "\n\n".join(part for part in (operation.description, who) if part),
        "parameters": _parameters(operation),
        "responses": {**_answers(operation), **_problems(operation)},
    }  # fmt: skip
    if operation.writes:
        found["requestBody"] = _body(operation)
    return found


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in re.findall(r"<(\w+)>", operation.path)
    ]
    if operation.query is not NoQuery:
        found += _query(operation.query)
    if operation.takes_key:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return found


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REFS)
    inner = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": plain,
         **({"description": plain.pop("description")} if "description" in plain else {})}
        for name, prop in schema["properties"].items()
        for plain in [_given(prop, inner)]
    ]  # fmt: skip


def _given(prop: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: it is given or not, never null; words are written out."""
    options = [option for option in prop.get("anyOf", []) if option != {"type": "null"}]
    rest = {key: value for key, value in prop.items() if key not in ("anyOf", "default", "title")}
    if prop.get("default") is not None:
        rest["default"] = prop["default"]
    single = options[0] if len(options) == 1 else {"anyOf": options} if options else {}
    merged = {**single, **rest}
    reference = merged.pop("$ref", None)
    if reference:
        words = inner[reference.rpartition("/")[2]]
        merged = {"type": "string", "enum": words["enum"], **merged}
    return merged


def _body(operation: Operation) -> dict[str, Any]:
    if operation.body is NoBody:
        schema: dict[str, Any] = {"type": "object", "maxProperties": 0}
        return {"required": False, "content": {"application/json": {"schema": schema}}}
    name = name_of(operation.body)
    needed = any(field.is_required() for field in operation.body.model_fields.values())
    content: dict[str, Any] = {"schema": {"$ref": REFS.format(model=name)}}
    if name in examples.BY_SCHEMA:
        content["example"] = examples.BY_SCHEMA[name]
    return {"required": needed, "content": {"application/json": content}}


def _answers(operation: Operation) -> dict[str, Any]:
    return {str(code): _answer(operation, code) for code in operation.answers}


def _answer(operation: Operation, code: int) -> dict[str, Any]:
    answer = operation.answers[code]
    schema: dict[str, Any] = {"$ref": REFS.format(model=name_of(_item(answer)))}
    if isinstance(answer, answers.ListOf):
        schema = {
            "type": "object", "required": ["items", "next"], "additionalProperties": False,
            "properties": {"items": {"type": "array", "items": schema}, "next": {"type": ["string", "null"]}},
        }  # fmt: skip
    said = "Made." if code == 201 else "Done." if operation.writes else "As it is now."
    return {"description": said, "content": {"application/json": {"schema": schema}}}


def _problems(operation: Operation) -> dict[str, Any]:
    codes = [401, 403, 404, 422, 429, 500, 503]
    if operation.writes:
        codes += [400, 409, 413, 415]
    return {str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted(codes)}


@blueprint.get("/openapi.json", provide_automatic_options=False)
def openapi() -> Response:
    """The description itself; anybody may read it."""
    base: str = current_app.extensions["fairlead"].base_url
    return reply(200, {**description(), "servers": [{"url": base.rstrip("/") + PREFIX}]})
