"""The open pool and the list of all our leads: what is shown, what is found, who comes second."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.partners import Partner
from portal.vocabulary import Role
from tests.support import world
from tests.support.visits import counted, words
from tests.web.partner_scene import LEAD, NOON, SECRETS, Scene, scene

__all__ = ["scene"]
POOL = {"name": "Open to all", "strategy": {"kind": "open_pool", "hours": 48}, "then": "queue"}


def pooled(scene: Scene, **facts: Any) -> str:
    """A lead in the open pool."""

    def build(session):  # type: ignore[no-untyped-def]
        world.publish_rules(session, POOL, now=NOON)
        return world.receive_lead(session, now=NOON, **facts).id

    return str(scene.do(build))


def test_an_empty_pool_says_what_will_appear(scene: Scene) -> None:
    assert "The pool holds nothing for you now." in scene.visit().page("/pool")


def test_a_pooled_lead_is_shown_without_who_it_is_and_claimed(scene: Scene) -> None:
    lead = pooled(scene, **LEAD)
    visitor = scene.visit()
    answer = visitor.get("/pool")
    assert not [secret for secret in SECRETS if secret in answer.get_data(as_text=True)]
    assert "To claim 1 Grade C Tidewell Backup, 250–499 people" in words(answer)
    page = visitor.done(f"/pool/{lead}/claim")
    assert "Claimed: this lead is yours. First contact by Mon 9 Mar 17:00 CET." in page
    assert "birgit@halvorsen.example.com" in page


def test_whoever_is_second_is_told_neither_who_nor_when(scene: Scene) -> None:
    lead, _ = pooled(scene), pooled(scene)
    first, second = scene.visit(), scene.visit("rival_rep")
    first.get("/pool")
    second.get("/pool")
    first.done(f"/pool/{lead}/claim")
    page = second.done(f"/pool/{lead}/claim")
    assert "This lead has left the pool. 1 other lead fits you now." in page
    assert "Nordhaven" not in page


def test_what_keeps_us_from_claiming_is_said(scene: Scene) -> None:
    lead = pooled(scene)
    visitor = scene.visit()
    visitor.get("/team")
    closed = {"mon": "09:00-17:00", "closures": "2026-03-02 to 2026-03-04 Fair", "holiday_country": ""}
    visitor.done("/team/hours", **closed)
    page = visitor.page("/pool")
    assert "Not now 1" in page
    assert "You are closed until" in page
    assert "You are closed until" in visitor.done(f"/pool/{lead}/claim")


def test_a_lead_that_does_not_fit_does_not_exist(scene: Scene) -> None:
    def limit(session):  # type: ignore[no-untyped-def]
        return world.make_partner(session, "Only Austria", territories=[{"country": "AT"}])

    scene.do(limit)
    lead = pooled(scene, country="FR")
    visitor = scene.visit()
    assert "To claim" in visitor.page("/pool")
    assert visitor.post("/pool/never-there/claim").status_code == 404
    offered, _ = scene.lead()
    assert scene.visit("rival_rep").post(f"/pool/{offered}/claim").status_code == 404
    assert scene.lead_row(lead).status.value == "pooled"


def test_a_hundred_pooled_leads_cost_as_many_statements_as_ten(scene: Scene) -> None:
    visitor, sent = scene.visit(), []
    for more in (10, 90):

        def build(session, more=more):  # type: ignore[no-untyped-def]
            world.publish_rules(session, POOL, now=NOON)
            for _ in range(more):
                world.receive_lead(session, now=NOON)

        scene.do(build)
        visitor.get("/pool")
        with counted(scene.app) as statements:
            page = visitor.page("/pool")
        sent.append(len(statements))
    assert "To claim 100" in page
    assert sent[0] == sent[1]


def test_a_team_of_a_hundred_costs_as_many_statements_as_one_of_ten(scene: Scene) -> None:
    visitor, sent = scene.visit(), []
    for more in (10, 90):

        def build(session, more=more):  # type: ignore[no-untyped-def]
            partner = session.get_one(Partner, scene.partner)
            for _ in range(more):
                world.make_user(session, Role.PARTNER_REP, partner=partner, now=NOON)

        scene.do(build)
        visitor.get("/team")
        with counted(scene.app) as statements:
            assert visitor.get("/team").status_code == 200
        sent.append(len(statements))
    assert sent[0] == sent[1]


def test_an_empty_list_says_where_leads_come_from(scene: Scene) -> None:
    assert "You hold no leads yet." in scene.visit().page("/our-leads")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Accepted Ltd", "Called Ltd", "Won Ltd", "Tidewell Offer"]),
        ("status=offered", ["Tidewell Offer"]),
        ("status=accepted", ["Accepted Ltd"]),
        ("status=contacted", ["Called Ltd"]),
        ("status=won", ["Won Ltd"]),
        ("status=lost", []),
        ("status=nonsense&q=", ["Accepted Ltd", "Called Ltd", "Won Ltd", "Tidewell Offer"]),
        ("q=called", ["Called Ltd"]),
        ("q=CALLED+ltd&status=won", []),
        ("q=tidewell", ["Tidewell Offer"]),
        ("q=called+person", ["Called Ltd"]),
        ("q=called+nobody", []),
        ("q=hidden", []),
        ("q=%25", []),
    ],
)
def test_the_list_is_filtered_and_searched(scene: Scene, query: str, found: Sequence[str]) -> None:
    scene.lead(company="Accepted Ltd", accepted=True)
    _, called = scene.lead(company="Called Ltd", accepted=True)
    scene.call(called, NOON + world.HOUR)
    won, _ = scene.lead(company="Won Ltd", accepted=True)
    scene.lead(company="Hidden Ltd", product="Tidewell Offer")
    scene.lead(company="Not ours Ltd", product="Tidewell other", holder=scene.rival)
    visitor = scene.visit()
    visitor.get("/work")
    visitor.done(f"/leads/{won}/feedback", rating="5", disposition="won")
    page = visitor.page(f"/our-leads?{query}")
    names = ("Accepted Ltd", "Called Ltd", "Won Ltd", "Tidewell Offer", "Hidden Ltd", "Not ours Ltd", "Tidewell other")
    assert [name for name in names if name in page] == list(found)
    if not found:
        assert "Nothing here matches." in page


def test_the_pages_of_the_list_follow_one_another(scene: Scene) -> None:
    def many(session):  # type: ignore[no-untyped-def]
        only = {"name": "Only", "pool": {"partners": [scene.partner]},
                "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}  # fmt: skip
        world.publish_rules(session, only, now=NOON)
        for n in range(53):
            world.receive_lead(session, now=NOON, product=f"Product-{n:02}")

    scene.do(many)
    visitor = scene.visit()
    html = visitor.get("/our-leads").get_data(as_text=True)
    assert html.count("Product-") >= 50
    assert "Product-52" in html
    assert "Product-02" not in html
    following = html.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    page = visitor.page(following)
    assert [n for n in range(53) if f"Product-{n:02}" in page] == [0, 1, 2]
