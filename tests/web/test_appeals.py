"""Appeals on the screens: the case with its file, the answer with its effect, outages, and what was agreed."""

import io
import re
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.appeals import Acknowledgement, Appeal
from models.assignments import Obligation
from models.excuses import Outage
from models.partners import Partner
from portal.accounts.actor import Actor
from portal.compliance.appeals import File
from portal.enforcement import appeals
from portal.enforcement.sweep import sweep
from portal.vocabulary import AppealKind, Role
from tests.support import world
from tests.support.visits import counted, words
from tests.support.world import DAY, HOUR, MINUTE
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]
#: With the character that no column can hold.
CASE = "Our mail system was down.\0\nSee the provider's note."


@pytest.fixture
def desk(office: Office) -> Office:
    """The office with an admin of the partner, signed in as ``padmin``."""

    def build(session: Session) -> str:
        partner = session.get_one(Partner, office.partner)
        return world.make_user(session, Role.PARTNER_ADMIN, partner=partner, password=True, name="Jana Petersen").email

    office.padmin = office.do(build)  # type: ignore[attr-defined]
    return office


def missed(office: Office, partner: str | None = None) -> str:
    """An answer that was missed two days ago; the id of the obligation."""
    _, assignment = office.lead(partner or office.partner, company="Halvorsen")
    later = NOON + 4 * DAY
    office.clock.move_to(later)
    office.do(lambda session: sweep(session, later))
    found: str = office.do(
        lambda session: session.query(Obligation).filter_by(assignment_id=assignment, kind="respond").one().id
    )
    return found


def file(office: Office, obligation: str, kind: AppealKind = AppealKind.APPEAL, evidence: File | None = None) -> str:
    def act(session: Session) -> str:
        row = session.get_one(Obligation, obligation)
        actor = Actor("user", None, "Jana Petersen", Role.PARTNER_ADMIN, partner_id=row.partner_id)
        return appeals.file_appeal(session, actor, obligation, kind, CASE, evidence, now(office)).id

    made: str = office.do(act)
    return made


def now(office: Office) -> datetime:
    from portal.clock import utc_now

    return utc_now()


def state(office: Office, obligation: str) -> str:
    return str(office.do(lambda session: session.get_one(Obligation, obligation).state.value))


def test_a_partner_admin_appeals_with_a_file_and_reads_the_answer(desk: Office) -> None:
    obligation = missed(desk)
    browser = desk.visit("padmin")
    html = browser.get("/standing").get_data(as_text=True)
    path = re.search(r'href="(/standing/appeals/new/[^"]+)"', html)
    assert path is not None and obligation in path[1]
    form = browser.page(path[1].replace("&amp;", "&"))
    assert "Answer the offer, a lead that has moved on" in form and "Halvorsen" not in form
    said = browser.done(
        f"/standing/appeals/new/{obligation}", kind="appeal", case=CASE,
        file=(io.BytesIO(b"%PDF-1.7 note"), "note <of> provider.pdf"),
    )  # fmt: skip
    assert "Sent. Your channel manager answers" in said and "Waits for an answer" in said
    assert "We appeal" in said and "note _of_ provider.pdf" in said
    assert "Appeal waits" in browser.page("/standing") and "Appeal: answer the offer" in browser.page("/standing")
    appeal = desk.do(lambda session: session.query(Appeal).one().id)
    evidence = browser.get(f"/standing/appeals/{appeal}/evidence")
    assert evidence.data == b"%PDF-1.7 note"
    assert evidence.headers["Content-Disposition"].startswith("attachment;")
    assert evidence.headers["X-Content-Type-Options"] == "nosniff"
    assert evidence.headers["Cache-Control"] == "no-store" and evidence.mimetype == "application/pdf"
    staff = desk.visit("manager")
    assert staff.get(f"/appeals/{appeal}/evidence").data == b"%PDF-1.7 note"
    page = staff.page(f"/appeals/{appeal}")
    assert "Our mail system was down." in page and "Granting moves Nordhaven" not in page
    assert "Granting leaves Nordhaven good." in page and "Kept of due: 0 of 1 now, 0 of 0 then." in page
    done = staff.done(f"/appeals/{appeal}/decide", granted="yes", reason="The provider confirms it.")
    assert "Granted. Nordhaven stays good, and is told why." in done and "No appeal waits" in done
    assert state(desk, obligation) == "waived"
    answer = browser.page(f"/standing/appeals/{appeal}")
    assert "Granted: it no longer counts against you." in answer and "The provider confirms it." in answer
    assert "Granted by Tom Ferreira" in staff.page(f"/appeals/{appeal}")
    assert "Tom Ferreira" in staff.page("/appeals?list=answered")


def test_the_effect_is_named_before_it_is_decided(desk: Office) -> None:
    """Three missed in a row stopped it; without one of them it is no row, and the stop has another end."""
    desk.stop(desk.partner)
    now_ = NOON - 20 * DAY
    desk.clock.move_to(now_)
    rows = desk.do(lambda s: [r.id for r in s.query(Obligation).filter_by(partner_id=desk.partner, kind="respond")])
    assert desk.standing(desk.partner) == "stopped"

    def ready(session: Session) -> None:
        from portal.enforcement import acts

        acts.ready(session, Actor("user", None, "J", Role.PARTNER_REP, partner_id=desk.partner), desk.partner, now_)

    desk.do(ready)
    ids = [file(desk, row) for row in rows]
    staff = desk.visit("manager")
    for appeal in ids[:-1]:
        assert "Granting leaves Nordhaven stopped." in staff.page(f"/appeals/{appeal}")
        staff.done(f"/appeals/{appeal}/decide", granted="yes", reason="Seen")
    page = staff.page(f"/appeals/{ids[-1]}")
    assert "Granting lifts Nordhaven from stopped to probation." in page
    done = staff.done(f"/appeals/{ids[-1]}/decide", granted="yes", reason="Seen")
    assert "Granted. Nordhaven goes from stopped to probation, and is told why." in done
    assert desk.standing(desk.partner) == "probation"


def test_a_refusal_is_told_and_stands(desk: Office) -> None:
    obligation = missed(desk)
    appeal = file(desk, obligation)
    staff = desk.visit("manager")
    staff.get(f"/appeals/{appeal}")
    assert "Refused. Nordhaven is told why." in staff.done(
        f"/appeals/{appeal}/decide", granted="no", reason="The mail is of another day."
    )
    assert state(desk, obligation) == "breached"
    page = desk.visit("padmin").page("/standing")
    assert "Appeal refused" in page and "Appeal not granted, 1 deadline. The mail is of another day." in page
    again = staff.post(f"/appeals/{appeal}/decide", granted="yes", reason="Again")
    assert again.status_code == 302
    assert "refused already" in staff.page(f"/appeals/{appeal}")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"granted": "yes", "reason": ""}, "Say why: the partner reads it."),
        ({"reason": "Good"}, "Say whether you grant it."),
        ({"granted": "yes", "reason": "x" * 1001}, "Use at most 1,000 characters."),
        ({"granted": "yes", "reason": "r", "due_at": "9999-12-31T23:59"}, "Give a year"),
    ],
)
def test_what_an_answer_lacks_is_told_and_what_was_typed_stays(desk: Office, fields: dict[str, Any], said: str) -> None:
    appeal = file(desk, missed(desk))
    staff = desk.visit("manager")
    staff.get(f"/appeals/{appeal}")
    answer = staff.post(f"/appeals/{appeal}/decide", **fields)
    assert answer.status_code == 422 and said in words(answer)
    assert fields["reason"][:20] in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "appeal", "case": ""}, "Say what happened"),
        ({"case": "It was so."}, "Say what it is about."),
        ({"kind": "appeal", "case": "x" * 10_001}, "Use at most 10,000 characters."),
        ({"kind": "appeal", "case": "It.", "file": (b"MZ", "a.exe")}, "Choose a PDF"),
        ({"kind": "appeal", "case": "It.", "file": (b"<html>", "a.pdf")}, "no PDF file inside"),
    ],
)
def test_what_a_case_lacks_is_told(desk: Office, fields: dict[str, Any], said: str) -> None:
    obligation = missed(desk)
    browser = desk.visit("padmin")
    browser.get(f"/standing/appeals/new/{obligation}")
    if "file" in fields:
        content, name = fields["file"]
        fields = {**fields, "file": (io.BytesIO(content), name)}
    answer = browser.post(f"/standing/appeals/new/{obligation}", **fields)
    assert answer.status_code == 422 and said in words(answer)
    assert desk.do(lambda session: session.query(Appeal).count()) == 0


def test_a_file_that_is_too_large_is_told(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.compliance.evidence.LARGEST", 100)
    obligation, browser = missed(desk), desk.visit("padmin")
    browser.get(f"/standing/appeals/new/{obligation}")
    fields = {"kind": "appeal", "case": "It.", "file": (io.BytesIO(b"x" * 101), "a.txt")}
    answer = browser.post(f"/standing/appeals/new/{obligation}", **fields)
    assert answer.status_code == 422 and "at most 5 MB" in words(answer)


def test_a_rep_appeals_against_nothing_but_says_what_is_wrong_from_the_lead(desk: Office) -> None:
    obligation = missed(desk)
    rep = desk.visit("rep")
    page = rep.page("/standing")
    assert "Appeal…" not in page and "a partner admin of yours appeals" in page
    lead, assignment = desk.lead(desk.partner, at=now(desk), company="Wrong Numbers")
    lead_page = rep.get(f"/leads/{lead}").get_data(as_text=True)
    assert f'href="/standing/appeals/lead/{lead}"' in lead_page
    answer = rep.get(f"/standing/appeals/lead/{lead}")
    assert answer.status_code == 302 and "kind=wrong_data" in answer.location
    form = rep.page(answer.location)
    assert "The lead's data is wrong" in form and "We appeal" not in form
    said = rep.done(answer.location.partition("?")[0], kind="wrong_data", case="The number belongs to a school.")
    assert "Waits for an answer" in said
    refused = rep.post(f"/standing/appeals/new/{obligation}", kind="appeal", case="Not so")
    assert refused.status_code == 422
    open_ = desk.do(lambda s: s.query(Obligation).filter_by(assignment_id=assignment, kind="respond").one().id)
    staff = desk.visit("manager")
    appeal = desk.do(lambda session: session.query(Appeal).one().id)
    assert "New due time" in staff.page(f"/appeals/{appeal}")
    staff.done(f"/appeals/{appeal}/decide", granted="yes", due_at="2026-03-20T17:00", reason="So it is")
    assert state(desk, open_) == "open"


def test_it_is_taken_back(desk: Office) -> None:
    appeal = file(desk, missed(desk))
    browser = desk.visit("padmin")
    browser.get(f"/standing/appeals/{appeal}")
    assert "Taken back." in browser.done(f"/standing/appeals/{appeal}/withdraw")
    assert "already" in browser.done(f"/standing/appeals/{appeal}/withdraw")


def test_what_is_open_or_in_time_has_no_appeal(desk: Office) -> None:
    _, assignment = desk.lead(desk.partner)
    open_ = desk.do(lambda s: s.query(Obligation).filter_by(assignment_id=assignment).one().id)
    browser = desk.visit("padmin")
    assert "We appeal" not in browser.page(f"/standing/appeals/new/{open_}")

    def waived(session: Session) -> None:
        from portal.enforcement import acts

        acts.waive(session, Actor("user", None, "S", Role.ADMIN), [open_], "r", NOON + MINUTE)

    desk.clock.move_to(NOON + HOUR)
    desk.do(waived)
    assert browser.get(f"/standing/appeals/new/{open_}").status_code == 302
    assert "it does not count against you" in browser.page("/standing")


def test_a_portfolio_sees_its_own_and_the_morning_names_what_waits(desk: Office) -> None:
    mine = file(desk, missed(desk), AppealKind.APPEAL)
    _, assignment = desk.lead(desk.rival, at=now(desk), company="Hidden")
    theirs = file(
        desk, desk.do(lambda s: s.query(Obligation).filter_by(assignment_id=assignment).one().id), AppealKind.WRONG_DATA
    )
    own, every = desk.visit("own"), desk.visit("manager")
    assert "Rival" not in own.page("/appeals") and "Rival and Sons" in every.page("/appeals")
    for path in (f"/appeals/{theirs}", f"/appeals/{theirs}/evidence"):
        assert own.get(path).status_code == 404
    assert own.post(f"/appeals/{theirs}/decide", granted="yes", reason="r").status_code == 404
    assert own.get(f"/appeals/{mine}").status_code == 200
    assert "Appeals that wait 1" in own.page("/morning") and "Nordhaven: appeal" in own.page("/morning")
    assert "Appeals that wait 2" in every.page("/morning")
    for who in ("marketer", "rep"):
        assert desk.visit(who).get("/appeals").status_code == 404
    assert own.get(f"/appeals/{mine}/evidence").status_code == 404, "it has no file"


def test_a_promise_that_is_over_is_shown_as_late(desk: Office) -> None:
    def promise(session: Session) -> None:
        span = {"value": 1, "unit": "hours", "clock": "calendar"}
        body = {"obligations": [{"kind": "respond", "within": {"value": 2, "unit": "days", "clock": "business"}}],
                "vendor": {"appeal_within": span}}  # fmt: skip
        world.publish_policy(session, body, now=NOON - HOUR)

    desk.do(promise)
    file(desk, missed(desk))
    staff = desk.visit("manager")
    assert "late" not in staff.page("/appeals").split("Waiting")[1]
    desk.clock.shift(3 * HOUR)
    page = staff.page("/appeals")
    assert "Appeals 1 late" in page and "2 h late" in page
    assert "2 h late" in staff.page("/morning")


def test_lists_cost_the_same_with_many_rows(desk: Office) -> None:
    first = missed(desk)
    file(desk, first)
    staff, browser = desk.visit("manager"), desk.visit("padmin")
    costs = []
    for count in (0, 12):
        for _ in range(count):
            _, assignment = desk.lead(desk.partner, at=now(desk))
            rows = desk.do(lambda s, a=assignment: s.query(Obligation).filter_by(assignment_id=a).one().id)
            file(desk, rows, AppealKind.WRONG_DATA)
        spent = []
        for visitor, path in ((staff, "/appeals"), (staff, "/outages"), (staff, "/morning"), (browser, "/standing")):
            visitor.get(path)
            with counted(desk.app) as sent:
                visitor.get(path)
            spent.append(len(sent))
        costs.append(spent)
    assert costs[0] == costs[1]


def test_staff_declare_and_withdraw_an_outage(desk: Office) -> None:
    _, assignment = desk.lead(desk.partner)
    staff = desk.visit("manager")
    page = staff.page("/outages")
    assert "No outage is on record" in page and "No heartbeat was ever written" in page
    desk.clock.move_to(NOON + 3 * HOUR)
    fields = {"kind": "outage", "starts_at": "2026-03-02T11:30", "ends_at": "2026-03-02T12:30", "reason": "A cable."}
    done = staff.done("/outages", **fields)
    assert "Declared." in done and "Applied by the next sweep" in done and "Declared by Tom Ferreira" in done
    desk.do(lambda session: sweep(session, NOON + 3 * HOUR))
    assert "1 extended" in staff.page("/outages")
    notice = desk.do(lambda s: s.query(Obligation).filter_by(assignment_id=assignment).one().due_at)
    assert notice == NOON + 2 * DAY + 22 * HOUR, "an hour of Thursday morning, for Wednesday closes at five"
    history = desk.visit("padmin").page("/standing")
    assert (
        "More time given, 1 deadline. The portal was away from today 12:30 CET to today 13:30 CET. A cable." in history
    )
    outage = desk.do(lambda session: session.query(Outage).one().id)
    assert "What it has moved or waived so far stays so" in staff.page(f"/outages/{outage}/withdraw")
    assert staff.post(f"/outages/{outage}/withdraw", reason="").status_code == 422
    assert "Withdrawn today" in staff.done(f"/outages/{outage}/withdraw", reason="It was another system.")
    assert staff.get(f"/outages/{outage}/withdraw").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"kind": "outage", "starts_at": "2026-03-02T12:00", "ends_at": "2026-03-02T11:00", "reason": "r"},
            "after the",
        ),
        ({"starts_at": "2026-03-02T10:00", "ends_at": "2026-03-02T11:00", "reason": "r"}, "Say what it was."),
        ({"kind": "outage", "starts_at": "", "ends_at": "2026-03-02T11:00", "reason": "r"}, "Give day and time"),
        ({"kind": "outage", "starts_at": "2026-03-02T10:00", "ends_at": "2026-03-02T11:00", "reason": ""}, "Say why"),
        (
            {"kind": "outage", "starts_at": "0001-01-01T00:00", "ends_at": "9999-12-31T23:59", "reason": "r"},
            "Give a year",
        ),
    ],
)
def test_what_cannot_be_declared_is_told(desk: Office, fields: dict[str, str], said: str) -> None:
    staff = desk.visit("admin")
    staff.get("/outages")
    answer = staff.post("/outages", **fields)
    assert answer.status_code == 422 and said in words(answer)


def test_who_manages_some_partners_only_declares_nothing(desk: Office) -> None:
    own = desk.visit("own")
    assert "somebody who manages all of them declares it" in own.page("/outages")
    fields = {"kind": "outage", "starts_at": "2026-03-02T10:00", "ends_at": "2026-03-02T11:00", "reason": "r"}
    assert own.post("/outages", **fields).status_code == 422
    assert desk.do(lambda session: session.query(Outage).count()) == 0
    for who in ("marketer", "rep"):
        assert desk.visit(who).get("/outages").status_code == 404


def test_a_partner_admin_reads_and_acknowledges_what_rules(desk: Office) -> None:
    browser, rep, staff = desk.visit("padmin"), desk.visit("rep"), desk.visit("manager")
    assert "Policy, version 1 rules: read and acknowledge it." in browser.page("/work")
    assert "acknowledge" not in rep.page("/work")
    page = browser.page("/standing/agreement/policy")
    assert "Policy, version 1" in page and "2 business days" in page and "We have read it" in page
    assert "We have read it" not in rep.page("/standing/agreement/policy")
    assert "Not acknowledged yet" in staff.page(f"/partners/{desk.partner}")
    assert rep.post("/standing/agreement/policy", version="1").status_code == 302
    assert desk.do(lambda session: session.query(Acknowledgement).count()) == 0
    browser.get("/standing/agreement/policy")
    assert "Version 1 rules by now" in browser.done("/standing/agreement/policy", version="7")
    assert "Acknowledged: policy, version 1." in browser.done("/standing/agreement/policy", version="1")
    assert "by Jana Petersen" in browser.page("/standing")
    assert "by Jana Petersen" in staff.page(f"/partners/{desk.partner}")
    assert "acknowledge" not in browser.page("/work")
    assert browser.get("/standing/agreement/definition").status_code == 404
    assert browser.get("/standing/agreement/whatever").status_code == 404
