"""Team and hours: people, opening hours, keys; a rep reads, a partner admin changes."""

import re

import pytest

from models.accounts import ApiKey, User
from models.partners import Partner
from models.platform import Outbox
from portal.accounts.keys import authenticate_key
from portal.vocabulary import NoticeTopic
from tests.support.visits import Visitor, words
from tests.web.partner_scene import Scene, scene

__all__ = ["scene"]
OPEN = {"mon": "09:00-17:00", "holiday_country": "DE"}


def settings(scene: Scene) -> Partner:
    """The partner's row, read whole."""
    found: Partner = scene.do(lambda session: session.get_one(Partner, scene.partner))
    return found


def test_hours_are_read_as_they_are_and_kept_as_they_are_typed(scene: Scene) -> None:
    visitor = scene.visit()
    html = visitor.get("/team").get_data(as_text=True)
    assert html.count('value="09:00-17:00"') == 5
    sent = {
        "mon": "9:00-12:30, 13:30-18:00", "fri": "22:00-06:00", "sat": "",
        "closures": "2026-12-24 to 2026-12-31 Holidays\n2026-05-15", "holiday_country": "DE", "holiday_part": "by",
        "month_end": "2", "quarter_end": "", "early_leads": "y",
    }  # fmt: skip
    assert "Saved. Deadlines that run keep their time" in visitor.done("/team/hours", **sent)
    partner = settings(scene)
    assert partner.hours["opening_hours"]["mon"] == [["09:00", "12:30"], ["13:30", "18:00"]]
    assert partner.hours["opening_hours"]["sat"] == []
    assert partner.hours["closures"] == [
        {"from": "2026-12-24", "to": "2026-12-31", "note": "Holidays"}, {"from": "2026-05-15", "to": "2026-05-15"}
    ]  # fmt: skip
    assert partner.hours["holidays"] == {"country": "DE", "subdivision": "BY"}
    assert (partner.quiet_periods, partner.wants_early_leads) == ([{"kind": "month_end", "days": 2}], True)
    html = visitor.get("/team").get_data(as_text=True)
    for kept in (
        "09:00-12:30, 13:30-18:00",
        "22:00-06:00",
        "2026-12-24 to 2026-12-31 Holidays",
        'value="BY"',
        "checked",
    ):
        assert kept in html


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("tue", "nine to five", "Write hours such as 09:00-12:30"),
        ("tue", "09:00-12:30 13:30-18:00", "Write hours such as 09:00-12:30"),
        ("tue", "25:00-26:00", "Write times as HH:MM from 00:00 to 24:00"),
        ("tue", "09:00-13:00, 12:00-17:00", "overlap"),
        ("mon", "", "No deadline can be counted in a week without openings."),
        ("closures", "next week", "This line cannot be read: next week."),
        ("closures", "2026-12-31 to 2026-12-24", "A closure ends on the day it starts or later."),
        ("closures", "2026-02-30", "Write days as YYYY-MM-DD"),
        ("holiday_country", "XX", "Not a valid choice."),
        ("holiday_part", "Nowhere", "No public holidays are known for that part"),
        ("month_end", "16", "Give a number of days from 1 to 15"),
    ],
)
def test_hours_that_cannot_be_used_are_asked_again(scene: Scene, field: str, value: str, sentence: str) -> None:
    before = settings(scene).hours
    visitor = scene.visit()
    visitor.get("/team")
    answer = visitor.post("/team/hours", **{**OPEN, field: value})
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert "1 thing to correct" in words(answer)
    assert settings(scene).hours == before


def test_no_holidays_stay_none(scene: Scene) -> None:
    visitor = scene.visit()
    visitor.get("/team")
    visitor.done("/team/hours", **{**OPEN, "holiday_country": ""})
    assert settings(scene).hours["holidays"] is None


def test_a_colleague_is_invited_and_comes_in(scene: Scene) -> None:
    visitor = scene.visit()
    visitor.get("/team")
    page = visitor.done("/team/people", email="new@example.com", name="New Colleague", role="partner_rep")
    assert "New Colleague is invited. The link in the mail works for 7 days." in page
    assert "New Colleague new@example.com Partner rep Invited" in page
    link = scene.do(
        lambda session: (
            session.query(Outbox)
            .filter_by(topic=NoticeTopic.INVITATION)
            .order_by(Outbox.id.desc())
            .first()
            .facts["url"]
        )
    )
    colleague = Visitor(scene.app)
    colleague.get(link)
    assert colleague.post(link, password="a good password", again="a good password").status_code == 302
    assert "My work" in colleague.page("/work")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "not an address"}, "This is not an e-mail address."),
        ({"name": ""}, "Give a name."),
        ({"role": "admin"}, "Not a valid choice."),
    ],
)
def test_an_invitation_that_cannot_be_sent_is_asked_again(scene: Scene, fields: dict[str, str], sentence: str) -> None:
    visitor = scene.visit()
    visitor.get("/team")
    sent = {"email": "new@example.com", "name": "New", "role": "partner_rep", **fields}
    answer = visitor.post("/team/people", **sent)
    assert answer.status_code == 422
    assert sentence in words(answer)


def test_an_address_in_use_elsewhere_is_refused_without_saying_where(scene: Scene) -> None:
    visitor = scene.visit()
    visitor.get("/team")
    answer = visitor.post("/team/people", email=scene.address("rival_rep"), name="New", role="partner_rep")
    assert answer.status_code == 422
    assert "This e-mail address cannot be used here. Use another one." in words(answer)


def id_of(scene: Scene, email: str) -> str:
    return str(scene.do(lambda session: session.query(User).filter_by(email=email).one().id))


def test_a_colleague_is_switched_off_and_on(scene: Scene) -> None:
    admin, rep = scene.visit(), scene.visit("rep")
    person = id_of(scene, scene.address("rep"))
    admin.get("/team")
    assert "Ole Brandt is switched off" in admin.done(f"/team/people/{person}/off")
    assert rep.get("/work").status_code == 302
    assert "Ole Brandt is switched on again." in admin.done(f"/team/people/{person}/on")
    Visitor(scene.app, scene.address("rep"))


def test_nobody_switches_itself_off(scene: Scene) -> None:
    admin = scene.visit()
    admin.get("/team")
    page = admin.done(f"/team/people/{id_of(scene, scene.address('admin'))}/off")
    assert "You cannot switch yourself off" in page


def test_anothers_people_do_not_exist(scene: Scene) -> None:
    admin, _ = scene.visit(), scene.address("rival_rep")
    page = admin.page("/team")
    assert "Mia Rival" not in page
    for what in ("off", "on", "again"):
        assert admin.post(f"/team/people/{id_of(scene, scene.address('rival_rep'))}/{what}").status_code == 404


def test_a_key_is_shown_once_and_nowhere_else(scene: Scene) -> None:
    visitor = scene.visit()
    visitor.get("/team")
    answer = visitor.post("/team/keys", name="Our CRM")
    assert answer.status_code == 200
    found = re.search(r"fl_[\w-]{43}", answer.get_data(as_text=True))
    assert found is not None
    secret = found[0]
    assert secret not in str(answer.headers)
    assert answer.headers["Cache-Control"] == "no-store"
    again = visitor.get("/team")
    assert secret not in again.get_data(as_text=True)
    assert "Our CRM" in words(again)
    acting = scene.do(lambda session: authenticate_key(session, secret))
    assert acting.partner_id == scene.partner
    key = str(scene.do(lambda session: session.query(ApiKey).one().id))
    rival = scene.visit("rival_rep")
    rival.get("/team")
    assert rival.post(f"/team/keys/{key}/revoke").status_code == 404
    assert "is revoked: it opens nothing any more." in visitor.done(f"/team/keys/{key}/revoke")
    assert scene.do(lambda session: authenticate_key(session, secret)) is None


def test_a_key_without_a_name_is_asked_again(scene: Scene) -> None:
    visitor = scene.visit()
    visitor.get("/team")
    answer = visitor.post("/team/keys", name="")
    assert answer.status_code == 422
    assert "Say what the key is for." in words(answer)
    assert scene.do(lambda session: session.query(ApiKey).count()) == 0


def test_a_rep_reads_and_changes_nothing(scene: Scene) -> None:
    rep, _ = scene.visit("rep"), scene.address("admin")
    page = rep.page("/team")
    assert "Jana Petersen" in page
    assert "Monday 09:00-17:00" in page
    assert "Save hours" not in page
    assert "Keys for the API" not in page
    person = id_of(scene, scene.address("admin"))
    for path in ("/team/hours", "/team/people", f"/team/people/{person}/off", "/team/keys", "/team/keys/any/revoke"):
        assert rep.post(path, **OPEN, name="x").status_code == 404
    assert scene.do(lambda session: session.query(ApiKey).count()) == 0
