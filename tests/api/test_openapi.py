"""The description: whole, in step with the routes, true of the answers, readable."""

import re
from contextvars import Context
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.api import answers, bodies, examples
from portal.api.call import OPERATIONS
from tests.api.conftest import House

OPEN = {"api.openapi", "api.docs"}


@pytest.fixture
def description(house: House) -> Any:
    """The document as served."""
    return house.admin.visit("/api/v1/openapi.json").get_json()


def test_every_route_is_described(app: Flask, description: Any) -> None:
    routes = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.") and rule.endpoint not in OPEN
        for method in (rule.methods or set()) - {"HEAD"}
    }  # fmt: skip
    described = {(method, path) for path, calls in description["paths"].items() for method in calls}
    assert described == routes
    assert description["openapi"] == "3.1.0"


def test_every_call_needs_a_key_and_says_what_it_refuses(description: Any) -> None:
    assert description["security"] == [{"key": []}]
    for calls in description["paths"].values():
        for method, call in calls.items():
            assert call["summary"]
            assert {"401", "403", "404", "422"} <= set(call["responses"])
            takes = {"$ref": "#/components/parameters/IdempotencyKey"} in call["parameters"]
            assert takes == (method == "post")


def test_references_lead_somewhere(description: Any) -> None:
    text = str(description)
    for kind, name in re.findall(r"#/components/(\w+)/([\w-]+)", text):
        assert name in description["components"][kind], name
    assert "#/$defs" not in text


@pytest.mark.parametrize("name", sorted(examples.BY_SCHEMA))
def test_examples_are_what_the_calls_take(name: str) -> None:
    models = {operation.body.__name__: operation.body for operation in OPERATIONS}
    models[name].model_validate(examples.BY_SCHEMA[name])


def test_the_readable_page(house: House) -> None:
    answer = house.admin.visit("/api/v1/docs")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page
    assert "<script>" not in page
    assert page.count("<script") == page.count('<script src="/static/')
    assert " style=" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://localhost", "")


def test_schemas_name_the_answers(description: Any) -> None:
    schemas = description["components"]["schemas"]
    assert set(schemas["Lead"]["properties"]) == set(answers.Lead.model_fields)
    assert set(schemas["ActivityIn"]["properties"]) == set(bodies.ActivityIn.model_fields)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_made_up_requests_meet_the_description(app: Flask, house: House) -> None:
    """Whatever is sent, the answer is one that the description knows, and never a fault."""

    def apart(environ: Any, start_response: Any) -> Any:
        return Context().run(app, environ, start_response)

    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", apart)
    lead = house.accepted_by(house.partner)
    known = {
        "lead_id": lead["id"], "assignment_id": lead["assignment"]["id"], "partner_id": house.partner.partner_id,
        "obligation_id": lead["assignment"]["obligations"][0]["id"],
        "version_id": house.admin.get("/rule-versions")["items"][0]["id"],
        "policy_id": house.admin.get("/policies")["items"][0]["id"],
    }  # fmt: skip
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    callers = {"partner": house.partner, "admin": house.admin}
    for result in schema.get_all_operations():
        operation = result.ok()
        for caller in callers.values():
            exercise(operation, caller.secret, known, checks)


def exercise(operation: Any, secret: str, known: dict[str, str], checks: list[Any]) -> None:
    """A few made-up requests to one call, on things that are there."""

    @seed(1)
    @settings(
        max_examples=8, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def send(case: Any) -> None:
        for name in set(case.path_parameters or {}) & set(known):
            case.path_parameters[name] = known[name]
        case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=checks)

    from hypothesis import given

    given(case=operation.as_strategy())(send)()
