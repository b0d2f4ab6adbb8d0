"""The scoreboard: for all of the vendor's people, of any period, with the rows behind it and as a file."""

import csv
import io

from flask import Flask
from sqlalchemy.orm import Session

from models.partners import Partner
from portal.enforcement import acts
from portal.vocabulary import DeclineReason
from tests.support import world
from tests.support.visits import counted
from tests.support.world import DAY, HOUR
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]

TITLES = (
    "Leads", "Qualified leads", "Hand-over time", "Response time", "First contact time", "Feedback kept of due",
    "Outcomes by source",
)  # fmt: skip


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_it_is_there_for_all_staff_and_no_partner(office: Office) -> None:
    for who in ("admin", "manager", "own", "marketer"):
        page = office.visit(who).page("/scoreboard")
        assert all(title in page for title in TITLES)
        assert "Everyone Scoreboard" in page
    assert office.visit("rep").get("/scoreboard").status_code == 404
    assert office.visit("rep").get("/scoreboard/figures.csv").status_code == 404


def test_without_leads_it_says_what_is_so(office: Office) -> None:
    page = office.visit("marketer").page("/scoreboard")
    assert "None due yet" in page and "No qualified lead came in during these days." in page


def test_it_counts_the_leads_of_the_period_and_compares_with_the_one_before(office: Office) -> None:
    office.lead(office.partner, source="Fair", accepted=True)
    office.lead(office.partner, source="<b>Web")
    office.lead(source="Fair", at=NOON - DAY)
    office.lead(office.partner, at=NOON - 8 * DAY)
    page = office.visit("manager").page("/scoreboard?from=2026-02-24&to=2026-03-02")
    assert "that came in 24 Feb 2026 to 2 Mar 2026, beside the 7 days before" in page
    assert "Leads no target 3 1 before" in page
    assert "2 of 3 handed over" in page and "1 of 2 answered" in page
    assert "<b>Web 0 1 0" in page and "Fair 0 2 0" in page
    assert "Leads no target 4 none before" in office.visit("manager").page("/scoreboard")


def test_a_period_is_found_again_at_its_address_and_leads_to_its_rows(office: Office) -> None:
    office.lead(office.partner, company="Inside")
    office.lead(office.partner, company="Outside", at=NOON - 20 * DAY)
    browser = office.visit("marketer")
    raw = browser.get("/scoreboard?from=2026-03-02&to=2026-02-25").get_data(as_text=True)
    assert 'name="from" value="2026-02-25"' in raw and 'name="to" value="2026-03-02"' in raw
    rows = "/scoreboard/rows/leads?from=2026-02-25&to=2026-03-02"
    assert f'href="{rows.replace("&", "&amp;")}"' in raw
    assert "Inside" in browser.page(rows) and "Outside" not in browser.page(rows)
    assert "1 Feb 2026 to 2 Mar 2026" in browser.page("/scoreboard?from=nonsense&to=2026-13-40")


def test_every_figure_opens_the_rows_that_it_counts(office: Office) -> None:
    office.lead(office.partner, company="Answered", source="Fair", accepted=True)
    office.lead(office.partner, company="Silent", source="Web")
    office.lead(company="Waiting", source="Fair")
    browser, days = office.visit("marketer"), "?from=2026-03-01&to=2026-03-02"

    def found(rows: str) -> set[str]:
        page = browser.page(f"/scoreboard/rows/{rows}")
        return {name for name in ("Answered", "Silent", "Waiting") if f"Grade C {name}" in page}

    assert found(f"leads{days}") == found(f"hand_over{days}") == {"Answered", "Silent", "Waiting"}
    assert found(f"response{days}") == {"Answered", "Silent"} and found(f"first_contact{days}") == {"Answered"}
    assert found(f"feedback{days}") == set()
    assert found(f"outcomes{days}&part=Fair") == {"Answered", "Waiting"}
    assert found(f"hand_over{days}&part=none yet") == {"Waiting"}
    assert found(f"hand_over{days}&part=nonsense") == set()
    page = browser.page(f"/scoreboard/rows/response{days}")
    assert "Response time: 1 min From an offer to the partner's accept or decline." in page
    assert "Answered Answered in 1 min Accepted Nordhaven Fair" in page and "All to 4 h 1 no answer 1" in page
    raw = browser.get(f"/scoreboard{days}").get_data(as_text=True)
    for row in ("outcomes?part=Fair&amp;", "response?part=no+answer&amp;"):
        assert f'href="/scoreboard/rows/{row}from=2026-03-01&amp;to=2026-03-02"' in raw
    for key in ("leads", "qualified", "hand_over", "response", "first_contact", "feedback", "outcomes"):
        assert f'href="/scoreboard/rows/{key}?from=2026-03-01&amp;to=2026-03-02"' in raw
    assert browser.get("/scoreboard/rows/nonsense").status_code == 404


def test_the_rows_keep_within_the_portfolio(office: Office) -> None:
    office.lead(office.rival, company="Theirs")
    office.lead(office.partner, company="Ours")
    page = office.visit("own").page("/scoreboard/rows/leads")
    assert "Ours" in page and "Theirs" not in page and "Leads: 1" in page
    assert office.visit("rep").get("/scoreboard/rows/leads").status_code == 404


def test_a_portfolio_counts_its_own_and_what_nobody_has(office: Office) -> None:
    office.lead(office.partner)
    office.lead(office.rival)
    office.lead(office.rival)
    office.lead()
    assert "Leads no target 4" in office.visit("manager").page("/scoreboard")
    page = office.visit("own").page("/scoreboard")
    assert "Leads no target 2" in page and "Your partners' leads and those in no hands" in page


def test_the_file_has_the_same_numbers_and_no_formula(office: Office) -> None:
    office.lead(office.partner, source="=HYPERLINK(1)", accepted=True)
    office.lead(office.partner, source="Fair, Berlin")
    answer = office.visit("marketer").get("/scoreboard/figures.csv?from=2026-03-01&to=2026-03-02")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert 'filename="fairlead-scoreboard-2026-03-01-2026-03-02.csv"' in answer.headers["Content-Disposition"]
    rows = table(answer.get_data(as_text=True))
    whole = {row["figure"]: row["number"] for row in rows if row["part"] == "whole period"}
    assert tuple(whole) == TITLES
    assert (whole["Leads"], whole["Feedback kept of due"], whole["Outcomes by source"]) == ("2", "", "0")
    sources = {row["part"] for row in rows if row["figure"] == "Outcomes by source"}
    assert sources == {"whole period", "'=HYPERLINK(1)", "Fair, Berlin"}
    first = next(row for row in rows if row["figure"] == "Leads")
    assert (first["from"], first["to"], first["from_before"], first["to_before"]) == (
        "2026-03-01", "2026-03-02", "2026-02-27", "2026-02-28",
    )  # fmt: skip


def test_one_figure_can_be_taken_alone(office: Office) -> None:
    browser = office.visit("manager")
    rows = table(browser.get("/scoreboard/figures.csv?figure=response").get_data(as_text=True))
    assert {row["figure"] for row in rows} == {"Response time"}
    every = table(browser.get("/scoreboard/figures.csv?figure=nonsense").get_data(as_text=True))
    assert {row["figure"] for row in every} == set(TITLES)


def test_many_leads_cost_as_many_queries_as_few(office: Office, app: Flask) -> None:
    browser, sent = office.visit("own"), []
    for number in (10, 90):
        office.rules(office.partner)

        def more(session: Session, number: int = number) -> None:
            rep = world.rep_of(session.get_one(Partner, office.partner))
            for n in range(number):
                held = world.assignment_of(session, world.receive_lead(session, now=NOON, source=f"Source {n}"))
                if held is not None and n % 2:
                    acts.decline(session, rep, held.id, DeclineReason.OTHER, None, NOON + HOUR)

        office.do(more)
        browser.page("/scoreboard")
        with counted(app) as seen:
            page = browser.page("/scoreboard")
        sent.append(len(seen))
    assert "Leads no target 100" in page
    assert sent[0] == sent[1]
