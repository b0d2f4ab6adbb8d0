"""Rules on real databases: outcomes, places, caps by product, lists, arrival; and trying one lead out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models.allocation import Decision, RuleVersion
from models.assignments import Assignment
from models.base import new_id
from models.leads import Lead, LeadDefinition
from models.lists import NamedListVersion
from models.partners import Live, Partner
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.allocation import lists, places, versions
from portal.allocation.conversion import outcomes
from portal.allocation.live import snapshot
from portal.allocation.product_caps import has_room, open_of
from portal.allocation.try_one import Tried, try_one, typed_lead
from portal.compliance import partners as kept_partners
from portal.deadlines.live import changed
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate
from tests.support.world import DAY, EVERYONE, HOUR, MONDAY, make_partner, publish_rules, receive_lead

ROBIN = {"kind": "weighted_round_robin"}
BERLIN, HAMBURG, MUNICH = ("DE", "10115", 52.53, 13.38), ("DE", "20095", 53.55, 10.0), ("DE", "80331", 48.14, 11.57)


def rule(name: str = "All", strategy: Any = None, **parts: Any) -> dict[str, Any]:
    return {"name": name, "strategy": strategy or ROBIN, "then": "queue", **parts}


def one(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"all": [{"field": field, "op": op, "value": value}]}


def holder(session: Session, lead: Lead) -> str | None:
    found = session.scalars(select(Assignment).where(Assignment.lead_id == lead.id)).first()
    return session.get_one(Partner, found.partner_id).name if found else None


def decision(session: Session, lead: Lead) -> Decision:
    return session.scalars(select(Decision).where(Decision.lead_id == lead.id)).one()


def load(session: Session, *rows: tuple[str, str, float, float]) -> int:
    return unit(session, lambda: places.keep(session, rows, MONDAY, SYSTEM))


# nearest


@pytest.fixture
def three_cities(session: Session) -> Session:
    for name, postcode in (("Nord", "20095"), ("Süd", "80331"), ("Ohne Ort", None), ("Unbekannt", "99999")):
        make_partner(session, name, postcode=postcode)
    load(session, BERLIN, HAMBURG, MUNICH)
    publish_rules(session, rule(strategy={"kind": "nearest"}))
    return session


@pytest.mark.parametrize(
    ("postcode", "country", "expected"),
    [("10115", "DE", "Nord"), ("80331", "DE", "Süd"), ("80 331", "DE", "Süd"), ("80331-7", "DE", "Süd"),
     ("00000", "DE", "Nord"), (None, "DE", "Nord"), ("80331", "AT", "Nord")],
)  # fmt: skip
def test_the_nearest_gets_it_and_where_nothing_is_known_the_fixed_order_decides(
    three_cities: Session, postcode: str | None, country: str, expected: str
) -> None:
    lead = receive_lead(three_cities, postcode=postcode, country=country)
    assert holder(three_cities, lead) == expected


def test_the_nearest_without_room_is_passed_over(three_cities: Session) -> None:
    south = three_cities.scalars(select(Partner).where(Partner.name == "Süd")).one()
    unit(three_cities, lambda: kept_partners.change(three_cities, south.id, {"open_lead_cap": 1}, MONDAY, SYSTEM))
    got = [holder(three_cities, receive_lead(three_cities, postcode="80331")) for _ in range(2)]
    assert got == ["Süd", "Nord"]


def test_a_decision_tells_the_distance(three_cities: Session) -> None:
    kept = decision(three_cities, receive_lead(three_cities, postcode="80331"))
    assert kept.sentence == "Süd is the nearest among 4 partners that fit."
    assert kept.origin == AssignmentOrigin.RULE


def test_a_place_loaded_again_moves_and_the_others_stay(three_cities: Session) -> None:
    load(three_cities, ("DE", "80331", 53.0, 10.0))
    assert places.place_of(three_cities, "DE", "80331") == (53.0, 10.0)
    assert places.place_of(three_cities, "DE", "20095") == HAMBURG[2:]
    south = three_cities.scalars(select(Partner.id).where(Partner.name == "Süd")).one()
    assert places.partner_places(three_cities)[south] == (53.0, 10.0)


def test_the_longest_beginning_that_is_listed_is_the_place(session: Session) -> None:
    load(session, ("GB", "SW1A", 51.5, -0.14), ("GB", "SW1A 1AA", 51.501, -0.142), ("GB", "S", 1.0, 1.0))
    assert places.place_of(session, "GB", "sw1a1aa") == (51.501, -0.142)
    assert places.place_of(session, "GB", "SW1A 2AB") == (51.5, -0.14)
    assert places.place_of(session, "GB", "SZ9") is None


def test_a_thousand_places_are_read_in_one_query(three_cities: Session) -> None:
    load(three_cities, *[("DE", f"{n:05}", 50.0, 10.0) for n in range(1200)])
    seen: list[str] = []
    engine = three_cities.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    places.place_of(three_cities, "DE", "00500")
    assert len([text for text in seen if "place" in text]) == 1


# best conversion


def ended(session: Session, partner: Partner, disposition: str | None, at: datetime, **more: Any) -> None:
    """An assignment that came to an end."""
    lead = Lead(id=new_id(), status="won", email="x@example.com", grade="C", received_at=at - DAY, created_at=at - DAY,
                custom={}, hand_overs=0)  # fmt: skip
    session.add(lead)
    session.flush()
    policy_id = session.scalars(select(Assignment.policy_id)).first() or _policy(session)
    facts = {"state": "closed", "ended_at": at, "accepted_at": at - DAY, "disposition": disposition, **more}
    session.add(Assignment(id=new_id(), lead_id=lead.id, partner_id=partner.id, origin="rule", policy_id=policy_id,
                           offered_at=at - DAY, respond_by=at, counts_open=False, **facts))  # fmt: skip


def _policy(session: Session) -> str:
    from models.compliance import Policy

    return session.scalars(select(Policy.id)).one()


def test_outcomes_are_those_that_are_known_by_the_last_midnight(session: Session) -> None:
    partner, now = make_partner(session, "Nord"), datetime(2026, 3, 2, 15, tzinfo=UTC)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)

    def work() -> None:
        ended(session, partner, "won", midnight - HOUR)
        ended(session, partner, "lost", midnight - 364 * DAY)
        ended(session, partner, None, midnight - DAY, state="expired")
        ended(session, partner, None, midnight - DAY, state="accepted", ended_at=None, accepted_at=midnight - 91 * DAY)
        # None of these: today's, long ago, no lead after all, an offer let go, a recall, one still being worked.
        ended(session, partner, "won", midnight)
        ended(session, partner, "won", midnight - 366 * DAY)
        ended(session, partner, "unqualified", midnight - DAY)
        ended(session, partner, None, midnight - DAY, state="expired", accepted_at=None)
        ended(session, partner, None, midnight - DAY, state="recalled")
        ended(session, partner, None, midnight - DAY, state="accepted", ended_at=None, accepted_at=midnight - 89 * DAY)

    unit(session, work)
    assert outcomes(session, now).of(partner.id) == (1, 4)
    assert outcomes(session, now).mean == 333_333
    assert outcomes(session, now + DAY).of(partner.id) == (2, 5)
    assert outcomes(session, now).of("nobody") == (0, 0)


def test_the_best_gets_most_and_the_others_their_share(session: Session) -> None:
    names = ("Nord", "Süd", "West")
    made = [make_partner(session, name, open_lead_cap=100) for name in names]

    def work() -> None:
        for partner, won in zip(made, (1, 9, 3), strict=True):
            for n in range(10):
                ended(session, partner, "won" if n < won else "lost", MONDAY - 10 * DAY)

    unit(session, work)
    publish_rules(session, rule(strategy={"kind": "best_conversion", "floor_share": 0.5}))
    leads = [receive_lead(session) for _ in range(8)]
    got = [holder(session, lead) for lead in leads]
    assert got == ["Süd", "Nord", "Süd", "West", "Süd", "Nord", "Süd", "West"]
    best, turn = decision(session, leads[0]), decision(session, leads[1])
    assert best.sentence == "Süd wins the most of its leads among 3 partners that fit."
    assert (best.strategy, best.outcome) == ("best_conversion", DecisionOutcome.OFFERED)
    assert (turn.origin, best.origin) == (AssignmentOrigin.ROTATION, AssignmentOrigin.RULE)
    assert turn.sentence == "Nord was next in turn: this lead is of the share that goes round all but the best."


# caps by product


def test_a_cap_for_one_product_closes_its_gate_and_no_other(session: Session) -> None:
    make_partner(session, "Nord", product_caps={"Widget Pro": 1})
    publish_rules(session)
    first, second, other = (receive_lead(session, product=p) for p in ("Widget pro", "widget PRO", "Gadget"))
    assert [holder(session, lead) for lead in (first, second, other)] == ["Nord", None, "Nord"]
    assert decision(session, second).sentence == "The only partner that fits is out: 1 at their cap for the product."
    nord = session.scalars(select(Partner)).one()
    assert open_of(session, [nord.id], "WIDGET PRO") == {nord.id: 1}
    facts = snapshot(session).roster[nord.id]
    assert [has_room(session, facts, p) for p in ("Widget Pro", "Gadget", None)] == [False, True, True]


def test_a_waiting_lead_goes_out_where_the_product_cap_grew(session: Session) -> None:
    nord = make_partner(session, "Nord", product_caps={"Widget": 0})
    publish_rules(session)
    lead = receive_lead(session, product="Widget")
    assert try_one(session, lead, None, MONDAY).outcome is DecisionOutcome.QUEUED
    wider = {"product_caps": {"Widget": 1}}
    unit(session, lambda: kept_partners.change(session, nord.id, wider, MONDAY + HOUR, SYSTEM))
    assert try_one(session, lead, None, MONDAY + HOUR).partner == "Nord"


def test_the_vendors_quiet_period_binds_every_partner(session: Session) -> None:
    make_partner(session, "Nord")
    publish_rules(session)

    def work() -> None:
        session.get_one(Live, 1).vendor = {"quiet_periods": [{"kind": "month_end", "days": 2}]}
        changed(session)

    unit(session, work)
    last_day = datetime(2026, 3, 31, 9, tzinfo=UTC)
    assert holder(session, receive_lead(session)) == "Nord"
    late = receive_lead(session, now=last_day)
    assert holder(session, late) is None
    assert "in a quiet period" in decision(session, late).sentence


# arrival


def test_leads_that_arrive_out_of_hours_can_have_a_rule_of_their_own(session: Session) -> None:
    day, night = make_partner(session, "Tag"), make_partner(session, "Nacht")
    publish_rules(
        session,
        rule("Night", when=one("arrived", "eq", "out_of_hours"), pool={"partners": [night.id]}),
        rule("Day", pool={"partners": [day.id]}),
    )

    def work() -> None:
        session.get_one(Live, 1).vendor = {"timezone": "America/New_York"}
        changed(session)

    at_nine_in_new_york = MONDAY + 5 * HOUR
    assert holder(session, receive_lead(session, now=MONDAY)) == "Tag"
    unit(session, work)
    assert holder(session, receive_lead(session, now=MONDAY)) == "Nacht"
    assert holder(session, receive_lead(session, now=at_nine_in_new_york)) == "Tag"


# lists


def save(session: Session, name: str, *items: str, **more: Any) -> Any:
    return unit(session, lambda: lists.save(session, name, list(items), MONDAY, SYSTEM, **more))


def test_a_list_counts_as_it_is_when_a_lead_is_placed(session: Session) -> None:
    big, rest = make_partner(session, "Groß"), make_partner(session, "Rest")
    save(session, "strategic", "Acme GmbH")
    publish_rules(
        session,
        rule("Big", when=one("company", "in", ["list:strategic"]), pool={"partners": [big.id]}),
        rule("Rest", pool={"partners": [rest.id]}),
    )
    assert holder(session, receive_lead(session, company="ACME GMBH ")) == "Groß"
    assert holder(session, receive_lead(session, company="Globex")) == "Rest"
    save(session, "strategic", "Globex")
    assert holder(session, receive_lead(session, company="Globex AG")) == "Rest"
    assert holder(session, receive_lead(session, company="Globex")) == "Groß"
    assert holder(session, receive_lead(session, company="Acme GmbH")) == "Rest"
    kept = session.scalars(select(NamedListVersion).order_by(NamedListVersion.id)).all()
    assert [row.items for row in kept] == [["Acme GmbH"], ["Globex"]]


def test_a_list_that_is_named_is_not_dropped(session: Session) -> None:
    make_partner(session, "Nord")
    save(session, "strategic", "Acme GmbH")
    publish_rules(session, rule("Big", when=one("company", "in", ["list:strategic"]), then="next"), EVERYONE)
    with pytest.raises(Conflict, match="rule Big of version 1"):
        unit(session, lambda: lists.drop(session, "strategic", MONDAY, SYSTEM))
    publish_rules(session)
    unit(session, lambda: lists.drop(session, "strategic", MONDAY, SYSTEM))
    assert lists.all_lists(session) == []
    with pytest.raises(NotFound):
        unit(session, lambda: lists.drop(session, "strategic", MONDAY, SYSTEM))
    with pytest.raises(Invalid, match="There is no list 'strategic': make it first"):
        versions.checked(session, session.scalars(select(RuleVersion).where(RuleVersion.number == 1)).one().rules)


@pytest.mark.parametrize(
    ("name", "items", "field"),
    [("Strategic accounts", ["x"], "name"), ("", ["x"], "name"), ("a" * 65, ["x"], "name"), ("ok", [1], "items"),
     ("ok", ["x" * 201], "items"), ("ok", ["a\x00"], "items"), ("ok", ["x"] * 20_001, "items")],
)  # fmt: skip
def test_a_list_that_cannot_be_kept(session: Session, name: str, items: list[Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        unit(session, lambda: lists.save(session, name, items, MONDAY, SYSTEM))
    assert [where for where, _ in refused.value.errors] == [field]
    assert lists.values_of(session) == {}


def test_two_who_edit_a_list_do_not_overwrite_one_another(session: Session) -> None:
    made = save(session, "vip", "b", "a", " A ", "")
    assert (made.items, made.revision) == (["a", "b"], 1)
    save(session, "vip", "c", revision=1)
    with pytest.raises(Conflict, match="changed the list vip meanwhile"):
        save(session, "vip", "d", revision=1)
    assert lists.values_of(session) == {"vip": frozenset({"c"})}


# a draft and what leads have named


def test_a_product_that_a_lead_has_named_is_known(session: Session) -> None:
    make_partner(session, "Nord", products=["Widget"])
    wanted = [rule(when=one("product", "eq", "Sprocket"), then="next"), EVERYONE]
    with pytest.raises(Invalid, match="No partner is certified for Sprocket"):
        versions.checked(session, wanted)
    publish_rules(session)
    receive_lead(session, product="sprocket")
    assert versions.checked(session, wanted) == ["Rule 1 (All): nobody it asks is certified for Sprocket."]


# trying one lead


def tried(session: Session, rules: Any = None, now: datetime = MONDAY, **facts: Any) -> Tried:
    return try_one(session, typed_lead(facts, now), rules, now)


def test_each_rule_is_told_as_it_was_asked(session: Session) -> None:
    nord = make_partner(session, "Nord", territories=[{"country": "DE"}])
    make_partner(session, "Süd", territories=[{"country": "AT"}])
    wanted = [
        rule("Austria", when=one("country", "eq", "AT"), then="next"),
        rule("Full", when=one("score", "missing", None), pool={"partners": [nord.id]}, then="next"),
        rule("Rest"),
    ]
    publish_rules(session, *wanted)
    found = tried(session, country="AT")
    assert [(s.rule, s.place, s.matched, s.miss) for s in found.steps] == [("Austria", 1, True, None)]
    assert (found.outcome, found.partner, found.rule) == (DecisionOutcome.OFFERED, "Süd", "Austria")
    found = tried(session, country="DE")
    assert [s.sentence for s in found.steps] == [
        "It does not take this lead: country is AT, and the lead's is DE.",
        "It takes this lead: Nord gets it.",
    ]
    found = tried(session, country="FR")
    assert [s.sentence for s in found.steps][1:] == [
        "It takes this lead: nobody whom it asks can take it now. Then: Next rule.",
        "It takes this lead: nobody whom it asks can take it now. Then: Queue.",
    ]
    assert (found.outcome, found.partner, found.sentence) == (
        DecisionOutcome.QUEUED, None, "None of 2 partners fits: 2 outside their territory.",
    )  # fmt: skip
    assert [(c.name, c.eligible, [g[2] for g in c.gates]) for c in found.candidates] == [
        ("Nord", False, ["FR is not in its territory."]), ("Süd", False, ["FR is not in its territory."]),
    ]  # fmt: skip


def test_a_draft_is_tried_beside_the_live_rules_and_nothing_is_stored(session: Session) -> None:
    nord, sued = make_partner(session, "Nord"), make_partner(session, "Süd")
    publish_rules(session, rule(pool={"partners": [nord.id]}))
    draft = [rule(pool={"partners": [sued.id]})]
    before = {table: session.query(table).count() for table in (Lead, Assignment, Decision)}
    assert (tried(session).partner, tried(session, draft).partner) == ("Nord", "Süd")
    session.commit()
    assert {table: session.query(table).count() for table in (Lead, Assignment, Decision)} == before
    assert session.scalars(select(Partner.open_leads)).all() == [0, 0]
    with pytest.raises(Invalid):
        tried(session, [rule(pool={"tiers": ["platinum"]})])


@pytest.mark.parametrize(
    ("strategy", "measure"),
    [({"kind": "least_loaded"}, "0 of 10 open leads."), (ROBIN, None),
     ({"kind": "nearest"}, "Its distance is not known."), ({"kind": "best_conversion"}, "Won 0 of 0, weighed as 50%.")],
)  # fmt: skip
def test_what_a_rank_was_given_for_is_told(session: Session, strategy: dict[str, Any], measure: str | None) -> None:
    make_partner(session, "Nord")
    publish_rules(session, rule(strategy=strategy))
    (nord,) = tried(session).candidates
    assert (nord.rank, nord.measure, nord.eligible) == (1, measure, True)
    assert {gate for gate, passed, _ in nord.gates if passed} == set(Gate)


def test_a_pool_a_fallback_and_no_rule(session: Session) -> None:
    nord = make_partner(session, "Nord", active=False)
    sued = make_partner(session, "Süd")
    publish_rules(
        session,
        rule("A", when=one("country", "eq", "DE"), pool={"partners": [nord.id]}, then={"partner": sued.id}),
        rule("B", {"kind": "open_pool"}, when=one("country", "eq", "AT")),
    )
    by_fallback = tried(session, country="DE")
    assert (by_fallback.partner, by_fallback.steps[0].sentence) == (
        "Süd", "It takes this lead: nobody whom it asks can take it now. Then: To Süd.",
    )  # fmt: skip
    pooled = tried(session, country="AT")
    assert (pooled.outcome, pooled.steps[-1].sentence) == (
        DecisionOutcome.POOLED, "It takes this lead: it goes to the open pool.",
    )  # fmt: skip
    assert tried(session, country="CH").sentence == "No rule takes this lead."


def test_a_typed_lead_is_graded_as_it_would_be_and_what_is_typed_stands(session: Session) -> None:
    make_partner(session, "Nord")
    publish_rules(session, rule("A", when=one("grade", "eq", "A"), then="next"), rule("Rest"))

    def graded(**facts: Any) -> bool:
        return tried(session, **facts).steps[0].matched

    assert [graded(), graded(grade="A"), graded(score=90)] == [False, True, False]
    body = {
        "criteria": [{"name": "Big", "when": one("employees", "gte", 100), "points": 80}],
        "grades": {"A": 70, "C": 0},
    }

    def work() -> None:
        row = LeadDefinition(id=new_id(), number=1, state="published", body=body, created_at=MONDAY)
        session.add(row)
        session.flush()
        changed(session, definition_id=row.id)

    unit(session, work)
    facts: list[dict[str, Any]] = [
        {},
        {"employees": 100},
        {"employees": 100, "grade": "C"},
        {"score": 70},
        {"score": 69},
    ]
    assert [graded(**each) for each in facts] == [False, True, False, True, False]


def test_who_works_the_company_is_asked_first(session: Session) -> None:
    make_partner(session, "Nord")
    publish_rules(session)
    receive_lead(session, email="ann@acme.example.com", company="Acme")
    found = tried(session, email_domain="acme.example.com")
    assert found.asked_first == "Nord works this company and is asked first: it gets the lead."
    assert (found.partner, found.steps) == ("Nord", ())
    with pytest.raises(KeyError, match="shoe_size"):
        typed_lead({"shoe_size": 3}, MONDAY)


def test_a_try_says_what_then_happens(session: Session) -> None:
    """Whatever the strategy: the lead that comes next goes where the try said it would."""
    for n in range(4):
        make_partner(session, f"P{n}", weight=n + 1, postcode="10115" if n % 2 else "80331", open_lead_cap=3)
    load(session, BERLIN, MUNICH)
    strategies: list[dict[str, Any]] = [
        ROBIN, {"kind": "least_loaded"}, {"kind": "nearest"}, {"kind": "best_conversion", "floor_share": 0.5},
        {"kind": "weighted_round_robin", "by": "product"},
    ]  # fmt: skip
    publish_rules(session, *[
        rule(strategy["kind"] + str(n), strategy, when=one("custom.n", "eq", n), then="queue")
        for n, strategy in enumerate(strategies)
    ])  # fmt: skip
    told, came = [], []
    for n in range(15):
        facts = {"country": "DE", "postcode": ("80331", "10115", "99")[n % 3], "product": f"p{n % 2}"}
        told.append(tried(session, custom={"n": n % 5}, **facts).partner)
        session.rollback()
        came.append(holder(session, receive_lead(session, custom={"n": n % 5}, **facts)))
    assert told == came
    assert came.count(None) == 3, "four partners with room for three each"
