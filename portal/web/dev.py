"""Mail that was kept or sent, to read while developing. In production these pages do not exist."""

import re
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from sqlalchemy import select

from models.base import db
from models.platform import Mail
from portal.config import Settings
from portal.errors import NotFound
from portal.notifications.links import Links
from portal.web import gate
from portal.web.shell import since
from portal.web.staff import paging

dev = Blueprint("dev", __name__, url_prefix="/dev")
#: Mail holds links that let people in: not even here for everyone.
gate.only(dev, *gate.ADMINS)
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;)]")


@dev.before_request
def only_in_development() -> None:
    """Refuse everything where the installation is a real one."""
    settings: Settings = current_app.extensions["fairlead"]
    if settings.production:
        abort(404)


@dev.get("/mail")
def mail() -> ResponseReturnValue:
    """The latest mails first."""
    after = request.args.get("after") or None
    query = select(Mail).order_by(Mail.id.desc()).limit(paging.SIZE + 1)
    rows, more = paging.cut(db.session.scalars(query.where(Mail.id < after) if after else query).all())
    return render_template(
        "dev/mail.html",
        rows=[_row(row) for row in rows],
        first_url=paging.here(after=None) if after else None,
        next_url=paging.here(after=rows[-1].id) if more else None,
    )


def _row(row: Mail) -> dict[str, Any]:
    return {"id": row.id, "subject": row.subject, "to": row.address, "state": row.state, "at": since(row.created_at)}


@dev.get("/mail/<mail_id>")
def one(mail_id: str) -> ResponseReturnValue:
    """One mail as its reader gets it, its links working."""
    found = db.session.get(Mail, mail_id)
    if found is None:
        raise NotFound
    settings: Settings = current_app.extensions["fairlead"]
    text = Links(settings.base_url, settings.secret_key).signed(found.text)
    return render_template("dev/one.html", mail=found, at=since(found.created_at), paragraphs=_paragraphs(text))


def _paragraphs(text: str) -> list[Markup]:
    return [linked(part) for part in re.split(r"\n{2,}", text.strip())]


def linked(text: str) -> Markup:
    """Plain text with its addresses as links."""
    shown, at = Markup(), 0
    for match in LINK.finditer(text):
        shown += escape(text[at : match.start()]) + Markup('<a href="{0}">{0}</a>').format(match[0])
        at = match.end()
    return shown + escape(text[at:])
