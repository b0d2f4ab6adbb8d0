"""Outages: when the portal was away or the vendor closed, what that excused; declared and withdrawn here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import DateTimeLocalField, Field, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length

from models.base import db
from models.excuses import Excuse, Outage
from portal.compliance.beats import last_beat
from portal.compliance.outages import SILENT_AFTER
from portal.enforcement import excuses as acts
from portal.errors import Forbidden, Invalid, NotFound
from portal.vocabulary import ExcuseEffect, OutageKind, OutageOrigin
from portal.web import gate
from portal.web.shell import attempt, saved, since, when
from portal.web.staff import paging
from portal.web.staff.appeals import sane_year
from portal.web.staff.forms import instant, refused_on, said
from portal.web.visitor import actor, now

outages = Blueprint("outages", __name__, url_prefix="/outages")
gate.only(outages, *gate.MANAGERS)
FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
NOT_FOR_SOME = "An outage excuses every partner: somebody who manages all of them declares it."


class OutageForm(FlaskForm):  # type: ignore[misc]
    """From when to when, in the reader's zone, and why."""

    kind = RadioField(
        "What it was", [AnyOf([kind.value for kind in OutageKind], "Say what it was.")],
        choices=[SelectChoice(kind.value, kind.label) for kind in OutageKind], validate_choice=False,
    )  # fmt: skip
    starts_at = DateTimeLocalField(
        "From", [InputRequired("Give day and time, such as 2026-03-20 09:00.")], format=FORMATS
    )
    ends_at = DateTimeLocalField("To", [InputRequired("Give day and time, such as 2026-03-20 17:00.")], format=FORMATS)
    reason = TextAreaField(
        "Reason",
        [DataRequired("Say why: partners read it."),
         Length(max=acts.REASON, message=f"Use at most {acts.REASON:,} characters.")],
    )  # fmt: skip

    def validate_starts_at(self, field: Field) -> None:
        """A year that every zone can tell."""
        sane_year(field)

    validate_ends_at = validate_starts_at

    def at(self, name: str) -> datetime:
        """One of the two times as an instant in UTC."""
        return instant(self[name].data)


@outages.route("", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """The list with what each excused, and the form for another one."""
    form = OutageForm()
    if form.validate_on_submit():
        try:
            acts.declare(
                db.session, actor(), OutageKind(form.kind.data), form.at("starts_at"),
                form.at("ends_at"), said(form.reason), now(),
            )  # fmt: skip
            saved("Declared. Within a minute every deadline that it took time from is moved or waived.")
            return redirect(url_for("outages.index"))
        except Invalid as refusal:
            refused_on(form, refusal)
        except Forbidden as refusal:
            form.form_errors = [str(refusal)]
    rows, more = _rows(paging.page_number())
    beat = last_beat(db.session)
    return render_template(
        "outages/index.html", form=form, rows=rows, may=actor().portfolio is None, not_for_some=NOT_FOR_SOME,
        beat=since(beat) if beat else None, minutes=int(SILENT_AFTER.total_seconds() // 60),
        **paging.numbered(more),
    ), 422 if form.errors else 200  # fmt: skip


def _rows(page: int) -> tuple[list[dict[str, Any]], bool]:
    """A page of outages, the latest first; what they excused is counted in one query."""
    query = select(Outage).order_by(Outage.starts_at.desc(), Outage.id.desc())
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((page - 1) * paging.SIZE)).all()
    shown, more = paging.cut(found)
    counted = select(Excuse.outage_id, Excuse.effect, func.count()).group_by(Excuse.outage_id, Excuse.effect)
    counts = {
        (id_, effect): count
        for id_, effect, count in db.session.execute(counted.where(Excuse.outage_id.in_([row.id for row in shown])))
    }
    return [_row(row, counts) for row in shown], more


def _row(row: Outage, counts: Mapping[tuple[str | None, ExcuseEffect], int]) -> dict[str, Any]:
    parts = [
        f"{count} {word}"
        for effect, word in ((ExcuseEffect.EXTENDED, "extended"), (ExcuseEffect.WAIVED, "waived"))
        if (count := counts.get((row.id, effect)))
    ]
    waits = row.withdrawn_at is None and row.applied_at is None
    nothing = "Applied by the next sweep" if waits else "No deadline"
    return {
        "kind": row.kind.label,
        "found": row.origin is OutageOrigin.HEARTBEAT,
        "from": when(row.starts_at),
        "to": when(row.ends_at) if row.ends_at else "still going on",
        "reason": row.reason,
        "by": row.created_by_name,
        "excused": ", ".join(parts) or nothing,
        "withdrawn": f"Withdrawn {when(row.withdrawn_at)}: {row.withdrawn_reason}" if row.withdrawn_at else "",
        "withdraw": url_for("outages.withdraw", outage_id=row.id) if row.withdrawn_at is None else None,
    }


class WithdrawForm(FlaskForm):  # type: ignore[misc]
    """Why an outage is taken back."""

    reason = TextAreaField("Reason", [DataRequired("Say why: it is kept."), Length(max=acts.REASON)])


@outages.route("/<outage_id>/withdraw", methods=["GET", "POST"])
def withdraw(outage_id: str) -> ResponseReturnValue:
    """Take an outage back; the effect is named first."""
    found, form = db.session.get(Outage, outage_id), WithdrawForm()
    if found is None or found.withdrawn_at is not None:
        raise NotFound
    if form.validate_on_submit():
        return attempt(
            lambda: acts.withdraw(db.session, actor(), outage_id, said(form.reason), now()),
            "Withdrawn: it excuses nothing more.", url_for("outages.index"),
        )  # fmt: skip
    row = _row(found, {})
    return render_template("outages/withdraw.html", form=form, row=row), 422 if form.errors else 200
