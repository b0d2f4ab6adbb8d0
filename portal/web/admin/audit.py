"""The audit: who did what to what, and why, newest first; and whether the sealed chain holds."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.platform import Audit
from portal.accounts.audit import broken_links
from portal.web import gate
from portal.web.admin import audit_reading
from portal.web.admin.audit_reading import Named, Wanted
from portal.web.admin.audit_words import ACTS, deed, facts_words, kind_words
from portal.web.shell import saved, since, when
from portal.web.staff import paging
from portal.web.staff.forms import day_of

audit = Blueprint("audit", __name__, url_prefix="/audit")
gate.only(audit, *gate.ADMINS)
#: So many links that do not hold are counted; one is enough to know.
MOST_BROKEN = 100


@audit.get("")
def index() -> ResponseReturnValue:
    """A page of the audit; filters stay in the address."""
    wanted, after = _wanted(), request.args.get("after") or None
    rows, more = audit_reading.rows(db.session, wanted, after)
    found = [row for row, _ in rows]
    names, partners = audit_reading.names(db.session, found), audit_reading.partner_names(db.session, found)
    last = audit_reading.last_seal(db.session)
    return render_template(
        "audit/index.html",
        rows=[_row(row, seal, names.get((row.object_type, row.object_id)), partners) for row, seal in rows],
        wanted=wanted,
        acts=_acts(wanted.action),
        sealed=f"Sealed up to number {last[0]:,}, {when(last[1].at)}" if last else "",
        first_url=paging.here(after=None) if after else None,
        next_url=paging.here(after=found[-1].id) if more else None,
    )


def _wanted() -> Wanted:
    return Wanted(
        actor=paging.words("actor"),
        action=paging.words("action"),
        object=paging.words("object"),
        since=day_of(request.args.get("from")),
        until=day_of(request.args.get("to")),
    )


def _acts(wanted: str) -> list[tuple[str, str]]:
    """Every act with its words, and what the address asks for where it is another."""
    listed = sorted(((act, words[:1].upper() + words[1:]) for act, words in ACTS.items()), key=lambda each: each[1])
    return [(wanted, wanted), *listed] if wanted and wanted not in ACTS else listed


@audit.post("/verify")
def verify() -> ResponseReturnValue:
    """Work every link of the chain out anew and say whether it holds."""
    wrong = [sentence for sentence, _ in zip(broken_links(db.session), range(MOST_BROKEN), strict=False)]
    last = audit_reading.last_seal(db.session)
    if wrong:
        told = f"The chain does not hold in {len(wrong)}{' or more' if len(wrong) == MOST_BROKEN else ''} places."
        flash(f"{told} {wrong[0]}", "stop")
    elif last is None:
        flash("Nothing is sealed yet: the clock seals rows as it runs.", "stop")
    else:
        saved(f"The chain is intact up to number {last[0]:,}, {when(last[1].at)}.")
    return redirect(url_for("audit.index"))


def _row(row: Audit, seal: int | None, named: Named | None, partners: dict[str, str]) -> dict[str, Any]:
    partner = partners.get(row.partner_id or "", "") if row.object_type != "partner" else ""
    return {
        "at": since(row.at),
        "who": row.actor_name or "Fairlead",
        "by_key": row.actor_kind == "key",
        "deed": deed(row.action),
        "about": "" if row.object_id == row.actor_id else named.name if named else kind_words(row.object_type),
        "partner": partner,
        "seal": seal,
        "url": named.url if named else None,
        "facts": facts_words(row.facts),
    }
