"""What if: past leads replayed through a version of the rules, beside what really became of them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateField
from wtforms.validators import InputRequired

from models.allocation import RuleVersion
from models.base import db
from models.leads import Lead
from models.session import unit
from models.trials import Trial
from portal.accounts import access
from portal.allocation.replay import trials
from portal.errors import Conflict, Invalid
from portal.reporting.period import Period
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import rules_reading, whatif_words
from portal.web.shell import attempt, zone
from portal.web.staff import paging
from portal.web.staff.forms import LAST_YEAR, with_errors
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

rules_whatif = Blueprint("rules_whatif", __name__, url_prefix="/rules")
gate.only(rules_whatif, *gate.ADMINS)
USUAL_DAYS = 90
LATEST = 10
LEADS_SHOWN = 50
GIVE_A_DAY = "Give a day, such as 2026-03-01."


class PeriodForm(FlaskForm):  # type: ignore[misc]
    """The days whose leads are replayed, both included."""

    first = DateField("From", [InputRequired(GIVE_A_DAY)])
    last = DateField("To", [InputRequired(GIVE_A_DAY)])

    def instants(self) -> tuple[datetime, datetime]:
        """The period in UTC, by the reader's own days; a day that is not over counts to this moment. Raises Invalid."""
        asked = Period(self._day("first"), self._day("last"), zone())
        return asked.starts, min(asked.ends, now())

    def _day(self, name: str) -> date:
        day: date | None = self[name].data
        if day is None or not 1970 <= day.year <= LAST_YEAR:
            raise Invalid([(name, GIVE_A_DAY)])
        return day


@rules_whatif.get("/what-if")
def index() -> ResponseReturnValue:
    """Every what-if, newest first."""
    query = select(Trial).order_by(Trial.id.desc()).limit(paging.SIZE + 1)
    listed, more = paging.cut(db.session.scalars(query.offset((paging.page_number() - 1) * paging.SIZE)).all())
    return render_template(
        "rules/what_ifs.html", trials=[_line(trial) for trial in listed], live=rules_reading.live(),
        draft=rules_reading.newest_draft(), **paging.numbered(more),
    )  # fmt: skip


@rules_whatif.get("/<version_id>/what-if")
def begin(version_id: str) -> ResponseReturnValue:
    """Which period to replay, and what was asked about this version before."""
    found, form = rules_reading.found(version_id), PeriodForm()
    today = _today()
    form.first.data, form.last.data = today - timedelta(days=USUAL_DAYS - 1), today
    return _begin_page(found, form)


def _today() -> date:
    return now().astimezone(ZoneInfo(zone())).date()


def _begin_page(found: RuleVersion, form: PeriodForm, status: int = 200) -> ResponseReturnValue:
    query = select(Trial).where(Trial.rule_version_id == found.id).order_by(Trial.id.desc()).limit(LATEST)
    draft = found.state is VersionState.DRAFT
    return render_template(
        "rules/what_if_begin.html", version=found, form=form, is_live=found.state is VersionState.PUBLISHED,
        editable=draft, trials=[_line(trial) for trial in db.session.scalars(query)],
        obstacles=rules_reading.obstacles(found) if found.state is not VersionState.PUBLISHED else [],
    ), status  # fmt: skip


@rules_whatif.post("/<version_id>/what-if")
def start(version_id: str) -> ResponseReturnValue:
    """Ask for it; its page tells how far it is."""
    found, form = rules_reading.found(version_id), PeriodForm()
    if not form.validate_on_submit():
        return _begin_page(found, form, 422)
    try:
        first, last = form.instants()
        trial = unit(db.session, lambda: trials.ask(db.session, version_id, first, last, now(), actor()))
    except Invalid as refusal:
        # The form's names come first; what is wrong with the rules themselves the page tells in its own words.
        told = [(path, sentence) for path, sentence in refusal.errors if not path.startswith("rules")]
        form = with_errors(form, told, {"from": "first", "to": "last"})
        return _begin_page(rules_reading.found(version_id), form, 422)
    except Conflict as refusal:
        flash(str(refusal), "refused")
        return redirect(url_for("rules_whatif.begin", version_id=version_id))
    return redirect(url_for("rules_whatif.trial", trial_id=trial.id))


@rules_whatif.get("/what-if/<trial_id>")
def trial(trial_id: str) -> ResponseReturnValue:
    """How far one is, or what came of it."""
    found = trials.found(db.session, rules_reading.clean(trial_id))
    version = db.session.get(RuleVersion, found.rule_version_id)
    result = found.result
    return render_template(
        "rules/what_if.html", trial=found, period=_period(found), version=version,
        percent=100 * found.done // found.whole if found.whole else 0,
        outdated=_outdated(found, version), told=whatif_words.told(result) if result else None,
        effect=whatif_words.effect(result, as_it_was=found.rules is None) if result else None,
        leads=_leads(result["nobody"]["leads"]) if result else [],
    )  # fmt: skip


@rules_whatif.post("/what-if/<trial_id>/cancel")
def cancel(trial_id: str) -> ResponseReturnValue:
    """End one that is under way."""
    here = url_for("rules_whatif.trial", trial_id=trial_id)
    return attempt(
        lambda: unit(db.session, lambda: trials.cancel(db.session, rules_reading.clean(trial_id), now())),
        "The what-if is cancelled.",
        here,
    )


def _outdated(found: Trial, version: RuleVersion | None) -> bool:
    """Whether the draft is another one by now than the one that was replayed."""
    if version is None:
        return found.rules is not None
    return version.state is VersionState.DRAFT and version.revision != found.revision


def _line(found: Trial) -> dict[str, object]:
    return {"trial": found, "period": _period(found), "sentence": whatif_words.in_short(found)}


def _period(found: Trial) -> str:
    """The days of a what-if in the reader's zone; its end belongs to the day before, where that is a midnight."""
    last = found.to_at - timedelta(microseconds=1)
    first, until = (at.astimezone(ZoneInfo(zone())).date() for at in (found.from_at, last))
    return whatif_words.days(first, until, _today())


def _leads(named: list[list[str]]) -> list[dict[str, object]]:
    """The leads that find nobody, those of them that are still there, in the order in which they were named."""
    ids = [lead_id for lead_id, _ in named[:LEADS_SHOWN]]
    rows = {lead.id: lead for lead in db.session.scalars(access.leads(actor()).where(Lead.id.in_(ids)))}
    return [
        {"lead": rows[lead_id], "name": lead_name(rows[lead_id]), "why": whatif_words.cause(why)}
        for lead_id, why in named[:LEADS_SHOWN]
        if lead_id in rows
    ]
