"""All leads for the vendor's people: the table with its filters, a lead typed in by hand, leads from a file."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from models.allocation import Decision
from models.base import db
from models.leads import Lead
from models.session import unit
from portal.errors import Invalid
from portal.intake.files import Report, import_leads
from portal.intake.policy import parse_lead
from portal.intake.service import receive
from portal.vocabulary import LeadStatus, Role
from portal.web import gate
from portal.web.shell import saved, since
from portal.web.staff import kept_files, lead_reading, paging
from portal.web.staff.forms import day_of, refused_on
from portal.web.staff.lead_forms import ImportForm, LeadForm
from portal.web.staff.lead_reading import Wanted
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

leads = Blueprint("leads", __name__, url_prefix="/leads")
gate.only(leads, *gate.STAFF)
#: As in the API: who brings leads in.
BRINGERS = (Role.MARKETER, Role.ADMIN)
MOST_ERRORS = 200


@leads.get("")
def index() -> ResponseReturnValue:
    """Newest first; filters stay in the address."""
    wanted = _wanted()
    after = request.args.get("after") or None
    rows, following = lead_reading.leads(db.session, actor(), wanted, after)
    held = lead_reading.holders(db.session, actor(), [lead.id for lead in rows])
    return render_template(
        "leads/index.html",
        rows=[_row(lead, held.get(lead.id)) for lead in rows],
        wanted=wanted,
        statuses=list(LeadStatus),
        partners=lead_reading.names(db.session, actor()),
        brings=actor().role in BRINGERS,
        manages=actor().manages_partners,
        here=paging.here(),
        looked_at=lead_reading.LOOKED_AT if wanted.text and not wanted.dated else None,
        first_url=paging.here(after=None) if after else None,
        next_url=paging.here(after=following) if following else None,
    )


def _wanted() -> Wanted:
    status = request.args.get("status", "")
    return Wanted(
        status=LeadStatus(status) if status in set(LeadStatus) else None,
        partner_id=request.args.get("partner", "").replace("\x00", "")[:36],
        text=paging.words(),
        since=day_of(request.args.get("from")),
        until=day_of(request.args.get("to")),
    )


def _row(lead: Lead, holder: Any) -> dict[str, Any]:
    person = " ".join(filter(None, (lead.first_name, lead.last_name)))
    place = ", ".join(filter(None, (lead.city or lead.region, lead.country)))
    return {
        "name": lead_name(lead),
        "url": url_for("lead.page", lead_id=lead.id),
        "grade": lead.grade,
        "detail": ", ".join(filter(None, (person if lead.company else "", lead.product, place))),
        "status": lead.status.label,
        "received": since(lead.received_at),
        "source": lead.campaign or lead.source or "",
        "holder": holder.name if holder else None,
        "score": lead.score,
        "holder_url": url_for("partner.page", partner_id=holder.id) if holder and actor().manages_partners else None,
    }


def _only_bringers() -> None:
    if actor().role not in BRINGERS:
        abort(404)


@leads.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """A lead typed in by hand, placed as any other."""
    _only_bringers()
    form = LeadForm()
    if form.validate_on_submit():
        try:
            parsed = parse_lead(form.facts(), now())
            lead, fresh = unit(db.session, lambda: receive(db.session, parsed, now(), actor()))
            saved(_received(lead) if fresh else "This external id was known: here is the lead it belongs to.")
            return redirect(url_for("lead.page", lead_id=lead.id))
        except Invalid as refusal:
            refused_on(form, refusal)
    return render_template("leads/new.html", form=form), 422 if form.errors else 200


def _received(lead: Lead) -> str:
    """What became of it, from its decision."""
    if lead.status is LeadStatus.DUPLICATE:
        return "Saved. This person has a live lead: the enquiry joins its timeline."
    decision = db.session.query(Decision).filter_by(lead_id=lead.id).order_by(Decision.id.desc()).first()
    told = decision.sentence if decision is not None and lead.status is not LeadStatus.DISQUALIFIED else lead.reason
    return f"Saved, {lead.status.label.lower()}. {told or ''}".strip()


@leads.route("/import", methods=["GET", "POST"])
def upload() -> ResponseReturnValue:
    """A file of leads: first checked and shown, then imported."""
    _only_bringers()
    form = ImportForm()
    if not form.validate_on_submit():
        return _import_page(form, None, "", 422 if form.errors else 200)
    try:
        token = kept_files.keep(_file(form), str(actor().id), now())
        return _preview(form, token)
    except Invalid as refusal:
        return _import_page(refused_on(form, refusal, {"": "file"}), None, "", 422)


def _file(form: ImportForm) -> FileStorage:
    file: FileStorage = form.file.data
    return file


def _preview(form: ImportForm, token: str) -> ResponseReturnValue:
    report = _run(token, form, dry_run=True)
    return _import_page(form, report, token, 200)


def _run(token: str, form: ImportForm, *, dry_run: bool) -> Report:
    with kept_files.opened(token, str(actor().id)) as (stream, name):
        return import_leads(
            db.session, actor(), stream, name, mapping=form.columns() or None, dry_run=dry_run, now=now()
        )


@leads.post("/import/<token>")
def commit(token: str) -> ResponseReturnValue:
    """Import the file that was checked."""
    _only_bringers()
    form = ImportForm()
    try:
        report = _run(token, form, dry_run=False)
    except Invalid as refusal:
        flash(str(refusal), "stop")
        return redirect(url_for("leads.upload"))
    kept_files.drop(token, str(actor().id))
    saved(_imported(report))
    if report.errors:
        return _import_page(ImportForm(formdata=None), report, "", 200, done=True)
    return redirect(url_for("leads.index"))


def _imported(report: Report) -> str:
    parts = [f"{report.created} of {report.rows} rows imported"]
    parts += [f"{report.duplicates} of them joined a live lead"] if report.duplicates else []
    parts += [f"{report.known} were known already"] if report.known else []
    return "; ".join(parts) + "."


def _import_page(
    form: ImportForm, report: Report | None, token: str, status: int, done: bool = False
) -> ResponseReturnValue:
    wrong = sorted({line for line, _, _ in report.errors}) if report else []
    return render_template(
        "leads/import.html", form=form, report=report, token=token, wrong=len(wrong), most=MOST_ERRORS, done=done
    ), status
