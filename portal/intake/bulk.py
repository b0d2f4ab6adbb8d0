"""Receiving many leads in one transaction, each placed exactly as it would be one after the other."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ARRAY, String, bindparam, func, select

from models.assignments import Assignment
from models.base import Model
from models.leads import Campaign, Lead
from models.session import AnySession
from models.writing import insert_many
from portal.accounts.actor import Actor
from portal.allocation.batch import close_desk, open_desk
from portal.allocation.candidates import facts_of_new
from portal.allocation.live import snapshot
from portal.allocation.service import asked
from portal.allocation.statements import OWNERS
from portal.intake.known import HISTORY, KIN_COLUMNS, LEADS, Kin, Known, original_of, phone_of, sort_out
from portal.intake.policy import LeadIn
from portal.intake.service import made, rows_of
from portal.vocabulary import LIVE_ASSIGNMENT, LeadStatus

#: So many leads make one transaction: it holds every partner's row while it lasts.
BATCH = 500
_keys = func.unnest(bindparam("keys", type_=ARRAY(String))).column_valued("value")
ALL_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtextextended(_keys, 0)))


@dataclass(frozen=True)
class Received:
    """One enquiry's lead, and whether it is new (False: its ``external_id`` was known)."""

    lead_id: str
    new: bool
    status: LeadStatus


def receive_all(session: AnySession, news: Sequence[LeadIn], now: datetime, actor: Actor) -> list[Received]:
    """Store and place enquiries in their order; see ``portal.intake.service.receive``. At most ``BATCH`` at once.

    The rotations and partners that they may touch are locked and read once, what is known of their persons and
    companies in a few queries, and everything is written at the end, a table at a time.
    """
    with collector_at_rest():
        return _received(session, [made(new, now) for new in news], now, actor)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """A batch makes many objects and drops them all at its end: looking for rings among them meanwhile is lost time."""
    working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if working:
            gc.enable()


def _received(session: AnySession, leads: Sequence[Lead], now: datetime, actor: Actor) -> list[Received]:
    _locked(session, leads)
    memory = Memory.of(session, leads)
    config = snapshot(session)
    desk = open_desk(session, config, [asked(config, lead, facts_of_new(session, lead, None)) for lead in leads], now)
    rows, results = list[Model](), list[Received]()
    for lead in leads:
        known = memory.known(lead)
        if known.itself is None:
            more = rows_of(session, desk, lead, known, now, actor)
            memory.add(lead, more)
            rows += more
        results.append(Received(known.itself or lead.id, known.itself is None, lead.status))
    insert_many(session, rows)
    close_desk(session, config, desk)
    session.expire_all()  # what was read before counts otherwise now
    return results


def _locked(session: AnySession, leads: Iterable[Lead]) -> None:
    """Nobody else takes an enquiry of these persons meanwhile, in an order that all keep."""
    keys = sorted({key for lead in leads for key in (lead.email_norm, lead.phone_norm) if key})
    if keys and session.get_bind().dialect.name == "postgresql":
        session.execute(ALL_AT_A_TIME, {"keys": keys})


@dataclass
class Memory:
    """What is known of persons and companies: read for all at once, and added to as leads are placed."""

    by_external: dict[str, list[Kin]] = field(default_factory=dict)
    by_email: dict[str, list[Kin]] = field(default_factory=dict)
    by_phone: dict[str, list[Kin]] = field(default_factory=dict)
    history: dict[str, list[Any]] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    works: dict[str, str] = field(default_factory=dict)
    owns: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, session: AnySession, leads: Sequence[Lead]) -> "Memory":
        """Read what the database knows of these."""
        memory = cls()
        for row in _kin_rows(session, leads):
            memory._keep(Kin(*row[:5]), row.email_norm, row.phone_norm)
        found = [kin.id for some in (memory.by_external, memory.by_email, memory.by_phone)
                 for each in some.values() for kin in each]  # fmt: skip
        past = select(*HISTORY).where(Assignment.lead_id.in_(sorted({*found}))).order_by(Assignment.id)
        for row in session.execute(past) if found else ():
            memory.history.setdefault(row.lead_id, []).append(row)
        memory._companies(session, sorted({lead.company_domain for lead in leads if lead.company_domain}))
        names = sorted({lead.campaign for lead in leads if lead.campaign})
        called = select(Campaign.name, Campaign.id).where(Campaign.name.in_(names))
        memory.campaigns = {row.name: row.id for row in session.execute(called)} if names else {}
        return memory

    def _companies(self, session: AnySession, domains: Sequence[str]) -> None:
        if not domains:
            return
        working = (
            select(Lead.company_domain, Assignment.partner_id)
            .join(Lead, Lead.id == Assignment.lead_id)
            .where(Lead.company_domain.in_(domains), Assignment.state.in_(LIVE_ASSIGNMENT))
            .order_by(Assignment.id)
        )
        self.works = {str(domain): partner for domain, partner in session.execute(working)}  # the latest stays
        for row in session.execute(OWNERS, {"domains": domains}):
            self.owns.setdefault(row.company_domain, row.partner_id)  # the earliest stays

    def _keep(self, kin: Kin, email: str | None, phone: str | None) -> None:
        for index, key in ((self.by_external, kin.external_id), (self.by_email, email), (self.by_phone, phone)):
            if key:
                index.setdefault(key, []).append(kin)

    def known(self, lead: Lead) -> Known:
        """What is known of one of them now; its campaign, where it is new, is remembered when it is added."""
        kin = {
            k.id: k
            for index, key in (
                (self.by_external, lead.external_id), (self.by_email, lead.email_norm), (self.by_phone, phone_of(lead))
            )
            for k in index.get(key or "", ())
        }  # fmt: skip
        itself, person = sort_out(lead, kin.values())
        domain = lead.company_domain or ""
        original = original_of(person, self.history.get(person.id, ())) if person else None
        campaign = self.campaigns.get(lead.campaign or "")
        return Known(itself, original, campaign, self.works.get(domain), self.owns.get(domain))

    def add(self, lead: Lead, rows: Iterable[Model]) -> None:
        """A lead of this batch, placed: the next ones know of it."""
        kin = Kin(lead.id, lead.external_id, lead.status, lead.received_at, lead.grade)
        self._keep(kin, lead.email_norm, lead.phone_norm)
        if lead.campaign and lead.campaign_id:
            self.campaigns[lead.campaign] = lead.campaign_id
        for row in rows:
            if row.__table__ is Assignment.__table__:
                row = cast(Assignment, row)
                self.history.setdefault(lead.id, []).append(_Held(row.id, row.partner_id, row.state))
                if lead.company_domain:
                    self.works[lead.company_domain] = row.partner_id


@dataclass(frozen=True)
class _Held:
    """An assignment of this batch, as ``HISTORY`` tells one."""

    id: str
    partner_id: str
    state: Any
    earlier_holder: bool = False


def _kin_rows(session: AnySession, leads: Sequence[Lead]) -> Sequence[Any]:
    """Stored leads with these external ids, or of these persons."""
    externals = sorted({lead.external_id for lead in leads if lead.external_id})
    emails = sorted({lead.email_norm for lead in leads if lead.email_norm})
    phones = sorted({phone for lead in leads if (phone := phone_of(lead))})
    columns = (*KIN_COLUMNS, LEADS.c.email_norm, LEADS.c.phone_norm)
    shared = ((LEADS.c.external_id, externals), (LEADS.c.email_norm, emails), (LEADS.c.phone_norm, phones))
    found = [session.execute(select(*columns).where(column.in_(values))) for column, values in shared if values]
    return list({row.id: row for rows in found for row in rows}.values())
