"""Policies, partners, people, keys, audit and kept mail: each form's way and each of its refusals."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.accounts import ApiKey, User
from models.compliance import Policy
from models.partners import Partner
from models.platform import Audit, AuditSeal, Mail, Outbox
from portal.accounts.actor import SYSTEM
from portal.accounts.audit import record, seal
from portal.accounts.keys import authenticate_key
from portal.calendars.describe import exact
from portal.notifications.layout import House
from portal.notifications.posting import post_pending
from portal.vocabulary import Role, Standing
from portal.web.admin.partner_form import territories_of, territory_text
from tests.support import world
from tests.support.visits import counted, words
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]


def test_a_policy_is_told_with_its_worked_example(office: Office) -> None:
    page = office.visit("admin").page("/policies")
    assert "An offer made Fri 16:00 is due Tue 17:00 next week." in page
    assert "Answer the offer" in page and "The lead moves to the next partner" in page
    assert "Counted over 90 days, from 5 due on" in page


def test_a_policy_is_published_at_once_or_for_a_date(office: Office) -> None:
    browser = office.visit("admin")
    body = office.do(lambda session: session.query(Policy).one().body)
    body["ladder"]["breaches_in_a_row"] = 2
    browser.done("/policies/draft", text=json.dumps(body), keep="1", note="Stricter")
    draft = office.do(lambda session: session.query(Policy).filter_by(state="draft").one().id)
    assert "The ladder gets stricter" in browser.page(f"/policies/{draft}")
    past = browser.post(f"/policies/{draft}/publish", effective_from="2026-03-01T10:00")
    assert past.status_code == 422 and "Give an instant in the future" in words(past)
    assert "Policy 2 rules from" in browser.done(f"/policies/{draft}/publish", effective_from="2026-03-09T09:00")
    assert (
        office.do(lambda session: session.get_one(Policy, draft).effective_from.isoformat())
        == "2026-03-09T09:00:00+00:00"
    )
    assert "is published already" in browser.done(f"/policies/{draft}/publish")
    browser.done("/policies/draft", text=json.dumps(body), keep="1")
    other = office.do(lambda session: session.query(Policy).filter_by(state="draft").one().id)
    assert browser.post(f"/policies/{other}/publish", effective_from="9999-12-31T23:59").status_code == 422


def test_a_wrong_policy_is_refused_by_path(office: Office) -> None:
    text = json.dumps(
        {"obligations": [{"kind": "feedback", "within": {"value": 0, "unit": "days", "clock": "business"}}]}
    )
    answer = office.visit("admin").post("/policies/draft", text=text, keep="1")
    assert answer.status_code == 422 and "obligations.0.within.value" in words(answer)
    assert office.do(lambda session: session.query(Policy).count()) == 1


PARTNER = {
    "name": "Isarwerk", "tier": "silver", "weight": "3", "timezone": "Europe/Berlin", "country": "de",
    "open_lead_cap": "7",
    "territories": "DE BY\nDE - 80\nAT", "products": "Backup\nRecovery", "tags": "", "mon": "09:00-12:30, 13:30-18:00",
    "holiday_country": "own", "holiday_part": "BY", "closures": "2026-12-24 to 2026-12-31 Holidays", "month_end": "3",
    "active": "y",
}  # fmt: skip


def test_a_partner_is_set_up_and_changed(office: Office) -> None:
    browser = office.visit("admin")
    assert "Isarwerk is set up. Invite someone there" in browser.done("/partners/new", **PARTNER)
    made = office.do(lambda session: session.query(Partner).filter_by(name="Isarwerk").one())
    assert (made.weight, made.open_lead_cap, made.country, made.products) == (3, 7, "DE", ["Backup", "Recovery"])
    assert made.territories == [
        {"country": "DE", "region": "BY"}, {"country": "DE", "postcode_prefix": "80"}, {"country": "AT"},
    ]  # fmt: skip
    assert made.hours["holidays"] == {"country": "DE", "subdivision": "BY"}
    assert made.hours["opening_hours"]["mon"] == [["09:00", "12:30"], ["13:30", "18:00"]]
    form = browser.get(f"/partners/{made.id}/edit").get_data(as_text=True)
    assert (
        "DE - 80" in form and "2026-12-24 to 2026-12-31 Holidays" in form and 'value="09:00-12:30, 13:30-18:00"' in form
    )
    assert "Saved." in browser.done(f"/partners/{made.id}/edit", **{**PARTNER, "holiday_country": "DE", "weight": "9"})
    facts = office.do(lambda session: session.query(Audit).filter_by(action="partner.change").one().facts)
    assert facts == {"changed": ["weight"]}
    same = {**PARTNER, "holiday_country": "DE", "weight": "9"}
    assert "Nothing was changed." in browser.done(f"/partners/{made.id}/edit", **same)


def test_a_wrong_partner_is_told_by_field(office: Office) -> None:
    browser = office.visit("admin")
    wrong = {**PARTNER, "name": "nordhaven", "country": "XX", "weight": "500", "territories": "Bavaria",
             "mon": "nine to five"}  # fmt: skip
    page = words(browser.post("/partners/new", **wrong))
    assert "Give a whole number from 1 to 100." in page and "This line cannot be read: Bavaria." in page
    hours = browser.post("/partners/new", **{**PARTNER, "mon": "nine to five", "country": "XX"})
    assert hours.status_code == 422 and "Write hours such as 09:00-12:30" in words(hours)
    zone = browser.post("/partners/new", **{**PARTNER, "timezone": "Mars"})
    assert "Give a time zone by its IANA name" in words(zone)
    taken = browser.post("/partners/new", **{**PARTNER, "name": "nordhaven"})
    assert taken.status_code == 422 and "Another partner has this name" in words(taken)
    assert office.do(lambda session: session.query(Partner).count()) == 2


def test_a_partner_has_a_postcode_and_caps_for_single_products(office: Office) -> None:
    browser, path = office.visit("admin"), f"/partners/{office.partner}/edit"
    sent = {**PARTNER, "name": "Nordhaven", "postcode": " 80331 ", "product_caps": "Recovery = 0\n\nBackup=3"}
    browser.done(path, **sent)
    made = office.do(lambda session: session.get_one(Partner, office.partner))
    assert (made.postcode, made.product_caps) == ("80331", {"Backup": 3, "Recovery": 0})
    form = browser.get(path).get_data(as_text=True)
    assert 'value="80331"' in form and "Backup = 3\nRecovery = 0</textarea>" in form.replace("\r\n", "\n")
    assert "Nothing was changed." in browser.done(path, **sent)
    browser.done(path, **{**sent, "postcode": "", "product_caps": ""})
    made = office.do(lambda session: session.get_one(Partner, office.partner))
    assert (made.postcode, made.product_caps) == (None, {})


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("postcode", "1" * 17, "Use at most 16 characters."),
        ("product_caps", "Backup 3", "This line cannot be read: Backup 3."),
        ("product_caps", "= 3", "This line cannot be read: = 3."),
        ("product_caps", "Backup = many", "This line cannot be read: Backup = many."),
        ("product_caps", "Backup = -1", "This line cannot be read: Backup = -1."),
        ("product_caps", "Backup = 100001", "Give a whole number from 0 to 100,000."),
        ("product_caps", "Backup = 1\nbackup = 2", "Name each product once: backup is there twice."),
    ],
)
def test_a_wrong_postcode_or_product_cap_is_told(office: Office, field: str, value: str, sentence: str) -> None:
    before = office.do(lambda session: session.get_one(Partner, office.partner))
    sent = {**PARTNER, "name": "Nordhaven", field: value}
    answer = office.visit("admin").post(f"/partners/{office.partner}/edit", **sent)
    assert answer.status_code == 422 and sentence in words(answer) and value.splitlines()[0] in answer.text
    after = office.do(lambda session: session.get_one(Partner, office.partner))
    assert (after.postcode, after.product_caps, after.weight) == (before.postcode, before.product_caps, before.weight)


def test_switching_a_partner_off_names_its_effect(office: Office) -> None:
    lead_id, _ = office.lead(office.partner, accepted=True)
    office.rules(office.rival)
    browser, path = office.visit("admin"), f"/partners/{office.partner}/edit"
    assert "loses the 1 it holds at once, without its fault" in browser.page(path)
    off = {**PARTNER, "name": "Nordhaven", "active": ""}
    off.pop("active")
    assert "1 of 1 leads it held found another place." in browser.done(path, **off)
    assert office.holder(lead_id) == office.rival
    assert office.do(lambda session: session.get_one(Partner, office.partner).standing) is Standing.GOOD


@pytest.mark.parametrize("line", ["DE", "DE BY", "DE - 80", "DE BY 80", "DE, North Sea, 26", "DE, North Sea"])
def test_a_territory_reads_as_it_is_written(line: str) -> None:
    assert territory_text(territories_of(line)[0]) == line


def test_people_are_invited_by_mail_and_switched_off_and_on(office: Office) -> None:
    browser = office.visit("admin")
    facts = {"email": "new@example.com", "name": "Nina New", "role": "channel_manager", "portfolio": [office.partner]}
    assert "Nina New is invited." in browser.done("/people/invite", **facts)
    user_id, secret = office.do(_invited)
    assert re.fullmatch(r"/invitation/[\w-]{43}", secret)
    assert "Nordhaven" in browser.page("/people?q=nina")
    browser.done(f"/people/{user_id}/again")
    assert "sessions and links end at once" in browser.page(f"/people/{user_id}/off")
    assert "Nina New is switched off." in browser.done(f"/people/{user_id}/off")
    assert "switch it on first" in browser.done(f"/people/{user_id}/again")
    assert "Nina New is switched on." in browser.done(f"/people/{user_id}/on")
    assert "Nina New sees 1 partner." in browser.done(f"/people/{user_id}/portfolio", portfolio=[office.rival])
    assert "Rival and Sons" in browser.page("/people?q=nina")
    assert "Nina New sees all partners." in browser.done(f"/people/{user_id}/portfolio")


def _invited(session: Session) -> tuple[str, str]:
    user = session.query(User).filter_by(email="new@example.com").one()
    notice = session.query(Outbox).filter_by(user_id=user.id, topic="invitation").one()
    return user.id, notice.facts["url"]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"email": "nobody", "name": "N", "role": "admin"}, "This is not an e-mail address."),
        ({"email": "n@example.com", "name": "", "role": "admin"}, "Give a name."),
        (
            {"email": "n@example.com", "name": "N", "role": "partner_rep"},
            "Name the partner that this person belongs to.",
        ),
        ({"email": "n@example.com", "name": "N", "role": "king"}, "Not a valid choice"),
    ],
)
def test_a_wrong_invitation_is_told_by_field(office: Office, facts: dict[str, str], sentence: str) -> None:
    before = office.do(lambda session: session.query(User).count())
    answer = office.visit("admin").post("/people/invite", **facts)
    assert answer.status_code == 422 and sentence in words(answer)
    assert office.do(lambda session: session.query(User).count()) == before


def test_the_last_person_of_a_partner_and_the_last_admin_are_warned_of(office: Office) -> None:
    browser = office.visit("admin")
    of_rival, admin, rep = office.do(_ids)
    assert "Rival and Sons then has nobody who can be reached" in browser.page(f"/people/{of_rival}/off")
    assert "nobody who can be reached" not in browser.page(f"/people/{rep}/off")
    assert "This is the last admin." in browser.done(f"/people/{admin}/off")
    assert "Only a channel manager has a portfolio." in browser.done(f"/people/{admin}/portfolio")


def _ids(session: Session) -> tuple[str, str, str]:
    rival = session.query(Partner).filter_by(name="Rival and Sons").one()
    of_rival = session.query(User).filter_by(partner_id=rival.id).one()
    admin = session.query(User).filter_by(role=Role.ADMIN).one()
    return of_rival.id, admin.id, session.query(User).filter_by(name="Ole Brandt").one().id


def test_a_key_is_shown_once_and_revoked(office: Office) -> None:
    browser = office.visit("admin")
    answer = browser.post("/people/keys", key_name="Form", role="marketer")
    secret = re.search(r"<code>(fl_[\w-]{43})</code>", answer.get_data(as_text=True))
    assert secret is not None
    assert secret[1] not in browser.get("/people/keys").get_data(as_text=True)
    assert office.do(lambda session: authenticate_key(session, secret[1]).role) is Role.MARKETER
    key_id = office.do(lambda session: session.query(ApiKey).one().id)
    assert "is refused from now on" in browser.page(f"/people/keys/{key_id}/revoke")
    assert "The key Form is revoked." in browser.done(f"/people/keys/{key_id}/revoke")
    assert office.do(lambda session: authenticate_key(session, secret[1])) is None
    wrong = browser.post("/people/keys", key_name="Form", role="partner_admin")
    assert wrong.status_code == 422 and "Name the partner that this key acts for." in words(wrong)


def test_the_audit_is_filtered_paged_and_says_what_is_sealed(office: Office) -> None:
    lead_id, _ = office.lead(office.partner)
    browser = office.visit("admin")

    def close(session: Session) -> None:
        seal(session)
        session.commit()

    office.do(close)
    browser.done(f"/leads/{lead_id}/recall", reason="Mine")
    page = browser.page("/audit")
    assert "Not yet" in page and "Sealed as" in page and "Sealed up to number" in page
    assert "Ines Okafor took a lead back" in browser.page("/audit?actor=ines&action=assignment")
    assert "Fairlead took a lead in" not in browser.page("/audit?actor=ines")
    assert "Fairlead took a lead in" in browser.page(f"/audit?object={lead_id}")
    assert "Nothing fits these filters" in browser.page("/audit?action=%25")


def test_the_audit_is_searched_by_who_what_about_whom_and_when(office: Office) -> None:
    lead_id, _ = office.lead(office.partner, company="Harbour Clinics")
    office.visit("manager").done(f"/partners/{office.rival}/hold", reason="On holiday", until="2026-03-20")
    browser = office.visit("admin")
    browser.done(f"/leads/{lead_id}/recall", reason="Asked for it")
    assert "Tom Ferreira put a partner on hold Rival and Sons On holiday; until Sat 21 Mar" in browser.page("/audit")

    def found(query: str) -> set[str]:
        page = browser.page(f"/audit?{query}")
        deeds = ("Fairlead took a lead in", "Ines Okafor took a lead back", "Tom Ferreira put a partner on hold")
        return {deed.rpartition(" ")[2] for deed in deeds if deed in page}

    assert found("object=harbour") == {"in", "back"}
    assert found("object=nordhaven") == {"back"} and found("object=rival") == {"hold"}
    assert found("action=partner.hold") == {"hold"} and found("actor=tom&object=harbour") == set()
    assert found("from=2026-03-02&to=2026-03-02") == {"in", "back", "hold"}
    assert found("to=2026-03-01") == set() and found("from=2026-03-03") == set()
    page = browser.page("/audit?action=lead.receive")
    assert "Harbour Clinics" in page and lead_id not in page


def test_the_chain_is_checked_on_demand(office: Office) -> None:
    browser = office.visit("admin")
    browser.page("/audit")
    assert "Nothing is sealed yet: the clock seals rows" in browser.done("/audit/verify")

    def close(session: Session) -> int:
        count = seal(session)
        session.commit()
        return count

    count = office.do(close)
    assert f"The chain is intact up to number {count}, " in browser.done("/audit/verify")

    def forge(session: Session) -> None:
        row = session.query(Audit).order_by(Audit.id.desc()).first()
        session.add(AuditSeal(number=count + 1, audit_id=row.id, hash="0" * 64))
        session.commit()

    office.visit("manager")
    office.do(forge)
    assert "The chain does not hold in 1 place" in browser.done("/audit/verify")
    assert office.visit("manager").post("/audit/verify").status_code == 404


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"reason": "Mine", "until": None}, "Mine"),
        ({"until": "2026-03-20T17:00:00+00:00", "reason": "Fair"}, "Fair; until Fri 20 Mar 17:00 UTC"),
        ({"changed": ["open_lead_cap", "tags"]}, "changed open lead cap, tags"),
        ({"partners": ["0195a1b2-0000-7000-8000-000000000001"], "url": "/leads/x", "early": True}, "early yes"),
    ],
)
def test_the_facts_of_a_row_are_told_in_words(office: Office, facts: dict[str, Any], told: str) -> None:
    def add(session: Session) -> None:
        record(session, SYSTEM, "thing.some_act", "odd_thing", "x", NOON, facts=facts)
        session.commit()

    office.do(add)
    assert f"Fairlead some act: thing Odd thing {told} now" in office.visit("admin").page("/audit?action=thing")


def test_lists_of_people_and_audit_cost_the_same_for_many(office: Office, app: Flask) -> None:
    browser, paths = office.visit("admin"), ("/people", "/partners", "/audit", "/people/keys")
    browser.page("/people")
    with counted(app) as few:
        for path in paths:
            browser.page(path)

    def more(session: Session) -> None:
        for _ in range(12):
            partner = world.make_partner(session)
            world.make_user(session, Role.CHANNEL_MANAGER, portfolio=[partner.id])
            world.make_key(session, Role.PARTNER_ADMIN, partner)

    office.do(more)
    with counted(app) as many:
        for path in paths:
            browser.page(path)
    assert len(many) == len(few)


def test_kept_mail_is_read_in_development_by_admins_only(office: Office) -> None:
    browser = office.visit("admin")
    browser.done("/people/invite", email="new@example.com", name="Nina <b>New</b>", role="marketer")

    def post(session: Session) -> str:
        post_pending(session, House("http://127.0.0.1:8000", "The vendor", exact), NOON, keep=True)
        session.commit()
        return str(session.query(Mail).filter_by(address="new@example.com").one().id)

    mail_id = office.do(post)
    page = browser.get(f"/dev/mail/{mail_id}").get_data(as_text=True)
    assert re.search(r'<a href="http://127.0.0.1:8000/invitation/[\w-]{43}">', page) and "<b>New</b>" not in page
    assert "new@example.com" in browser.page("/dev/mail")
    assert browser.get("/dev/mail/none").status_code == 404
    for who in ("rep", "manager"):
        assert office.visit(who).get("/dev/mail").status_code == 404


def test_kept_mail_does_not_exist_in_production(office: Office, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    browser = office.visit("admin")
    monkeypatch.setitem(app.extensions, "fairlead", replace(app.extensions["fairlead"], env="production"))
    assert browser.get("/dev/mail").status_code == 404
