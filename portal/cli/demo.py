"""The demo: a vendor, twelve partners and 120 days of history up to now, told through the product's own services."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import select, update

from models.accounts import User
from models.base import new_id
from models.leads import Campaign, Lead, LeadDefinition
from models.partners import Live, Partner
from models.platform import Outbox
from models.session import AnySession, unit
from portal.accounts import service as accounts
from portal.accounts import tokens
from portal.accounts.actor import SYSTEM, Actor
from portal.accounts.audit import record
from portal.accounts.passwords import hash_password
from portal.allocation import versions
from portal.cli import demo_cast as cast
from portal.cli.demo_plot import plot
from portal.cli.demo_story import DAYS, Story
from portal.compliance import partners, policies
from portal.compliance.settings import parse_settings
from portal.deadlines.document import DEFAULT_POLICY
from portal.deadlines.live import changed
from portal.errors import Conflict
from portal.qualification.policy import parse_definition
from portal.vocabulary import Role, VersionState

#: Notices older than this are history: nobody is mailed about them now.
STILL_NEWS = timedelta(days=1)


@dataclass(frozen=True)
class DemoLogins:
    """Who can sign in to the demo: (role, what is to be seen there, address); one password for all."""

    people: tuple[tuple[Role, str, str], ...]
    password: str = cast.PASSWORD

    def __iter__(self) -> Iterator[str]:
        """The lines that the command prints."""
        yield f"The demo of {cast.VENDOR} is loaded: an invented vendor, invented partners, invented people."
        yield f"Everybody's password: {self.password}"
        width = max(len(address) for *_, address in self.people)
        for role, what, address in self.people:
            yield f"  {address:<{width}}  {role.label}: {what}"


def load(session: AnySession, now: datetime) -> DemoLogins:
    """Load the demo into an empty database, as if Fairlead had run for 120 days up to ``now`` (aware).

    Raises Conflict where there is a partner, a lead or a user. Every act is a unit of work of its own, so what a
    broken load leaves behind is refused the next time.
    """
    _refuse_unless_empty(session)
    story = Story(session, now - timedelta(days=DAYS), now)
    manager = _people(session, story)
    _settings(session, story)
    plot(story, manager)
    story.sweeps()
    story.run()
    unit(session, lambda: _old_news(session, now))
    return _logins()


def _refuse_unless_empty(session: AnySession) -> None:
    found = [session.scalars(select(table.id).limit(1)).first() for table in (Partner, Lead, User)]
    session.rollback()
    if found != [None, None, None]:
        raise Conflict("The demo data goes into an empty database only, and this one holds data.")


def _people(session: AnySession, story: Story) -> Actor:
    """The vendor's people and the partners with theirs; the channel manager, who acts for the vendor."""
    start = story.start
    for name, address, role in (cast.ADMIN, cast.MARKETER):
        _user(session, name, address, role, start)
    manager = _user(session, *cast.MANAGER, start)
    for member in cast.PARTNERS:
        settings = parse_settings(member.settings)
        partner = unit(session, lambda it=settings: partners.create(session, it, start, SYSTEM))  # type: ignore[misc]
        team = [_user(session, name, member.address(name), role, start, partner.id) for name, role in member.people]
        story.join(member.key, partner, team[0])
    _user(session, *cast.AMERICAS, start, portfolio=[story.ids[key] for key in cast.PORTFOLIO])
    return manager


def _user(
    session: AnySession, name: str, address: str, role: Role, now: datetime, partner_id: str | None = None,
    portfolio: list[str] | None = None,
) -> Actor:  # fmt: skip
    """Someone who signs in with the demo's password; it is hashed once for all, since that is slow on purpose."""
    data = {
        "email": address, "name": name, "role": role.value, "partner_id": partner_id, "portfolio": portfolio or [],
        "timezone": None if partner_id else "Europe/Berlin",
    }  # fmt: skip

    def work() -> Actor:
        wanted = {key: value for key, value in data.items() if value is not None}
        user, _ = accounts.create_user(session, SYSTEM, wanted, now)
        user.password_hash = _hashed()
        tokens.end_all(session, user, now)
        return accounts.actor_for_user(session, user)

    return unit(session, work)


@cache
def _hashed() -> str:
    return hash_password(cast.PASSWORD)


def _settings(session: AnySession, story: Story) -> None:
    """Campaigns, the lead definition, rules (two versions and a draft), and the second policy, announced before."""
    start = story.start
    unit(session, lambda: _campaigns(session, story))
    unit(session, lambda: _define(session, start))
    first = cast.rules(story.ids)
    _rules(session, first[1:], "First rules", start)
    story.at(story.ago(82), lambda now: _rules(session, first, "Key accounts go to one partner", now))
    story.at(story.ago(50), lambda now: _policy(session, story.ago(46), now))
    shorter = cast.rules(story.ids, pool_hours=48)
    story.at(story.ago(2), lambda now: _draft(session, shorter, "Two days in the open pool are enough", now))


def _campaigns(session: AnySession, story: Story) -> None:
    for name, first, last in cast.CAMPAIGNS:
        days = [story.ago(day).date().isoformat() for day in (first, last)]
        session.add(Campaign(id=new_id(), name=name, starts_on=days[0], ends_on=days[1], created_at=story.start))


def _define(session: AnySession, now: datetime) -> None:
    """Publish the lead definition."""
    parse_definition(cast.DEFINITION)
    definition = LeadDefinition(
        id=new_id(), number=1, state=VersionState.PUBLISHED, body=cast.DEFINITION, note="Agreed with the partners",
        created_at=now, published_at=now,
    )  # fmt: skip
    session.add(definition)
    session.execute(update(Live).where(Live.id == 1).values(changed_at=now))
    changed(session, definition_id=definition.id)
    record(session, SYSTEM, "definition.publish", "lead_definition", definition.id, now, facts={"number": 1})


def _draft(session: AnySession, rules: list[dict[str, object]], note: str, now: datetime) -> str:
    return unit(session, lambda: versions.draft(session, rules, note, now, SYSTEM)).id


def _rules(session: AnySession, rules: list[dict[str, object]], note: str, now: datetime) -> None:
    drafted = _draft(session, rules, note, now)
    unit(session, lambda: versions.publish(session, drafted, now, SYSTEM))


def _policy(session: AnySession, from_: datetime, now: datetime) -> None:
    body = cast.policy(DEFAULT_POLICY)
    drafted = unit(session, lambda: policies.draft(session, body, "Calls back, a second touch", now, SYSTEM))
    unit(session, lambda: policies.publish(session, drafted.id, from_, now, SYSTEM))


def _old_news(session: AnySession, now: datetime) -> None:
    """What was told long ago is told: the clock that starts now mails nobody about it."""
    old = update(Outbox).where(Outbox.state == "pending", Outbox.created_at < now - STILL_NEWS)
    session.execute(old.values(state="posted", posted_at=Outbox.created_at))


def _logins() -> DemoLogins:
    by_key = {member.key: member for member in cast.PARTNERS}
    ostwind, valeazul = by_key["ostwind"], by_key["valeazul"]
    (rep, rep_role), (admin, admin_role) = ostwind.people
    owner, owner_role = valeazul.people[1]
    return DemoLogins((
        (rep_role, f"{ostwind.name}, warned: two overdue, more due today", ostwind.address(rep)),
        (admin_role, f"{ostwind.name}, with its team and hours", ostwind.address(admin)),
        (owner_role, f"{valeazul.name}, stopped: the way back", valeazul.address(owner)),
        (cast.MANAGER[2], "all partners", cast.MANAGER[1]),
        (cast.MARKETER[2], "leads and campaigns", cast.MARKETER[1]),
        (cast.ADMIN[2], "everything", cast.ADMIN[1]),
    ))  # fmt: skip
