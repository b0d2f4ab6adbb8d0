"""The page of a lead: whose it is decides what is read; its forms, its deal, its timeline; the staff's variant."""

import pytest
from sqlalchemy.orm import Session

from models.assignments import Deal, Feedback
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.vocabulary import DeclineReason
from tests.support import world
from tests.support.visits import counted, words
from tests.support.world import DAY, HOUR, MINUTE
from tests.web.partner_scene import LEAD, NOON, SECRETS, Scene, scene

__all__ = ["scene"]
DEAL = {
    "stage": "proposal",
    "amount": "48000.50",
    "currency": "eur",
    "expected_close": "2026-04-30",
    "name": "40 servers",
}


def test_anothers_lead_does_not_exist(scene: Scene) -> None:
    lead, _ = scene.lead(accepted=True, **LEAD)
    rival = scene.visit("rival_rep")
    hidden, absent = rival.get(f"/leads/{lead}"), rival.get("/leads/never-there")
    assert hidden.status_code == absent.status_code == 404
    assert words(hidden).replace(lead, "") == words(absent).replace("never-there", "")
    for act in ("accept", "decline", "log", "feedback", "deal"):
        assert rival.post(f"/leads/{lead}/{act}", kind="call", outcome="reached", **DEAL).status_code == 404


def test_an_offer_is_accepted_from_its_page(scene: Scene) -> None:
    lead, _ = scene.lead(**LEAD)
    visitor = scene.visit()
    assert "Name, address and message are shown once you accept." in visitor.page(f"/leads/{lead}")
    page = visitor.done(f"/leads/{lead}/accept")
    assert "Accepted. First contact by Mon 9 Mar 17:00 CET." in page
    assert "“Call me before Friday”" in page
    assert "birgit@halvorsen.example.com" in page


def test_an_offer_is_declined_from_its_page_and_gone(scene: Scene) -> None:
    lead, _ = scene.lead(**LEAD)
    visitor = scene.visit()
    assert "Why not?" in visitor.page(f"/leads/{lead}?form=decline")
    assert "My work" in visitor.done(f"/leads/{lead}/decline", reason="no_capacity")
    page = visitor.page(f"/leads/{lead}", 404)
    assert "You no longer hold this lead; it moved on today 12:00 CET." in page
    assert not [secret for secret in SECRETS if secret in page]


def test_when_a_lead_has_moved_on_its_page_and_acts_end(scene: Scene) -> None:
    lead, _ = scene.lead(accepted=True, **LEAD)
    visitor = scene.visit()
    visitor.get(f"/leads/{lead}")
    scene.clock.move_to(NOON + 9 * DAY)
    scene.do(lambda session: sweep(session, NOON + 9 * DAY))
    page = visitor.page(f"/leads/{lead}", 404)
    assert "You no longer hold this lead; it moved on Mon 9 Mar 17:00 CET." in page
    visitor.get("/work")
    answer = visitor.post(f"/leads/{lead}/log", kind="call", outcome="reached", next_step="0")
    assert answer.status_code == 404
    assert not [secret for secret in SECRETS if secret in words(answer)]


def test_a_new_holder_reads_nothing_of_the_one_before(scene: Scene) -> None:
    lead, first = scene.lead(holder=scene.rival, **LEAD)

    def pass_on(session: Session) -> None:
        rival = scene.actor(session, scene.rival)
        acts.decline(session, rival, first, DeclineReason.CONFLICT, "Our own customer", NOON + HOUR)

    only = {"name": "Mine", "pool": {"partners": [scene.partner]},
            "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}  # fmt: skip
    scene.do(lambda session: world.publish_rules(session, only, now=NOON + MINUTE))
    scene.do(pass_on)
    scene.clock.move_to(NOON + 2 * HOUR)
    visitor = scene.visit()
    visitor.get(f"/leads/{lead}")
    page = visitor.done(f"/leads/{lead}/accept")
    assert "Halvorsen Logistik AG" in page
    for told in ("Rival", "Declined", "Our own customer", "Enquiry received", "queue"):
        assert told not in page
    assert "Offered. " in page


def test_asking_again_is_read_from_the_own_offer_on(scene: Scene) -> None:
    lead, assignment = scene.lead(**LEAD)
    again = {**LEAD, "message": "Is anybody there?", "source": "Pricing page"}
    scene.do(lambda session: world.receive_lead(session, now=NOON + HOUR, **again))
    visitor = scene.visit()
    offered = visitor.page(f"/leads/{lead}")
    assert "Asked again. Through Pricing page. Joined this lead; nothing new to answer." in offered
    assert "Is anybody there?" not in offered
    scene.accept(assignment, NOON + 2 * HOUR)
    assert "“Is anybody there?”" in visitor.page(f"/leads/{lead}")


def test_why_is_told_without_others_ranks_or_rules(scene: Scene) -> None:
    lead, _ = scene.lead()
    page = scene.visit().page(f"/leads/{lead}")
    assert "Why you got this lead" in page
    assert "You were in good standing." in page
    for hidden in ("Rival", "Only", "rank"):
        assert hidden not in page


def test_the_checklist_follows_what_is_done(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    page = visitor.page(f"/leads/{lead}")
    assert "Answer the offer Accept or decline. Within 2 business days Done today 12:01 CET" in page
    assert "First contact A call, e-mail, meeting, demo or message. Within 5 business days in 7 days" in page
    visitor.done(f"/leads/{lead}/log", kind="call", outcome="reached", next_step="0")
    assert "Within 5 business days Done today" in visitor.page(f"/leads/{lead}")
    assert scene.state(assignment) == "accepted"


def test_a_deal_is_added_changed_and_won(scene: Scene) -> None:
    lead, _ = scene.lead(accepted=True)
    visitor = scene.visit()
    assert "Add a deal" in visitor.page(f"/leads/{lead}")
    page = visitor.done(f"/leads/{lead}/deal", **DEAL)
    assert "Deal saved." in page
    assert "EUR 48,000.50" in page
    form = visitor.get(f"/leads/{lead}?form=deal").get_data(as_text=True)
    assert 'value="48000.50"' in form
    won = visitor.done(f"/leads/{lead}/deal", **{**DEAL, "stage": "won", "amount": "50000"})
    assert "Deal won: the lead is closed. Feedback stays due until you give it." in won
    found = scene.do(lambda session: session.query(Deal).one())
    assert (found.amount_cents, found.currency, found.stage.value) == (5_000_000, "EUR", "won")
    given = visitor.done(f"/leads/{lead}/feedback", rating="5", disposition="won")
    assert "Feedback given: won." in given


def test_feedback_on_a_won_deal_says_won(scene: Scene) -> None:
    lead, _ = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get(f"/leads/{lead}")
    visitor.done(f"/leads/{lead}/deal", **{**DEAL, "stage": "won"})
    answer = visitor.post(f"/leads/{lead}/feedback", rating="5", disposition="lost")
    assert answer.status_code == 422
    assert "This lead was won: choose won." in words(answer)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("amount", "a lot", "Write the amount in digits"),
        ("amount", "-5", "Write the amount in digits"),
        ("amount", "", "Give the amount, 0 if you do not know it yet."),
        ("currency", "EURO", "Give the currency by its three letters"),
        ("stage", "dreaming", "Not a valid choice."),
        ("expected_close", "soon", "Not a valid date value."),
    ],
)
def test_a_deal_that_cannot_be_read_is_asked_again(scene: Scene, field: str, value: str, sentence: str) -> None:
    lead, _ = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get(f"/leads/{lead}")
    answer = visitor.post(f"/leads/{lead}/deal", **{**DEAL, field: value})
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert scene.do(lambda session: session.query(Deal).count()) == 0


def test_the_form_that_is_open_does_what_is_most_urgent(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    assert 'action="/leads/' + lead + '/log"' in visitor.get(f"/leads/{lead}").get_data(as_text=True)
    scene.call(assignment, NOON + HOUR)
    scene.clock.move_to(NOON + 20 * DAY)
    html = visitor.get(f"/leads/{lead}").get_data(as_text=True)
    assert f'action="/leads/{lead}/feedback"' in html
    assert "Clears the overdue feedback" in html


def test_what_was_taken_back_is_told_and_asks_for_nothing(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    before = visitor.page(f"/leads/{lead}").partition("Timeline")[0].partition("What you owe")[2]
    answer = visitor.post(f"/leads/{lead}/feedback", rating="1", disposition="working", note="Wrong lead")
    visitor.get(answer.location)
    given = scene.do(lambda s: s.query(Feedback).one().id)
    page = visitor.done(f"/work/{assignment}/undo", feedback=given, next=f"/leads/{lead}")
    assert page.partition("Timeline")[0].partition("What you owe")[2] == before
    assert "Feedback: 1 of 5, working. By Jana Petersen. taken back" in page


def test_a_returned_lead_leads_back_to_the_work(scene: Scene) -> None:
    lead, _ = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get(f"/leads/{lead}")
    page = visitor.done(f"/leads/{lead}/feedback", rating="1", disposition="unqualified", reason="A student")
    assert "Feedback given: not a lead. The lead is closed." in page
    assert "Nothing is due." in page
    assert "it was closed" in visitor.page(f"/leads/{lead}", 404)


def test_a_long_timeline_costs_as_many_statements_as_a_short_one(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    sent = []
    for more in (1, 12):
        for n in range(more):
            scene.call(assignment, NOON + (more * 20 + n * 6) * MINUTE)
        visitor.get(f"/leads/{lead}")
        with counted(scene.app) as statements:
            assert visitor.get(f"/leads/{lead}").status_code == 200
        sent.append(len(statements))
    assert sent[0] == sent[1]


def test_the_vendor_reads_who_held_it_and_why(scene: Scene) -> None:
    lead, _ = scene.lead(accepted=True, **LEAD)
    page = scene.visit("manager").page(f"/leads/{lead}")
    assert "With Nordhaven since today" in page
    assert "Who held it" in page
    assert "Why it went there" in page
    assert "birgit@halvorsen.example.com" in page
    assert "Enquiry received." in page
    assert "Log a touch" not in page


def test_the_vendor_does_not_act_for_a_partner(scene: Scene) -> None:
    lead, assignment = scene.lead()
    manager = scene.visit("manager")
    manager.get("/account")
    for act in ("accept", "decline", "log", "feedback", "deal"):
        assert manager.post(f"/leads/{lead}/{act}", reason="other").status_code == 404
    assert scene.state(assignment) == "offered"
