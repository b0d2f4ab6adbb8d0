"""Small builders for tests: partners, people, rules, leads, through the same services as the product."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask.testing import FlaskClient

from models.accounts import ApiKey, User
from models.allocation import RuleVersion
from models.assignments import Assignment, Obligation
from models.compliance import Policy
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession, unit
from portal.accounts import service as accounts
from portal.accounts.actor import SYSTEM, Actor
from portal.accounts.keys import create_key
from portal.allocation import versions
from portal.compliance import partners, policies
from portal.compliance.settings import parse_settings
from portal.intake.policy import parse_lead
from portal.intake.service import receive
from portal.vocabulary import Role

#: A Monday, 10:00 in Berlin. Nothing in the tests depends on the day they run on.
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PASSWORD = "correct horse battery"
_number = count(1)

EVERYONE = {"name": "Everything", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}


def make_partner(session: AnySession, name: str | None = None, now: datetime = MONDAY, **settings: Any) -> Partner:
    """A partner in Berlin with one reachable rep, open Monday to Friday 09:00-17:00, no holidays."""
    name = name or f"Partner {next(_number)}"
    facts = {"name": name, "timezone": "Europe/Berlin", "country": "DE", "holidays": None, **settings}
    partner = unit(session, lambda: partners.create(session, parse_settings(facts), now, SYSTEM))
    make_user(session, Role.PARTNER_ADMIN, partner=partner, now=now)
    return partner


def make_user(
    session: AnySession, role: Role, *, partner: Partner | None = None, now: datetime = MONDAY,
    portfolio: Sequence[str] = (), password: bool = False, name: str | None = None,
) -> User:  # fmt: skip
    """A user; with ``password`` it has taken up its invitation and signs in by PASSWORD."""
    number = next(_number)
    data = {
        "email": f"user{number}@example.com", "name": name or f"User {number}", "role": role.value,
        "partner_id": partner.id if partner else None, "portfolio": list(portfolio),
    }  # fmt: skip
    user, secret = unit(session, lambda: accounts.create_user(session, SYSTEM, data, now))
    if password:
        unit(session, lambda: accounts.accept_invitation(session, secret, PASSWORD, now))
    return user


def actor_of(session: AnySession, user: User) -> Actor:
    """For whom a user acts."""
    return accounts.actor_for_user(session, user)


def rep_of(partner: Partner) -> Actor:
    """A rep of a partner, without an account of its own."""
    return Actor(kind="user", id=None, name=f"Rep of {partner.name}", role=Role.PARTNER_REP, partner_id=partner.id)


def make_key(
    session: AnySession, role: Role, partner: Partner | None = None, now: datetime = MONDAY
) -> tuple[ApiKey, str]:
    """A key and its secret."""
    return unit(session, lambda: create_key(session, SYSTEM, role.value, role, partner.id if partner else None, now))


def publish_rules(session: AnySession, *rules: Mapping[str, Any], now: datetime = MONDAY) -> RuleVersion:
    """Draft and publish a rule version; without rules the one that takes every lead in turn."""
    wanted = [dict(rule) for rule in rules] or [EVERYONE]
    drafted = unit(session, lambda: versions.draft(session, wanted, "test", now, SYSTEM))
    return unit(session, lambda: versions.publish(session, drafted.id, now, SYSTEM))


def publish_policy(session: AnySession, body: Mapping[str, Any], now: datetime = MONDAY) -> Policy:
    """Draft and publish a policy at once."""
    drafted = unit(session, lambda: policies.draft(session, body, "test", now, SYSTEM))
    return unit(session, lambda: policies.publish(session, drafted.id, None, now, SYSTEM))


def receive_lead(session: AnySession, now: datetime = MONDAY, **facts: Any) -> Lead:
    """A lead by intake: from Germany, with a company of its own."""
    number = next(_number)
    given = {
        "email": f"person{number}@company{number}.example.com", "last_name": f"Person {number}",
        "company": f"Company {number}", "country": "DE", **facts,
    }  # fmt: skip
    parsed = parse_lead({k: v for k, v in given.items() if v is not None}, now)
    return unit(session, lambda: receive(session, parsed, now, SYSTEM))[0]


def assignment_of(session: AnySession, lead: Lead) -> Assignment | None:
    """The lead's latest assignment."""
    return session.query(Assignment).filter_by(lead_id=lead.id).order_by(Assignment.id.desc()).first()


def obligations_of(session: AnySession, assignment: Assignment) -> dict[str, Obligation]:
    """The latest obligation of each kind on an assignment."""
    rows = session.query(Obligation).filter_by(assignment_id=assignment.id).order_by(Obligation.id)
    return {row.kind.value: row for row in rows}


def sign_in(client: FlaskClient, user: User) -> FlaskClient:
    """The client, signed in as a user that has PASSWORD."""
    page = client.get("/sign-in").get_data(as_text=True)
    token = csrf_of(page)
    answer = client.post("/sign-in", data={"email": user.email, "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return client


def csrf_of(page: str) -> str:
    """The CSRF token of a rendered page; empty where it has none."""
    _, _, rest = page.partition('name="csrf_token"')
    _, _, value = rest.partition('value="')
    return value.partition('"')[0]
