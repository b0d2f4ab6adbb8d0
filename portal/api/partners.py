"""Partners: set up, changed, and how they stand; their people and their keys."""

from typing import Any

from models.accounts import User
from models.partners import Partner
from portal.accounts import access
from portal.accounts.keys import create_key
from portal.accounts.service import create_user
from portal.accounts.tokens import INVITATION, LIFETIME
from portal.api import answers, bodies
from portal.api.call import ADMIN, ADMINS, ALL, MANAGERS, PARTNER, READERS, STAFF, call
from portal.api.cursors import Page, page
from portal.api.edge import Call
from portal.api.kinds import instant_json
from portal.calendars.describe import exact
from portal.calendars.public_holidays import is_known
from portal.compliance import partners
from portal.compliance.queries import standing_view
from portal.compliance.service import lock_partner
from portal.compliance.settings import OWN, parse_settings
from portal.enforcement import acts
from portal.errors import Forbidden
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic, Role

TAG = "Partners"
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
PLAIN = (
    "id", "name", "tier", "weight", "timezone", "country", "quiet_periods", "territories", "products", "tags",
    "open_lead_cap", "daily_cap", "weekly_cap", "wants_early_leads", "active", "reachable", "standing", "open_leads",
    "postcode", "product_caps",
)  # fmt: skip


def partner_json(row: Partner) -> dict[str, Any]:
    """One partner, its hours written out where they are the default."""
    observed = {"country": row.country} if is_known(row.country) else None
    return {
        **{name: getattr(row, name) for name in PLAIN},
        "opening_hours": row.hours.get("opening_hours") or OFFICE,
        "holidays": row.hours.get("holidays", observed),
        "closures": row.hours.get("closures") or [],
        "standing_since": instant_json(row.standing_since),
        "standing_until": instant_json(row.standing_until),
        "created_at": instant_json(row.created_at),
    }


def find_partner(this: Call) -> Partner:
    """The partner that the path names, where the actor sees it."""
    return access.one(this.session, access.partners(this.actor), Partner.id, this.id("partner_id"))


@call("POST", "/partners", ADMIN, {201: answers.Partner}, tag=TAG, body=bodies.PartnerIn, raw=True)
def create_partner(this: Call) -> tuple[int, Any]:
    """Set up a partner. It gets leads once a user of it can be reached."""
    settings = parse_settings(this.body)
    partner = this.write(lambda: partners.create(this.session, settings, this.now, this.actor))
    return 201, partner_json(partner)


@call("GET", "/partners", READERS, {200: answers.ListOf(answers.Partner)}, tag=TAG, query=Page)
def list_partners(this: Call) -> tuple[int, Any]:
    """List partners; a partner sees itself."""
    rows, following = page(this.session, access.partners(this.actor), [Partner.slot], this.query, name="partners")
    return 200, {"items": [partner_json(row) for row in rows], "next": following}


@call("GET", "/partners/<partner_id>", READERS, {200: answers.Partner}, tag=TAG, find=find_partner)
def show_partner(this: Call) -> tuple[int, Any]:
    """Show a partner."""
    return 200, partner_json(this.found)


@call(
    "PATCH",
    "/partners/<partner_id>",
    ADMINS,
    {200: answers.Partner},
    tag=TAG,
    find=find_partner,
    body=bodies.PartnerChange,
    raw=True,
)
def change_partner(this: Call) -> tuple[int, Any]:
    """Change a partner from now on; open deadlines keep what they were opened with.

    A partner changes its own opening_hours, holidays, closures, quiet_periods and wants_early_leads.
    """
    others = sorted(set(this.body) & set(bodies.PartnerChange.model_fields) - set(OWN))
    if this.actor.is_partner and others:
        raise Forbidden(f"You may change {', '.join(OWN)}. The vendor sets {', '.join(others)}.")
    partner_id = this.id("partner_id")

    def work() -> tuple[Partner, list[str]]:
        held = lock_partner(this.session, partner_id)
        current = {name: getattr(held, name) for name in ("timezone", "country", "hours")}
        settings = parse_settings(this.body, current)
        return partners.change(this.session, partner_id, settings, this.now, this.actor) if this.body else (held, [])

    this.act(work)
    return 200, partner_json(this.read().get_one(Partner, partner_id))


def _standing(this: Call) -> tuple[int, Any]:
    partner = access.one(this.session, access.partners(this.actor), Partner.id, this.id("partner_id"))
    view = standing_view(this.session, partner, this.now, lambda at: exact(at, partner.timezone, this.now))
    return 200, view


@call(
    "GET",
    "/partners/<partner_id>/standing",
    ALL,
    {200: answers.StandingAnswer},
    tag=TAG,
    find=find_partner,
)
def show_standing(this: Call) -> tuple[int, Any]:
    """Show a standing: why, the way back, and what comes if nothing is done."""
    return _standing(this)


@call("POST", "/partners/<partner_id>/ready", PARTNER, {200: answers.StandingAnswer}, tag=TAG, find=find_partner)
def say_ready(this: Call) -> tuple[int, Any]:
    """Say that you are ready for leads again, while stopped."""
    acts.ready(this.session, this.actor, this.id("partner_id"), this.now)
    this.read()
    return _standing(this)


@call(
    "POST",
    "/partners/<partner_id>/hold",
    MANAGERS,
    {200: answers.StandingAnswer},
    tag=TAG,
    find=find_partner,
    body=bodies.Until,
)
def hold(this: Call) -> tuple[int, Any]:
    """Hold a partner: no new leads until an instant."""
    acts.hold(this.session, this.actor, this.id("partner_id"), this.body.reason, this.body.until, this.now)
    this.read()
    return _standing(this)


@call(
    "POST",
    "/partners/<partner_id>/exempt",
    MANAGERS,
    {200: answers.StandingAnswer},
    tag=TAG,
    find=find_partner,
    body=bodies.Until,
)
def exempt(this: Call) -> tuple[int, Any]:
    """Exempt a partner: never stopped until an instant. Its deadlines run on."""
    acts.exempt(this.session, this.actor, this.id("partner_id"), this.body.reason, this.body.until, this.now)
    this.read()
    return _standing(this)


@call(
    "POST",
    "/partners/<partner_id>/release",
    MANAGERS,
    {200: answers.StandingAnswer},
    tag=TAG,
    find=find_partner,
    body=bodies.WithReason,
)
def release(this: Call) -> tuple[int, Any]:
    """Release a partner: end a stop, a hold or an exemption by hand."""
    acts.release(this.session, this.actor, this.id("partner_id"), this.body.reason, this.now)
    this.read()
    return _standing(this)


@call(
    "POST",
    "/partners/<partner_id>/users",
    ADMINS,
    {201: answers.Person},
    tag="People and keys",
    find=find_partner,
    body=bodies.PersonIn,
)
def invite_to_partner(this: Call) -> tuple[int, Any]:
    """Invite to a partner's team.

    The invitation goes out by mail. An admin is told its secret as well, once: `invitation` is what follows
    `/invitation/` in the link. A repeated Idempotency-Key answers with null there.
    """
    return _invite(this, {"partner_id": this.id("partner_id")}, (Role.PARTNER_REP, Role.PARTNER_ADMIN))


@call("POST", "/users", ADMIN, {201: answers.Person}, tag="People and keys", body=bodies.StaffIn)
def invite_staff(this: Call) -> tuple[int, Any]:
    """Invite a person of the vendor. `invitation` as for a partner's people."""
    return _invite(this, {}, STAFF)


def _invite(this: Call, more: dict[str, Any], roles: tuple[Role, ...]) -> tuple[int, Any]:
    from portal.accounts.fields import role_of

    role_of(this.body.role, roles)
    data = {**this.body.model_dump(exclude_none=True), **more}

    def work() -> tuple[User, str]:
        user, secret = create_user(this.session, this.actor, data, this.now)
        until = this.now + LIFETIME[INVITATION]
        facts = {"url": f"/invitation/{secret}", "until": until.isoformat()}
        notify(this.session, NoticeTopic.INVITATION, "user", this.now, user_id=user.id, facts=facts)
        return user, secret

    user, secret = this.write(work)
    this.secrets = ("invitation",)
    names = ("id", "email", "name", "role", "partner_id", "timezone", "active", "created_at")
    told = secret if this.actor.role is Role.ADMIN else None
    return 201, {**{name: getattr(user, name) for name in names}, "invitation": told}


@call(
    "POST",
    "/partners/<partner_id>/keys",
    ADMINS,
    {201: answers.Key},
    tag="People and keys",
    find=find_partner,
    body=bodies.KeyIn,
)
def create_partner_key(this: Call) -> tuple[int, Any]:
    """Make a key, for a partner's own systems.

    `key` is told once and kept nowhere; a repeated Idempotency-Key answers with null there.
    """
    partner_id, name = this.id("partner_id"), this.body.name
    made, secret = this.write(
        lambda: create_key(this.session, this.actor, name, Role.PARTNER_ADMIN, partner_id, this.now)
    )
    this.secrets = ("key",)
    names = ("id", "name", "role", "partner_id", "created_at")
    return 201, {**{name: getattr(made, name) for name in names}, "key": secret}
