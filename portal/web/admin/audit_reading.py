"""What the audit's page reads: the rows that fit the filters, and what their objects are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, and_, or_, select

from models.accounts import ApiKey, User
from models.allocation import RuleVersion
from models.assignments import Assignment, Deal, Obligation
from models.compliance import Policy
from models.leads import Lead, LeadDefinition
from models.partners import Partner
from models.platform import Audit, AuditSeal
from models.session import AnySession
from portal.web.admin.audit_words import kind_words
from portal.web.staff import paging
from portal.web.staff.forms import end_of_day, start_of_day
from portal.web.staff.lead_reading import Wanted as WantedLeads
from portal.web.staff.lead_reading import finding
from portal.web.staff.partner_words import lead_name

Row = tuple[Audit, int | None]
#: So many leads, partners and people that a text finds are looked for in the audit.
MOST_NAMED = 200


@dataclass(frozen=True)
class Wanted:
    """The filters; ``since`` and ``until`` are days in the reader's zone, both included."""

    actor: str = ""
    action: str = ""
    object: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def any(self) -> bool:
        return self != Wanted()


@dataclass(frozen=True)
class Named:
    """What an object is called, and its page where it has one."""

    name: str
    url: str | None = None


def rows(session: AnySession, wanted: Wanted, after: str | None) -> tuple[Sequence[Row], bool]:
    """A page of the audit, the latest first, each row with the number of its seal; and whether others follow."""
    query = select(Audit, AuditSeal.number).outerjoin(AuditSeal, AuditSeal.audit_id == Audit.id)
    query = query.where(*_conditions(session, wanted)).order_by(Audit.id.desc()).limit(paging.SIZE + 1)
    found = session.execute(query.where(Audit.id < after) if after else query)
    return paging.cut([(row, seal) for row, seal in found])


def last_seal(session: AnySession) -> tuple[int, Audit] | None:
    """The last link of the chain and its row."""
    query = select(AuditSeal.number, Audit).join(Audit, Audit.id == AuditSeal.audit_id)
    found = session.execute(query.order_by(AuditSeal.number.desc()).limit(1)).first()
    return (found[0], found[1]) if found else None


def _conditions(session: AnySession, wanted: Wanted) -> list[ColumnElement[bool]]:
    """What a row must meet.

    1. Who: part of the actor's name, or its id. 2. What: the beginning of the act. 3. About: see ``_about``.
    4. The days, in the reader's zone.
    """
    who, found = wanted.actor, []
    if who:
        found.append(or_(Audit.actor_name.ilike(paging.like(who), escape="\\"), Audit.actor_id == who))
    found += [Audit.action.startswith(wanted.action, autoescape=True)] if wanted.action else []
    found += [_about(session, wanted.object)] if wanted.object else []
    found += [Audit.at >= start_of_day(wanted.since)] if wanted.since else []
    return found + ([Audit.at < end_of_day(wanted.until)] if wanted.until else [])


def _about(session: AnySession, text: str) -> ColumnElement[bool]:
    """Rows about what a text names.

    1. The kind of an object, or its id. 2. A partner by part of its name: everything done at it.
    3. A person by part of the name. 4. A lead that the text finds, with its assignments and deadlines.
    """
    like = {"other": paging.like(text), "escape": "\\"}
    partners = select(Partner.id).where(Partner.name.ilike(**like)).limit(MOST_NAMED)
    people = select(User.id).where(User.name.ilike(**like)).limit(MOST_NAMED)
    leads = finding(session, WantedLeads(text=text)).limit(MOST_NAMED).subquery()
    of_leads = select(leads.c.id)
    return or_(
        Audit.object_type == text,
        Audit.object_id == text,
        Audit.partner_id.in_(partners),
        _is("partner", partners),
        _is("user", people),
        _is("lead", of_leads),
        _is("assignment", select(Assignment.id).where(Assignment.lead_id.in_(of_leads))),
        _is("obligation", select(Obligation.id).where(Obligation.lead_id.in_(of_leads))),
    )


def _is(kind: str, ids: Any) -> ColumnElement[bool]:
    return and_(Audit.object_type == kind, Audit.object_id.in_(ids))


def names(session: AnySession, found: Iterable[Audit]) -> dict[tuple[str, str], Named]:
    """What the objects of the rows are called, by kind and id; one query for each kind of object."""
    ids: dict[str, set[str]] = {kind: set() for kind in READERS}
    for row in found:
        if row.object_type in ids:
            ids[row.object_type].add(row.object_id)
    return {(kind, id_): named for kind, read in READERS.items() for id_, named in read(session, ids[kind])}


def partner_names(session: AnySession, found: Iterable[Audit]) -> dict[str, str]:
    """The names of the partners at which the rows' acts were done."""
    ids = {row.partner_id for row in found if row.partner_id}
    return {row[0]: row[1] for row in session.execute(select(Partner.id, Partner.name).where(Partner.id.in_(ids)))}


Told = Iterable[tuple[str, Named]]


def _leads(session: AnySession, ids: set[str]) -> Told:
    for lead in session.scalars(select(Lead).where(Lead.id.in_(ids))):
        yield lead.id, _lead(lead)


def _lead(lead: Lead, before: str = "") -> Named:
    return Named(f"{before}{lead_name(lead)}", url_for("lead.page", lead_id=lead.id))


def _assignments(session: AnySession, ids: set[str]) -> Told:
    query = select(Assignment.id, Lead).join(Lead, Lead.id == Assignment.lead_id).where(Assignment.id.in_(ids))
    for id_, lead in session.execute(query):
        yield id_, _lead(lead)


def _obligations(session: AnySession, ids: set[str]) -> Told:
    query = select(Obligation, Lead).join(Lead, Lead.id == Obligation.lead_id).where(Obligation.id.in_(ids))
    for row, lead in session.execute(query):
        yield row.id, _lead(lead, f"{row.kind.label}: ")


def _deals(session: AnySession, ids: set[str]) -> Told:
    for id_, lead in session.execute(select(Deal.id, Lead).join(Lead, Lead.id == Deal.lead_id).where(Deal.id.in_(ids))):
        yield id_, _lead(lead, "Deal: ")


def _partners(session: AnySession, ids: set[str]) -> Told:
    for id_, name in session.execute(select(Partner.id, Partner.name).where(Partner.id.in_(ids))):
        yield id_, Named(name, url_for("partner.page", partner_id=id_))


def _users(session: AnySession, ids: set[str]) -> Told:
    for id_, name in session.execute(select(User.id, User.name).where(User.id.in_(ids))):
        yield id_, Named(name, url_for("people.index", q=name))


def _keys(session: AnySession, ids: set[str]) -> Told:
    for id_, name in session.execute(select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(ids))):
        yield id_, Named(f"The key {name}", url_for("people.key_list"))


def _rules(session: AnySession, ids: set[str]) -> Told:
    for id_, number in session.execute(select(RuleVersion.id, RuleVersion.number).where(RuleVersion.id.in_(ids))):
        yield id_, Named(f"{kind_words('rule_version')} {number}", url_for("rules.version", version_id=id_))


def _policies(session: AnySession, ids: set[str]) -> Told:
    for id_, number in session.execute(select(Policy.id, Policy.number).where(Policy.id.in_(ids))):
        yield id_, Named(f"{kind_words('policy')} {number}", url_for("policies.version", version_id=id_))


def _definitions(session: AnySession, ids: set[str]) -> Told:
    query = select(LeadDefinition.id, LeadDefinition.number).where(LeadDefinition.id.in_(ids))
    for id_, number in session.execute(query):
        yield id_, Named(f"{kind_words('lead_definition')} {number}", url_for("definition.index"))


READERS = {
    "lead": _leads,
    "assignment": _assignments,
    "obligation": _obligations,
    "deal": _deals,
    "partner": _partners,
    "user": _users,
    "key": _keys,
    "rule_version": _rules,
    "policy": _policies,
    "lead_definition": _definitions,
}
