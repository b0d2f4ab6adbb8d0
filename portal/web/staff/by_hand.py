"""Many leads at once, by hand: to one partner, or placed by the rules again; the effect named first, then each told."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField
from wtforms.validators import InputRequired

from models.base import db
from models.leads import Lead
from models.partners import Partner
from portal.accounts import access
from portal.enforcement import bulk
from portal.enforcement.bulk import Told
from portal.vocabulary import LeadStatus
from portal.web import gate
from portal.web.shell import safe_next
from portal.web.staff import by_hand_reading, paging
from portal.web.staff.by_hand_reading import Chosen
from portal.web.staff.forms import ReasonForm, said
from portal.web.staff.partner_words import lead_name
from portal.web.staff.queue import reason_of
from portal.web.visitor import actor, now

by_hand = Blueprint("by_hand", __name__, url_prefix="/by-hand")
gate.only(by_hand, *gate.MANAGERS)
MOST = 100


class ToForm(ReasonForm):
    """To which partner, and why."""

    partner_id = SelectField("Partner", [InputRequired("Choose a partner.")], choices=[])


@by_hand.get("/assign")
@by_hand.get("/again")
def back() -> ResponseReturnValue:
    """Nothing is chosen at these addresses alone."""
    return redirect(url_for("queue.index"))


@by_hand.post("/assign")
def assign() -> ResponseReturnValue:
    """Offer the chosen leads to one partner. What speaks against it is shown once before it is done."""
    rows, form = by_hand_reading.chosen(db.session, actor(), paging.ticked("ids", MOST)), ToForm()
    if not rows:
        return _nothing()
    partners = by_hand_reading.partners(db.session, actor())
    form.partner_id.choices = [("", "Choose a partner"), *((p.id, _choice(p)) for p in partners)]
    if not _asked() or not form.validate_on_submit():
        return _assign_page(form, rows, partners, None)
    partner = access.one(db.session, access.partners(actor()), Partner.id, said(form.partner_id))
    if request.form.get("seen") != partner.id:
        return _assign_page(form, rows, partners, partner)
    ids = [each.lead.id for each in rows]
    return _told(rows, bulk.assign(db.session, actor(), ids, partner.id, said(form.reason), now()))


def _choice(partner: Partner) -> str:
    told = f"{partner.name} ({partner.standing.label.lower()}, {partner.open_leads} of {partner.cap_now} open)"
    if not partner.active:
        return f"{partner.name} (switched off)"
    return told if partner.reachable else f"{partner.name} (nobody to reach)"


def _assign_page(
    form: ToForm, rows: Sequence[Chosen], partners: Sequence[Partner], to: Partner | None
) -> ResponseReturnValue:
    against = by_hand_reading.against(db.session, [each.lead for each in rows], to, now()) if to else {}
    barred = by_hand_reading.barred(to)
    taken = sum(each.holder is not None for each in rows)
    return _page(
        "Assign",
        form,
        rows,
        f"Offer {_leads(len(rows))} to {to.name}" if to else f"Offer {_leads(len(rows))} to one partner",
        [*([barred] if barred else _fills(to, len(rows))), *_taken(taken)],
        against=against,
        to=to,
        barred=bool(barred),
        action=f"Assign {_leads(len(rows))}" if to else "See what it does",
        release=bool(to and to.active and not to.standing.allows_leads),
    )


def _fills(to: Partner | None, number: int) -> list[str]:
    told = ["Each is an offer that has to be answered in time. It uses no turn of the rotation."]
    if to is None:
        return told
    return [f"{to.name} then has {to.open_leads + number} open; its cap is {to.cap_now}.", *told]


def _taken(number: int) -> list[str]:
    if not number:
        return []
    one = number == 1
    return [f"{number} {'is' if one else 'are'} taken from {'the partner that holds it' if one else 'who holds them'}"
            ", at once and without its fault."]  # fmt: skip


@by_hand.post("/again")
def again() -> ResponseReturnValue:
    """Have the chosen leads placed by the rules again."""
    rows, form = by_hand_reading.chosen(db.session, actor(), paging.ticked("ids", MOST)), ReasonForm()
    if not rows:
        return _nothing()
    if _asked() and form.validate_on_submit():
        ids = [each.lead.id for each in rows]
        return _told(rows, bulk.again(db.session, actor(), ids, said(form.reason), now()))
    effects = _again_effects(rows)
    title = f"Place {_leads(len(rows))} by the rules again"
    return _page("Run again", form, rows, title, effects, action=title)


def _again_effects(rows: Sequence[Chosen]) -> list[str]:
    held, waits = sum(each.holder is not None for each in rows), sum(_waits(each.lead) for each in rows)
    left = len(rows) - held - waits
    told = _taken(held)
    if waits:
        told.append(f"{_leads(waits)} that nobody has {'is' if waits == 1 else 'are'} tried again.")
    if left:
        told.append(f"{_leads(left)} {'stays as it is' if left == 1 else 'stay as they are'}: assign by hand.")
    return told


def _waits(lead: Lead) -> bool:
    return lead.status is LeadStatus.UNALLOCATED


def _leads(number: int) -> str:
    return "1 lead" if number == 1 else f"{number} leads"


def _asked() -> bool:
    return "step" in request.form


def _nothing() -> ResponseReturnValue:
    flash("Choose at least one lead.", "stop")
    return redirect(_home())


def _home() -> str:
    return safe_next(request.form.get("next"), url_for("queue.index"))


def _page(
    verb: str, form: Any, rows: Sequence[Chosen], title: str, effects: list[str], **more: Any
) -> ResponseReturnValue:
    if not _asked():
        form.process(formdata=None)
    against = more.pop("against", {})
    return render_template(
        "queue/many.html",
        verb=verb,
        form=form,
        heading=title,
        effects=effects,
        rows=[{**_row(each), "against": against.get(each.lead.id, [])} for each in rows],
        home=_home(),
        **more,
    ), 422 if form.errors else 200


def _row(each: Chosen) -> dict[str, Any]:
    lead = each.lead
    return {
        "id": lead.id,
        "name": lead_name(lead),
        "url": url_for("lead.page", lead_id=lead.id),
        "grade": lead.grade,
        "where": each.holder.name if each.holder else reason_of(lead) if _waits(lead) else lead.status.label,
    }


def _told(rows: Sequence[Chosen], told: Sequence[Told]) -> ResponseReturnValue:
    """Each lead with what became of it."""
    named = {each.lead.id: _row(each) for each in rows}
    done = sum(each.done for each in told)
    return render_template(
        "queue/done.html",
        heading=f"{done} of {_leads(len(told))} done" if done < len(told) else f"{_leads(done)} done",
        rows=[{**named[each.id], "done": each.done, "sentence": each.sentence} for each in told],
        home=_home(),
    )
