"""Where the links of mails lead: a page that asks once more, and the act. Nobody is signed in, and nothing is set.

A GET reads and shows, whoever opens it: mail scanners follow every link. The POST acts, for the reader that the mail
was sent to, by the same acts as the screens. The signature in the address is what lets in, so it needs no other proof
of where the form came from; the page is kept nowhere and tells no other site that it was open.
"""

from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from models.accounts import User
from models.base import db
from models.session import unit
from portal.accounts import notices
from portal.accounts.service import actor_for_user
from portal.config import Settings
from portal.errors import Conflict, Invalid
from portal.follow_up.mail_actions import Ended, Opened, opened
from portal.notifications.links import ACT, UNSUBSCRIBE, unseal
from portal.vocabulary import AssignmentState, MailAct, NoticeKind
from portal.web.partner import acting, lead_facts, words
from portal.web.partner.acting import FORMS, LeadForm
from portal.web.shell import when
from portal.web.visitor import Visitor, manager, now

by_mail = Blueprint("by_mail", __name__)

#: Of one link that works, and of addresses that never did from one place.
ITS_OWN, STRANGE = parse("30/minute"), parse("60/minute")
_tries = FixedWindowRateLimiter(MemoryStorage())
FORM_OF = {MailAct.DECLINE: "decline", MailAct.LOG: "log", MailAct.FEEDBACK: "feedback"}
TITLES = {
    MailAct.ACCEPT: "Accept this lead?",
    MailAct.DECLINE: "Decline this lead?",
    MailAct.LOG: "Log a touch",
    MailAct.FEEDBACK: "Give feedback",
}
DID = {
    MailAct.ACCEPT: "You accepted this lead",
    MailAct.DECLINE: "You declined this lead",
    MailAct.LOG: "You logged a touch with it",
    MailAct.FEEDBACK: "You gave feedback with it",
}


@by_mail.after_request
def tell_nobody(response: Response) -> Response:
    """Neither search engines nor any other page learns of these addresses."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _named(scope: str, sealed: str) -> str | None:
    """The id that an address was signed for. Who guesses many is slowed down; that holds up no link that works."""
    settings: Settings = current_app.extensions["fairlead"]
    named = unseal(settings.secret_key, scope, sealed)
    allowed = _tries.hit(ITS_OWN, scope, named) if named else _tries.hit(STRANGE, request.remote_addr or "")
    if not allowed:
        abort(429)
    return named


@by_mail.route(f"/{ACT}/<link>", methods=["GET", "POST"])
def act(link: str) -> ResponseReturnValue:
    """Ask once more on GET; on POST do what the link is for."""
    named = _named(ACT, link)
    found = opened(db.session, named, now()) if named else None
    if found is None:
        return _over("This link does not work", "It is older than we remember, or was made for somebody else.")
    _stand_in(found.user)
    if found.ended is not None:
        return _ended(found)
    return _acted(found) if request.method == "POST" else _asked(found, _form(found))


def _stand_in(user: User) -> None:
    """For this request alone the reader of the mail is who acts; no session is made, and one that is there stays."""
    manager._update_request_context_with_user(Visitor(user, actor_for_user(db.session, user)))


def _form(found: Opened) -> LeadForm | None:
    """The form of the act, where there is more to say than yes. The signature stands for the form's own token."""
    name = FORM_OF.get(found.link.act)
    return FORMS[name](meta={"csrf": False}) if name else None


def _asked(found: Opened, form: LeadForm | None, status: int = 200) -> ResponseReturnValue:
    """The page before the act. Of an offer it says what anyone may see; of a lead in these hands its name."""
    assert found.lead is not None
    offer = found.assignment.state is AssignmentState.OFFERED
    return render_template(
        "by_mail/ask.html",
        act=found.link.act,
        title=TITLES[found.link.act],
        who="Offered to you" if offer else words.name_of(found.lead, True),
        detail="Who it is shows once you accept" if offer else words.detail_of(found.lead, True),
        grade=found.lead.grade,
        answer_by=found.assignment.respond_by if offer else None,
        facts=lead_facts.facts(found.lead, False) if offer else [],
        form=form,
        lead_url=_lead_url(found),
    ), status


def _acted(found: Opened) -> ResponseReturnValue:
    form = _form(found)
    if form is not None and not form.validate_on_submit():
        return _asked(found, form, 422)
    try:
        sentence = _do(found, form)
    except Invalid as refusal:
        assert form is not None
        return _asked(found, acting.with_errors(form, refusal), 422)
    except Conflict as refusal:
        return _over("This has changed since the mail was sent", str(refusal), 409)
    return _done(found, sentence)


def _do(found: Opened, form: LeadForm | None) -> str:
    if form is None:
        return acting.accept(found.assignment.id, found.link.id)
    return acting.do(form, found.assignment.id, found.link.id)


def _done(found: Opened, sentence: str) -> ResponseReturnValue:
    """What came of it. Who has just accepted reads here, once, whom to call: that is the next thing to do."""
    accepted = found.link.act is MailAct.ACCEPT
    return render_template(
        "by_mail/done.html",
        sentence=sentence.removesuffix(" The contact details are on the lead."),
        accepted=accepted,
        who=words.name_of(found.lead, True) if accepted and found.lead else "",
        lead=found.lead if accepted else None,
        contact=lead_facts.contact(found.lead) if accepted and found.lead else [],
        lead_url=_lead_url(found) if found.link.act is not MailAct.DECLINE else url_for("work.index"),
    )


def _lead_url(found: Opened) -> str:
    return url_for("lead.page", lead_id=found.assignment.lead_id)


def _ended(found: Opened) -> ResponseReturnValue:
    """Why the link does nothing any more, and where to go."""
    link, held = found.link, found.assignment
    told: dict[Ended, tuple[str, str]] = {
        Ended.USED: ("This link was used", f"{DID[link.act]} {when(link.used_at)}. Each link works once."),
        Ended.GONE: (
            "This lead has moved on",
            f"You no longer hold this lead; it moved on{_at(held.ended_at)}. Nothing is to be done for it.",
        ),
        Ended.ANSWERED: (
            "This offer is answered",
            f"Your team accepted this lead{_at(held.accepted_at)}. It is yours.",
        ),
        Ended.CLOSED: ("This lead is closed", f"It was closed{_at(held.ended_at)}. Nothing more is due here."),
        Ended.EXPIRED: ("This link is too old", f"It worked until {when(link.expires_at)}. Sign in to go on."),
    }
    return _over(*told[found.ended or Ended.EXPIRED], url=_lead_url(found) if found.lead else url_for("work.index"))


def _at(instant: Any) -> str:
    return f" {when(instant)}" if instant else ""


def _over(title: str, sentence: str, status: int = 410, url: str | None = None) -> ResponseReturnValue:
    return render_template(
        "by_mail/over.html", title=title, sentence=sentence, url=url or url_for("work.index")
    ), status


@by_mail.route(f"/{UNSUBSCRIBE}/<kind>/<link>", methods=["GET", "POST"])
def unsubscribe(kind: str, link: str) -> ResponseReturnValue:
    """Turn a kind of mail off: asked on GET, done on POST, also by a mail program's one click (RFC 8058)."""
    named = _named(f"{UNSUBSCRIBE}/{kind}", link) if kind in set(NoticeKind) else None
    user = db.session.get(User, named) if named else None
    if user is None or not user.active:
        return _over("This link does not work", "It was made for somebody else.", url=url_for("account.page"))
    chosen, done = NoticeKind(kind), request.method == "POST"
    if done:
        unit(db.session, lambda: _mute(user.id, chosen))
    return render_template("by_mail/unsubscribe.html", kind=chosen, done=done, user=user)


def _mute(user_id: str, kind: NoticeKind) -> None:
    user = db.session.get_one(User, user_id)
    off = {*notices.muted(db.session, user_id), kind}
    notices.mute(db.session, actor_for_user(db.session, user), user, off, now())
