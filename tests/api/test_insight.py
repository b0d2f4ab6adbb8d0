"""Why none, fairness and coverage by the API: as declared, own causes only for a partner, hidden from others."""

from portal.api import insight_answers as answers
from tests.api.conftest import House


def test_why_none_tells_each_side_what_it_may_read(house: House) -> None:
    for _ in range(4):
        house.lead()
    path = f"/partners/{house.partner.partner_id}/why-none"
    staff, own = house.manager.get(path, to="2026-03-31"), house.partner.get(path, to="2026-03-31")
    for body in (staff, own):
        answers.WhyNone.model_validate(body)
        assert body["got"] == 2 and body["to"] == "2026-04-01T00:00:00Z"
    assert [(cause["cause"], cause["leads"]) for cause in staff["causes"]] == [("due_first", 2)]
    assert own["causes"] == [{"cause": "due_first", "leads": None, "sentence": "Others were due first.",
                              "change": "Your turn comes; there is nothing to do.", "details": []}]  # fmt: skip
    assert own["sentence"] == "You got 2 leads in these days. Others were due first."
    house.rival.get(path, expect=404)
    house.marketer.get(path, expect=403)
    assert house.admin.get(path, to="2026-03-01")["causes"] == []
    house.admin.get(path, **{"from": "2020-01-01"}, expect=422)


def test_fairness_adds_up(house: House) -> None:
    for _ in range(5):
        house.lead()
    body = house.manager.get("/reports/fairness", to="2026-03-31")
    answers.FairnessReport.model_validate(body)
    (rotation,) = body["rotations"]
    assert (rotation["rule"], rotation["value"], rotation["drawn"], rotation["steady"]) == ("Everything", None, 5, True)
    assert sorted((each["share"], each["offers"], each["balance"]) for each in rotation["partners"]) == [
        (2.5, 2, 0.5), (2.5, 3, -0.5),
    ]  # fmt: skip
    lead = house.lead_for(house.partner)
    house.partner.get("/reports/fairness", expect=404)
    house.marketer.get("/reports/fairness", expect=403)
    assert lead["assignment"]["partner_id"] == house.partner.partner_id


def test_coverage_tells_what_found_nobody(house: House) -> None:
    house.publish({"name": "Here", "when": {"all": [{"field": "country", "op": "eq", "value": "DE"}]},
                   "strategy": {"kind": "weighted_round_robin"}, "then": "queue"})  # fmt: skip
    house.lead(product="Pro", region="DE-BY")
    house.lead(country="FR", budget=500)
    body = house.marketer.get("/reports/coverage", to="2026-03-31")
    answers.CoverageReport.model_validate(body)
    first, second = body["cells"]
    assert (first["country"], first["leads"], first["found_nobody"], first["budget"], first["cause"]) == (
        "FR", 1, 1, 500, "no_rule",
    )  # fmt: skip
    assert (second["region"], second["product"], second["partners_able"]) == (None, "Pro", 2)
    regions = house.admin.get("/reports/coverage", by="region", to="2026-03-31")["cells"]
    assert {cell["region"] for cell in regions} == {None, "BY"}
    house.partner.get("/reports/coverage", expect=404)
    house.admin.get("/reports/coverage", by="planet", expect=422)
