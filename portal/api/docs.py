"""The API's documentation as a page: the OpenAPI description, read aloud, without script."""

import json
import re
from typing import Any

from flask import render_template

from portal.api.call import blueprint
from portal.api.openapi import description
from portal.api.problems import PREFIX


@blueprint.get("/docs", provide_automatic_options=False)
def docs() -> str:
    """The page; anybody may read it."""
    spec = description()
    return render_template(
        "api/docs.html", spec=spec, prefix=PREFIX, groups=_groups(spec), schemas=_schemas(spec),
        paragraphs=spec["info"]["description"].split("\n\n"), refusals=spec["components"]["responses"],
    )  # fmt: skip


def _groups(spec: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The calls by tag, in the order of the description."""
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in spec["tags"]}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_call(path, method, operation))
    return list(groups.items())


def _call(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"], "method": method.upper(), "path": path,
        "summary": operation["summary"],
        "short": re.split("[,;:]", operation["summary"])[0], "paragraphs": operation["description"].split("\n\n"),
        "query": [p for p in operation["parameters"] if p.get("in") == "query"],
        "body": _reference(content.get("schema", {})),
        "example": _pretty(content["example"]) if "example" in content else None,
        "answers": [
            {"code": code, "schema": _answer(response)} for code, response in operation["responses"].items()
            if code.startswith("2")
        ],
        "refusals": [code for code in operation["responses"] if not code.startswith("2")],
    }  # fmt: skip


def _answer(response: dict[str, Any]) -> tuple[str | None, bool]:
    """The name of the answer's schema, and whether it is a list of them."""
    schema = response["content"]["application/json"]["schema"]
    if "properties" in schema:
        return _reference(schema["properties"]["items"]["items"]), True
    return _reference(schema), False


def _reference(schema: dict[str, Any]) -> str | None:
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else None


def _schemas(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Every schema as rows of field, kind, whether it is needed, and what it says."""
    return [
        {
            "name": name, "says": schema.get("description", ""), "words": schema.get("enum"),
            "fields": [
                {"name": field, "kind": _kind(prop), "needed": field in schema.get("required", ()),
                 "says": prop.get("description", "")}
                for field, prop in schema.get("properties", {}).items()
            ],
        }
        for name, schema in spec["components"]["schemas"].items()
    ]  # fmt: skip


def _kind(prop: dict[str, Any]) -> str:
    if "anyOf" in prop:
        return " or ".join(dict.fromkeys(_kind(option) for option in prop["anyOf"]))
    if "$ref" in prop:
        return prop["$ref"].rpartition("/")[2]  # type: ignore[no-any-return]
    if prop.get("type") == "array":
        return f"list of {_kind(prop.get('items', {}))}"
    if "enum" in prop or "const" in prop:
        return " | ".join(str(word) for word in prop.get("enum", [prop.get("const")]))
    limit = f", at most {prop['maxLength']:,} characters" if "maxLength" in prop else ""
    return f"{prop.get('format') or prop.get('type') or 'anything'}{limit}"


def _pretty(example: Any) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
