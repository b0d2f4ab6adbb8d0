"""Every route, for every role, with another partner's object: it answers as if that object did not exist.

What is asked for is the rival's; the same is asked with an id that nothing has. The two answers must be the same but
for the id. A route whose arguments are not told here fails the suite, and so does a page that names the rival.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from models.assignments import Activity, Assignment
from models.base import new_id
from models.leads import Lead
from portal.enforcement import acts, appeals
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Touch
from portal.vocabulary import ActivityKind, ActivityOutcome, AppealKind, DealStage, Role
from tests.support import world
from tests.support.visits import Visitor, within

#: Arguments that name an object of a partner, and what kind of object it is.
OBJECTS = ("lead_id", "assignment_id", "obligation_id", "deal_id", "partner_id", "user_id", "key_id", "appeal_id")
#: Arguments that name nothing of a partner's, and why they need no look here.
OTHERS = {
    "filename": "a file of ours",
    "secret": "a one-time link, looked up by its hash",
    "version_id": "versions belong to the vendor; partners reach no route of them",
    "trial_id": "a what-if of the vendor; partners reach no route of it",
    "policy_id": "versions belong to the vendor; partners reach no route of them",
    "outage_id": "an outage concerns every partner; partners reach no route of it",
    "list_name": "a list that rules name; partners reach no route of them",
    "day_id": "a day off of the vendor; partners reach no route of them",
    "token": "a file kept for its uploader alone",
    "mail_id": "development only",
    "link": "signed for one reader and one act; nothing is looked up before the signature is checked",
    "kind": "one of a fixed few words",
    "name": "one of a fixed few words",
    "what": "one of a fixed few words",
}
PARTNER_ROLES = ("rep", "partner_admin", "partner_key")
ROLES = (*PARTNER_ROLES, "portfolio_manager", "nobody", "no_key")
RIVAL = ("Rival Systems", "Hidden Client", "hidden@client.example.com", "Secret Person", "rival.rep@")
UNTIL = (datetime.now(UTC) + timedelta(days=30)).isoformat().replace("+00:00", "Z")
WORDS = {"name": "log", "what": "off", "filename": "x", "secret": "x", "token": "x", "mail_id": "x"}
WORDS |= {"link": "x", "kind": "digest"}
#: A body that the call takes, so that it is the object that is refused and nothing else.
BODIES: dict[str, dict[str, Any]] = {
    "api.decline": {"reason": "other"},
    "api.log_activity": {"kind": "call", "outcome": "reached"},
    "api.give_feedback": {"rating": 3, "disposition": "working"},
    "api.register_deal": {"stage": "registered", "value": {"amount": "10.00", "currency": "EUR"}},
    "api.change_deal": {"stage": "qualified"},
    "api.change_partner": {"wants_early_leads": True},
    "api.create_partner_key": {"name": "k"},
    "api.invite_to_partner": {"email": "new@example.com", "name": "New", "role": "partner_rep"},
    "api.hold": {"reason": "r", "until": UNTIL},
    "api.exempt": {"reason": "r", "until": UNTIL},
    "api.release": {"reason": "r"},
    "api.waive": {"reason": "r"},
    "api.extend": {"reason": "r", "due_at": UNTIL},
    "api.recall": {"reason": "r"},
    "api.decide_appeal": {"granted": False, "reason": "r"},
    "api.reopen_lead": {"reason": "r"},
    "api.disqualify_lead": {"reason": "r"},
    "api.nurture_lead": {"reason": "r"},
}
FORM = {
    "reason": "other", "kind": "call", "outcome": "reached", "next_step": "", "rating": "3", "disposition": "working",
    "note": "n", "until": "2027-01-01", "due_at": "2027-01-01T10:00", "stage": "registered", "amount": "10",
    "currency": "EUR", "granted": "no", "case": "It was not so.",
}  # fmt: skip


@dataclass
class Scene:
    """The app, the rival's objects by argument name, and a browser or key for each role."""

    app: Flask
    rival: dict[str, str]
    own: dict[str, str]
    visitors: dict[str, Visitor]
    keys: dict[str, str]


@pytest.fixture
def scene(app: Flask) -> Scene:
    """Two partners, each with an accepted lead, a deal, an offer and people."""
    now = datetime.now(UTC)
    found = within(app, lambda session: _build(session, now))
    visitors = {role: Visitor(app, email) for role, email in found["emails"].items()}
    visitors["nobody"] = Visitor(app)
    return Scene(app, found["rival"], found["own"], visitors, found["keys"])


def _build(session: Session, now: datetime) -> dict[str, Any]:
    mine = world.make_partner(session, "Mine GmbH", now=now, products=["Alpha"])
    rival = world.make_partner(session, "Rival Systems", now=now, products=["Beta"])
    rule = {"strategy": {"kind": "weighted_round_robin"}, "then": "queue"}
    world.publish_rules(session, {"name": "All", **rule}, now=now)
    own = _objects(session, mine, now, product="Alpha")
    theirs = _objects(
        session, rival, now, product="Beta", company="Hidden Client AG", last_name="Secret Person",
        email="hidden@client.example.com",
    )  # fmt: skip
    people = {
        "rep": world.make_user(session, Role.PARTNER_REP, partner=mine, now=now, password=True),
        "partner_admin": world.make_user(session, Role.PARTNER_ADMIN, partner=mine, now=now, password=True),
        "portfolio_manager": world.make_user(
            session, Role.CHANNEL_MANAGER, now=now, portfolio=[mine.id], password=True
        ),
    }
    keys = {"partner_key": world.make_key(session, Role.PARTNER_ADMIN, mine, now=now)[1], "no_key": ""}
    return {"emails": {k: u.email for k, u in people.items()}, "keys": keys, "own": own, "rival": theirs}


def _objects(session: Session, partner: Any, now: datetime, **facts: Any) -> dict[str, str]:
    """One of everything that a partner has."""
    lead = world.receive_lead(session, now=now, **facts)
    assignment = world.assignment_of(session, lead)
    assert assignment is not None and assignment.partner_id == partner.id
    rep = world.rep_of(partner)
    acts.accept(session, rep, assignment.id, now)
    acts.log(session, rep, assignment.id, Touch(ActivityKind.CALL, ActivityOutcome.REACHED), now)
    facts_of_deal = DealFacts(name="Deal", stage=DealStage.REGISTERED, amount_cents=100, currency="EUR")
    deal = acts.register_deal(session, rep, assignment.id, facts_of_deal, now)
    user = world.make_user(session, Role.PARTNER_REP, partner=partner, now=now)
    key, _ = world.make_key(session, Role.PARTNER_ADMIN, partner, now=now)
    obligation = world.obligations_of(session, assignment)["feedback"]
    appeal = appeals.file_appeal(session, rep, obligation.id, AppealKind.WRONG_DATA, f"By {partner.name}", None, now)
    return {
        "appeal_id": appeal.id,
        "lead_id": lead.id, "assignment_id": assignment.id, "obligation_id": obligation.id, "deal_id": deal.id,
        "partner_id": partner.id, "user_id": user.id, "key_id": key.id,
    }  # fmt: skip


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route with each of its methods."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def ask(scene: Scene, role: str, rule: Rule, method: str, ids: dict[str, str]) -> tuple[int, str]:
    """The status and text of an answer, ids, tokens and times taken out of it."""
    api = rule.endpoint.startswith("api.")
    values = {arg: ids.get(arg, WORDS.get(arg, new_id())) for arg in rule.arguments}
    with scene.app.test_request_context():
        path = scene.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
    if api:
        answer = _call(scene, role, rule, method, path)
    else:
        visitor = scene.visitors[role]
        answer = visitor.get(path) if method == "GET" else visitor.post(path, **FORM)
    return answer.status_code, _plain(f"{answer.headers.get('Location', '')}\n{answer.get_data(as_text=True)}", values)


def _call(scene: Scene, role: str, rule: Rule, method: str, path: str) -> Any:
    key = scene.keys[role]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = BODIES.get(rule.endpoint)
    if rule.endpoint == "api.assign_lead":
        body = {"partner_id": scene.own["partner_id"], "reason": "r"}
    if rule.endpoint == "api.merge_lead":
        body = {"into": scene.own["lead_id"], "reason": "r"}
    return scene.app.test_client().open(path, method=method, headers=headers, json=body)


def _plain(text: str, ids: dict[str, str]) -> str:
    for value in ids.values():
        text = text.replace(value, "ID")
    text = re.sub(r'(name="csrf_token"[^>]*value=")[^"]*', r"\1", text)
    return re.sub(r"\d\d:\d\d(:\d\d)?", "TIME", text)


def roles_for(rule: Rule) -> tuple[str, ...]:
    """Roles that come to a route by the door it has: a key, or a session."""
    keys = ("partner_key", "no_key")
    api = rule.endpoint.startswith("api.")
    return tuple(role for role in ROLES if (role in keys) == api)


def test_every_route_with_an_argument_is_told_of_here(app: Flask) -> None:
    unknown = {
        f"{rule.endpoint}: {arg}"
        for rule in app.url_map.iter_rules()
        for arg in rule.arguments
        if arg not in OBJECTS and arg not in OTHERS
    }
    assert not unknown, f"Say in this file what these arguments name: {sorted(unknown)}"


def test_the_rivals_objects_answer_as_if_they_did_not_exist(scene: Scene) -> None:
    asked, before = 0, within(scene.app, lambda session: _state(session, scene.rival))
    for rule, method in routes(scene.app):
        if not rule.arguments & set(OBJECTS):
            continue
        absent = {name: new_id() for name in OBJECTS}
        for role in roles_for(rule):
            foreign, nothing = (ask(scene, role, rule, method, ids) for ids in (scene.rival, absent))
            asked += 1
            assert foreign == nothing, f"{role} {method} {rule.rule} tells a rival's object from none"
            assert foreign[0] in (302, 401, 403, 404), f"{role} {method} {rule.rule}: {foreign[0]}"
            if role in PARTNER_ROLES or role == "portfolio_manager":
                assert foreign[0] in (403, 404), f"{role} {method} {rule.rule}: {foreign[0]}"
    assert asked > 100, f"only {asked} routes were asked"
    assert within(scene.app, lambda session: _state(session, scene.rival)) == before


def _state(session: Session, ids: dict[str, str]) -> tuple[object, ...]:
    lead, assignment = session.get_one(Lead, ids["lead_id"]), session.get_one(Assignment, ids["assignment_id"])
    touches = session.query(Activity).filter_by(assignment_id=assignment.id).count()
    return lead.status, assignment.state, assignment.partner_id, touches


def test_no_page_of_a_partner_names_its_rival(scene: Scene) -> None:
    pages = 0
    for rule, method in routes(scene.app):
        if method != "GET" or rule.endpoint.split(".")[0] in ("bootstrap", "static", "dev"):
            continue
        for role in roles_for(rule):
            status, text = ask(scene, role, rule, method, {**scene.own, "filename": "x", "token": "x"})
            pages += status == 200
            named = [word for word in RIVAL if word in text]
            assert not named, f"{role} {rule.rule} names {named}"
            ids = [name for name in OBJECTS if scene.rival[name] in text]
            assert not ids, f"{role} {rule.rule} has the rival's {ids}"
    assert pages > 20, f"only {pages} pages were read"


@pytest.mark.parametrize("role", ["rep", "partner_admin", "portfolio_manager"])
def test_what_is_its_own_is_there(scene: Scene, role: str) -> None:
    """The same routes do answer with one's own lead: the walk above is not refused for another reason."""
    assert scene.visitors[role].get(f"/leads/{scene.own['lead_id']}").status_code == 200
