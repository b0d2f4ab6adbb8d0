"""Policies: started from anything, edited as a form or as text, refused at the field, published, brought back."""

import json
import re
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.compliance import Policy
from models.platform import Audit
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.compliance import policies as service
from portal.deadlines.document import DEFAULT_POLICY
from portal.deadlines.presets import PRESETS
from tests.support.typed import Page
from tests.support.visits import Visitor, counted, words
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]


def begin(office: Office, source: str = "live") -> str:
    """A draft; its id."""
    answer = office.visit("admin").post("/policies/drafts", **{"from": source})
    assert answer.status_code == 302
    return str(answer.location.split("/")[-2])


def typed(visitor: Visitor, draft: str) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    return Page(visitor.get(f"/policies/{draft}/edit").get_data(as_text=True)).fields


def page_of(answer: TestResponse) -> Page:
    return Page(answer.get_data(as_text=True))


def body_of(office: Office, draft: str) -> dict[str, Any]:
    return office.do(lambda session: session.get_one(Policy, draft).body)  # type: ignore[no-any-return]


def test_a_preset_goes_through_the_form_unchanged(office: Office) -> None:
    browser = office.visit("admin")
    for preset in PRESETS:
        draft = begin(office, f"preset:{preset.name}")
        before = body_of(office, draft)
        assert "is saved. Nothing changes" in browser.done(
            f"/policies/{draft}/edit", **typed(browser, draft), do="save"
        )
        assert body_of(office, draft) == before
        assert office.do(lambda session, draft=draft: session.get_one(Policy, draft).revision) == 2


def test_a_draft_starts_from_live_or_any_version_and_from_nothing_else(office: Office) -> None:
    first = office.do(lambda session: session.query(Policy).one().id)
    assert body_of(office, begin(office)) == body_of(office, first) == body_of(office, begin(office, first))
    browser = office.visit("admin")
    for name in ("preset:none", "none", ""):
        assert browser.post("/policies/drafts", **{"from": name}).status_code == 404
    page = browser.page("/policies")
    assert "Start a draft" in page and "Policy 3" in page and "Hot leads in minutes" in page


def test_the_form_changes_every_part(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    form = typed(browser, draft) | {
        "obligations-0-within-value": "90", "obligations-0-within-unit": "minutes business",
        "obligations-0-warn_before-value": "", "obligations-0-reassign": "no", "obligations-0-notify": ["admin"],
        "obligations-1-grades": ["A", "B"], "obligations-2-applies": "other",
        "obligations-2-other": '{"all": [{"field": "country", "op": "ne", "value": "DE"}]}',
        "obligations-3-repeat-value": "3", "obligations-3-repeat-unit": "days calendar",
        "ladder-stop_below": "62,5", "ladder-probation-days": "0", "ladder-severity-update_": "0",
        "ladder-severity-feedback": "2.5", "hand_overs": "2", "grace_minutes": "30",
        "vendor-appeal_within-value": "2", "vendor-appeal_within-unit": "hours business", "note": "All of it",
    }  # fmt: skip
    assert "All of it" in browser.done(f"/policies/{draft}/edit", **form, do="save")
    body = body_of(office, draft)
    first, grades, rest, feedback = body["obligations"]
    assert first["within"] == {"value": 90, "unit": "minutes", "clock": "business"} and first["warn_before"] is None
    assert first["on_breach"] == {"reassign": False, "notify": ["admin"]}
    assert grades["when"] == {"all": [{"field": "grade", "op": "in", "value": ["A", "B"]}]}
    assert rest["when"] == {"all": [{"field": "country", "op": "ne", "value": "DE"}]}
    assert feedback["repeat"] == {"value": 3, "unit": "days", "clock": "calendar"}
    assert body["ladder"]["stop_below"] == 0.625 and body["ladder"]["probation"]["days"] == 0
    assert body["ladder"]["severity"] == {"feedback": 2.5, "update": 0}
    assert (body["hand_overs"], body["grace_minutes"]) == (2, 30)
    assert body["vendor"]["appeal_within"] == {"value": 2, "unit": "hours", "clock": "business"}
    again = typed(browser, draft)
    assert again["obligations-1-grades"] == ["A", "B"] and '"country"' in again["obligations-2-other"]


def test_deadlines_are_added_moved_and_removed_without_a_save(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    form = typed(browser, draft) | {"obligations-0-within-value": "7 typed"}

    def press(button: str) -> list[str]:
        nonlocal form
        answer = browser.post(f"/policies/{draft}/edit", **form, do=button)
        assert answer.status_code == 200
        form = page_of(answer).fields
        return [form[f"obligations-{n}-kind"] for n in range(9) if f"obligations-{n}-kind" in form]

    assert press("down-0") == ["first_contact", "respond", "first_contact", "feedback"]
    assert form["obligations-1-within-value"] == "7 typed"
    assert press("add")[-1] == "next_touch" and form["obligations-4-touches"] == "3"
    assert press("remove-0") == ["respond", "first_contact", "feedback", "next_touch"]
    assert press("up-3") == ["respond", "first_contact", "next_touch", "feedback"]
    assert press("up-0") == press("remove-77") == press("down-x") == press("down-3")
    assert len(body_of(office, draft)["obligations"]) == 4 and body_of(office, draft) == DEFAULT_BODY


DEFAULT_BODY = service.checked(DEFAULT_POLICY).body


#: Field, what is typed, the sentence, and the field that is marked where it is another one.
MISTAKES = (
    ("obligations-0-within-value", "soon", "Deadline 1: Give a whole number from 1 to 10,000.", None),
    ("obligations-0-within-value", "", "Deadline 1: Give how long the partner has.", None),
    ("obligations-0-within-value", "1e999", "Deadline 1: Give a whole number from 1 to 10,000.", None),
    ("obligations-0-within-unit", "weeks now", "Give minutes, hours or days.", None),
    ("obligations-0-within-unit", "days lunar", "Give business or calendar.", "obligations-0-within-unit"),
    ("obligations-0-kind", "sleep", "Give respond, first_contact", None),
    ("obligations-3-warn_before-value", "10", "The warning must come before the deadline: give less.", None),
    ("obligations-0-applies", "grade", "Choose at least one grade, or any lead.", "obligations-0-grades"),
    ("ladder-stop_below", "95", "give at most the rate of the rung above.", None),
    ("ladder-warn_below", "190", "Give a percentage from 0 to 100.", None),
    ("ladder-probation-open_lead_cap", "0", "Give a whole number from 1 to 1,000.", None),
    ("ladder-severity-update_", "1000", "Give a number from 0 to 100.", None),
    ("ladder-window_days", "nan", "Give a whole number from 1 to 3,650.", None),
    ("hand_overs", "-1", "Give a whole number from 0 to 100.", None),
    ("grace_minutes", "", "Give a whole number from 0 to 10,080.", None),
    ("vendor-appeal_within-value", "0", "Give a whole number from 1 to 10,000.", None),
    ("note", "x" * 201, "Use at most 200 characters.", None),
)


def test_a_mistake_is_told_at_its_field_and_nothing_is_lost(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    fresh = typed(browser, draft) | {"note": "Kept"}
    for field, value, sentence, marked in MISTAKES:
        form = fresh | {field: value}
        answer = browser.post(f"/policies/{draft}/edit", **form, do="save")
        page, where = page_of(answer), f"{field}={value[:9]}"
        assert answer.status_code == 422 and sentence in words(answer), where
        assert f"{marked or field}-error" in page.ids, where
        assert all(link[1:] in page.ids for link in page.links if link.startswith("#")), where
        choice = field.endswith(("-unit", "-kind"))
        kept = {name: given for name, given in form.items() if name != field or not choice}
        assert {name: page.fields.get(name) for name in kept} == kept, where
    assert body_of(office, draft) == DEFAULT_BODY


def test_a_condition_that_cannot_be_read_is_told_at_its_field(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    for other, sentence in (
        ("nonsense", "This is not JSON"),
        ('{"all": [{"field": "shoe", "op": "eq", "value": 1}]}', "all.0.field: A lead has no field 'shoe'"),
    ):
        form = typed(browser, draft) | {
            "obligations-2-applies": "other",
            "obligations-2-other": other,
            "hand_overs": "x",
        }
        answer = browser.post(f"/policies/{draft}/edit", **form, do="check")
        page = page_of(answer)
        assert answer.status_code == 422 and {"obligations-2-other-error", "hand_overs-error"} <= page.ids
        assert words(answer).count(sentence) == 2, "in the summary and at the field"
        assert page.fields["obligations-2-other"] == other


def test_a_policy_without_an_answer_deadline_is_refused(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    form = {name: value for name, value in typed(browser, draft).items() if not name.startswith("obligations-")}
    nothing = browser.post(f"/policies/{draft}/edit", **form, do="save")
    assert nothing.status_code == 422 and "Give a list of 1 to 100 deadlines." in words(nothing)
    form = typed(browser, draft) | {"obligations-0-kind": "update"}
    missing = browser.post(f"/policies/{draft}/edit", **form, do="save")
    assert "Add a deadline to answer the offer" in words(missing)
    form = typed(browser, draft) | {"obligations-0-applies": "grade", "obligations-0-grades": ["A"]}
    some = browser.post(f"/policies/{draft}/edit", **form, do="save")
    assert "Deadline 1: The last answer to an offer must be for any lead" in words(some)


def test_the_example_is_worked_out_by_a_partners_hours_and_zone(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    form = typed(browser, draft) | {
        "example-start": "2026-03-06T16:00", "example-calendar": office.partner, "example-zone": "Europe/Berlin",
    }  # fmt: skip
    page = words(browser.post(f"/policies/{draft}/edit", **form, do="example"))
    assert "An offer made Fri 6 Mar 16:00 CET is due Tue 10 Mar 17:00 CET (Nordhaven's hours)." in page
    assert "Warned Tue 10 Mar 13:00 CET, 4 business hours before." in page
    assert "A partner with 10 due, 2 missed has kept 8 of 10 (80 %): Warned, below 90 %." in page
    assert "Warned from 2, Reduced from 3, Stopped from 5." in page
    form |= {"obligations-0-within-value": "2", "obligations-0-within-unit": "hours business", "example-missed": "3",
             "example-in_a_row": "3", "obligations-1-within-value": "x", "ladder-warn_below": "95"}  # fmt: skip
    answer = browser.post(f"/policies/{draft}/edit", **form, do="example")
    assert answer.status_code == 200, "an example is shown of what is half typed too"
    page = words(answer)
    assert "is due Mon 9 Mar 10:00 CET" in page and "Not to be worked out yet" in page
    assert "Stopped, 3 missed in a row" in page
    default = words(browser.post(f"/policies/{draft}/edit", **form | {"example-calendar": "", "example-zone": ""}))
    assert "(default hours)" in default and "16:00 UTC" in default


def test_two_admins_at_one_draft_lose_nothing(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    mine = typed(browser, draft) | {"hand_overs": "3"}
    theirs = typed(browser, draft) | {"grace_minutes": "15"}
    browser.done(f"/policies/{draft}/edit", **theirs, do="save")
    late = browser.post(f"/policies/{draft}/edit", **mine, do="save")
    page = page_of(late)
    assert late.status_code == 409 and "Ines Okafor changed draft 2 meanwhile." in words(late)
    assert "Grace: minutes 0 15" in words(late), "what saving would undo is told"
    assert page.fields["hand_overs"] == "3" and body_of(office, draft)["grace_minutes"] == 15
    browser.done(f"/policies/{draft}/edit", **page.fields, do="save")
    assert (body_of(office, draft)["hand_overs"], body_of(office, draft)["grace_minutes"]) == (3, 0)
    text = json.dumps(body_of(office, draft))
    stale = browser.post(f"/policies/{draft}/text", text=text, revision="1", keep="1")
    assert stale.status_code == 409 and "meanwhile" in words(stale)


def test_what_was_typed_outlives_a_publish_in_between(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    mine = typed(browser, draft) | {"hand_overs": "3"}
    browser.done(f"/policies/{draft}/publish", revision="1")
    late = browser.post(f"/policies/{draft}/edit", **mine, do="save")
    assert late.status_code == 409 and "Policy 2 is published already" in words(late)
    kept = browser.done(f"/policies/{draft}/edit", **mine, do="new")
    assert "Draft 3 is saved." in kept
    assert body_of(office, draft)["hand_overs"] == 5
    assert (
        browser.get(f"/policies/{draft}/edit").status_code == browser.get(f"/policies/{draft}/text").status_code == 302
    )


def test_a_draft_that_changed_since_it_was_read_is_not_published_unseen(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    browser.done(f"/policies/{draft}/edit", **typed(browser, draft) | {"hand_overs": "1"}, do="save")
    assert "Ines Okafor changed draft 2 meanwhile." in browser.done(f"/policies/{draft}/publish", revision="1")
    assert office.do(lambda session: session.get_one(Policy, draft).effective_from) is None
    assert "Policy 2 rules from" in browser.done(f"/policies/{draft}/publish", revision="2")
    page = browser.page(f"/policies/{draft}")
    assert "published by Ines Okafor" in page and "changed by Ines Okafor" in page


def test_the_same_draft_is_edited_as_text(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    assert '"hand_overs": 5' in words(browser.get(f"/policies/{draft}/text"))
    text = json.dumps({**body_of(office, draft), "hand_overs": 4})
    assert "Checked: this can be published." in words(browser.post(f"/policies/{draft}/text", text=text, check="1"))
    browser.done(f"/policies/{draft}/text", text=text, revision="1", keep="1", note="By text")
    assert body_of(office, draft)["hand_overs"] == 4
    assert browser.get("/policies/none/text").status_code == browser.get("/policies/none/edit").status_code == 404
    assert words(browser.post(f"/policies/{draft}/text", text="[1", revision="2", keep="1")).count("This is not JSON")


def test_an_earlier_policy_is_brought_back_under_a_new_number(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office, "preset:strict")
    first = office.do(lambda session: session.query(Policy).filter_by(number=1).one().id)
    assert "is a draft: publish it as it is" in browser.done(f"/policies/{draft}/again")
    assert "Policy 1 is live already." in browser.done(f"/policies/{first}/again")
    browser.done(f"/policies/{draft}/publish", revision="1")
    page = browser.page(f"/policies/{first}")
    assert "Bring it back" in page and "Answer the offer, grade is A: no longer" in page
    late = browser.post(f"/policies/{first}/again", effective_from="2026-02-01T10:00")
    assert late.status_code == 422 and "Give an instant in the future" in words(late)
    assert "Policy 3 rules from" in browser.done(f"/policies/{first}/again", note="Too strict")
    made = office.do(lambda session: session.query(Policy).filter_by(number=3).one())
    assert made.body == body_of(office, first) and made.note == "Too strict"
    assert browser.post("/policies/none/again").status_code == 404


def test_two_versions_are_compared_in_words(office: Office) -> None:
    browser = office.visit("admin")
    begin(office, "preset:lenient")
    page = browser.page("/policies/difference?before=1&after=2")
    assert "Answer the offer: within 5 business days 2 business days" in page and "Easier" in page
    assert "Ladder: stopped below 40 % 60 %" in page
    assert "They say the same." in browser.page("/policies/difference?before=2&after=2")
    assert "from policy 1 to policy 2" in browser.page("/policies/difference?before=x&after=99")
    assert "Compare two" in browser.page("/policies")


def test_each_step_is_in_the_audit_with_who(office: Office) -> None:
    browser, draft = office.visit("admin"), begin(office)
    browser.done(f"/policies/{draft}/edit", **typed(browser, draft), do="save")
    browser.done(f"/policies/{draft}/publish", revision="2")
    rows = office.do(lambda session: session.query(Audit).filter_by(object_id=draft).order_by(Audit.id).all())
    assert [(row.action, row.actor_name) for row in rows] == [
        (f"policy.{what}", "Ines Okafor") for what in ("draft", "revise", "publish")
    ]


def test_policies_are_for_admins_only(office: Office) -> None:
    draft = begin(office)
    for who in ("manager", "marketer", "rep"):
        browser = office.visit(who)
        for path in ("", "/difference", "/draft", f"/{draft}", f"/{draft}/edit", f"/{draft}/text"):
            assert browser.get(f"/policies{path}").status_code == 404
        for path in ("drafts", f"{draft}/edit", f"{draft}/text", f"{draft}/publish", f"{draft}/again"):
            assert browser.post(f"/policies/{path}", do="save").status_code == 404
        assert browser.get("/vendor-days").status_code == 404
        assert browser.post("/vendor-days", day="2026-12-24", name="x").status_code == 404


def test_pages_of_policies_cost_the_same_for_many(office: Office, app: Flask) -> None:
    browser, draft = office.visit("admin"), begin(office)
    paths = ("/policies", "/policies/difference", f"/policies/{draft}", f"/policies/{draft}/edit", "/due-times")

    def cost() -> int:
        for path in paths:
            browser.page(path)
        with counted(app) as sent:
            for path in paths:
                browser.page(path)
        return len(sent)

    few = cost()

    def more(session: Session) -> None:
        for _ in range(12):
            unit(session, lambda: service.draft(session, DEFAULT_POLICY, "n", NOON, SYSTEM))

    office.do(more)
    assert cost() == few


def test_a_page_of_the_form_carries_nothing_that_the_content_policy_refuses(office: Office) -> None:
    page = office.visit("admin").get(f"/policies/{begin(office)}/edit").get_data(as_text=True)
    assert not re.search(r"\sstyle=|<style|javascript:|\son\w+=", page)
