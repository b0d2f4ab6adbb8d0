"""Try one lead: what the live rules and a draft would do with it now, side by side. Nothing is stored."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from models.allocation import RuleVersion
from models.base import db
from models.leads import Lead
from models.session import read_only
from portal.accounts import access
from portal.allocation.try_one import Tried, try_one, typed_lead
from portal.errors import Invalid
from portal.qualification.conditions import GRADES
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import rules_reading
from portal.web.admin.rules_choices import Choices
from portal.web.admin.rules_reading import clean
from portal.web.partner.forms import line, options
from portal.web.shell import since
from portal.web.staff.forms import with_errors
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

rules_try = Blueprint("rules_try", __name__, url_prefix="/rules/try")
gate.only(rules_try, *gate.ADMINS)
LATEST = 30
TEXTS = ("country", "region", "postcode", "product", "source", "campaign", "language", "company", "email", "message")


class TryForm(FlaskForm):  # type: ignore[misc]
    """A lead that came in, or the facts of one that might."""

    version = HiddenField()
    lead = SelectField("A lead that came in", default="")
    lead_id = StringField("Or its address or id", [Length(max=200)])
    country = line("Country")
    region = line("Region")
    postcode = line("Postcode")
    product = line("Product")
    source = line("Source")
    campaign = line("Campaign")
    language = line("Language")
    company = line("Company")
    email = line("E-mail")
    employees = IntegerField("Employees", [Optional()])
    score = IntegerField("Score", [Optional()])
    grade = SelectField(
        "Grade", choices=options([("", "By the lead definition"), *((g, g) for g in GRADES)]), default=""
    )
    message = line("Message")
    custom = TextAreaField("Your own fields", [Length(max=2000, message="Use at most 2,000 characters.")])

    @property
    def chosen(self) -> str:
        """The id of the lead that was picked; "" where facts were typed."""
        return clean(self.lead_id.data).strip().rstrip("/").rpartition("/")[2] or clean(self.lead.data)

    def facts(self) -> dict[str, Any]:
        """The facts that were typed. Raises Invalid."""
        typed = {name: text for name in TEXTS if (text := clean(self[name].data).strip())}
        if "@" in (domain := typed.pop("email", "")):
            typed["email_domain"] = domain.rpartition("@")[2].casefold()
        if len(typed.get("country", "")) == 2:
            typed["country"] = typed["country"].upper()
        numbers = {name: self[name].data for name in ("employees", "score") if self[name].data is not None}
        return {**typed, **numbers, **({"grade": self.grade.data} if self.grade.data else {}), "custom": self._own()}

    def _own(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for text in filter(None, map(str.strip, clean(self.custom.data).splitlines())):
            name, equals, value = (part.strip() for part in text.partition("="))
            if not (name and equals and value):
                raise Invalid([("custom", f"Write one a line, such as segment = retail. Look at: {text[:80]}")])
            found[name] = value
        return found


@rules_try.route("", methods=["GET", "POST"])
def page() -> ResponseReturnValue:
    """The form; by a POST, for contact data has no place in an address, with what would happen."""
    form = TryForm()
    if request.method == "GET":
        form.version.data, form.lead_id.data = request.args.get("version", ""), request.args.get("lead", "")
    else:
        # What follows only reads: the lock that a form's request takes is let go.
        db.session.rollback()
        read_only(db.session)
    _offer(form)
    if not form.validate_on_submit():
        return _page(form, None)
    try:
        return _page(form, _tried(form))
    except Invalid as refusal:
        return _page(with_errors(form, refusal.errors), None)


def _offer(form: TryForm) -> None:
    """The leads that came in last, by company, place and age."""
    query = access.leads(actor()).order_by(Lead.id.desc()).limit(LATEST)
    latest = [(lead.id, _told(lead)) for lead in db.session.scalars(query)]
    typed = form.lead.data
    if typed and typed not in dict(latest):
        latest.append((typed, "The lead picked before"))
    form.lead.choices = options([("", "None: as typed below"), *latest])


def _told(lead: Lead) -> str:
    place = ", ".join(filter(None, (lead.product, lead.region, lead.country)))
    return " · ".join(filter(None, (lead_name(lead), place, since(lead.received_at)["relative"])))


def _draft(form: TryForm) -> RuleVersion | None:
    """The version to try beside the live one: the one named, else the newest draft."""
    named = form.version.data
    return rules_reading.found(named) if named else rules_reading.newest_draft()


def _tried(form: TryForm) -> list[dict[str, Any]]:
    """What each version does, the live one first."""
    lead = _lead(form.chosen) if form.chosen else typed_lead(form.facts(), now())
    live, draft = rules_reading.live(), _draft(form)
    both = [("Live", live)] if live else []
    both += [("Draft" if draft.published_at is None else "Earlier", draft)] if draft and draft is not live else []
    return [
        {"title": f"{word}, version {version.number}", "version": version,
         "tried": _one(lead, version)}
        for word, version in both
    ]  # fmt: skip


def _one(lead: Lead, version: RuleVersion) -> Tried | str:
    """What one version does with the lead; where it cannot be used as it is, why."""
    try:
        rules = None if version.state is VersionState.PUBLISHED else version.rules
        return try_one(db.session, lead, rules, now())
    except Invalid as refusal:
        return " ".join(rules_reading.named(version.rules, each) for each in refusal.errors)


def _lead(lead_id: str) -> Lead:
    found: Lead | None = db.session.scalars(access.leads(actor()).where(Lead.id == lead_id)).first()
    if found is None:
        raise Invalid([("lead_id", "There is no such lead. Give the address of its page, or its id.")])
    return found


def _page(form: TryForm, tried: list[dict[str, Any]] | None) -> ResponseReturnValue:
    choices = Choices()
    seen = access.leads(actor()).where(Lead.id == form.chosen)
    lead = db.session.scalars(seen).first() if tried and form.chosen else None
    return render_template(
        "rules/try.html",
        form=form,
        tried=tried,
        lead=lead,
        lead_label=lead_name(lead) if lead else None,
        lead_url=url_for("lead.page", lead_id=lead.id) if lead else None,
        draft=_draft(form),
        live=rules_reading.live(),
        known={name: choices.suggested(name) for name in ("country", "product", "source", "campaign", "language")},
    ), 422 if form.errors or form.form_errors else 200
