"""Every list of the vendor's people costs as many queries for a hundred rows as for ten."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.accounts import ApiKey, Portfolio, User
from models.assignments import Assignment, Obligation
from models.base import new_id
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner, PartnerVersion
from models.platform import Audit
from portal.vocabulary import Role
from tests.support import world
from tests.support.visits import counted
from tests.support.world import DAY, MINUTE
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]


def paths(partner: str) -> list[str]:
    """Every list, by each of its orders and filters that reads something else."""
    board = [f"/board?sort={sort}" for sort in ("standing", "kept")]
    figures = [f"/scoreboard/rows/{key}" for key in ("leads", "response", "feedback")]
    return [
        *board, *figures, "/board?q=extra", "/queue", "/leads", "/leads?q=company", "/leads?status=offered", "/morning",
        "/partners", "/partners?q=extra", "/people", "/people?q=extra", "/people/keys", "/audit", "/audit?object=extra",
        "/audit?actor=fairlead&action=lead", "/scoreboard", f"/partners/{partner}", f"/partners/{partner}?list=ended",
        f"/partners/{partner}/ledger",
    ]  # fmt: skip


def again(session: Session, row: Any, **changed: Any) -> Any:
    """A row like another one, with an id of its own."""
    columns = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    session.add(copy := type(row)(**{**columns, "id": new_id(), **changed}))
    return copy


def seed(office: Office) -> None:
    """One row of every kind, each as the product writes it."""
    office.lead(company="Waits")
    office.lead(office.partner, company="Held", accepted=True, at=NOON - DAY)
    office.do(lambda session: world.make_key(session, Role.PARTNER_ADMIN, session.get_one(Partner, office.partner)))
    office.visit("manager").done(f"/partners/{office.partner}/exempt", reason="New team", until="2026-04-02")


def fill(office: Office, first: int, last: int) -> None:
    """Rows like the seed's, from one number to another: partners with people and keys, leads held and waiting."""

    def build(session: Session) -> None:
        held = session.query(Assignment).order_by(Assignment.offered_at, Assignment.id).first()
        owed = session.query(Obligation).filter_by(assignment_id=held.id).all()
        waits, taken = session.query(Lead).filter_by(company="Waits").one(), session.get_one(Lead, held.lead_id)
        person = session.query(User).filter_by(email=office.own).one()
        key, line = session.query(ApiKey).first(), session.query(LedgerEntry).first()
        audited, sample = (
            session.query(Audit).filter_by(action="lead.receive").first(),
            session.get_one(Partner, held.partner_id),
        )
        version = session.query(PartnerVersion).filter_by(partner_id=sample.id).first()
        for n in range(first, last):
            extra = again(session, sample, name=f"Extra {n:03}", slot=1000 + n)
            session.flush()
            again(session, version, partner_id=extra.id)
            user = again(session, person, name=f"Extra {n:03}", email=f"extra{n}@example.com")
            again(session, key, secret_hash=f"{n:064}", partner_id=extra.id)
            again(session, line)
            lead = again(session, taken, company=f"Extra {n:03}", received_at=NOON - n * MINUTE)
            more = again(session, waits, company=f"Extra {n:03}", received_at=NOON - n * MINUTE)
            session.flush()
            session.add(Portfolio(user_id=user.id, partner_id=extra.id))
            again(session, audited, object_id=more.id)
            mine = again(session, held, lead_id=lead.id, partner_id=extra.id if n % 2 else sample.id)
            session.flush()
            for row in owed:
                again(session, row, assignment_id=mine.id, lead_id=lead.id, partner_id=mine.partner_id)
        session.commit()

    office.do(build)


def costs(office: Office, app: Flask) -> dict[str, int]:
    """How many statements each list takes."""
    browser, found = office.visit("admin"), {}
    browser.page("/board")
    for path in paths(office.partner):
        with counted(app) as sent:
            browser.page(path)
        found[path] = len(sent)
    return found


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_hundred_rows_cost_as_many_queries_as_ten(office: Office, app: Flask) -> None:
    seed(office)
    fill(office, 0, 10)
    few = costs(office, app)
    fill(office, 10, 100)
    rows = office.do(lambda s: (s.query(Partner).count(), s.query(Lead).count(), s.query(Obligation).count()))
    assert rows >= (102, 200, 100)
    many = costs(office, app)
    assert {path: number for path, number in many.items() if number != few[path]} == {}
    assert max(many.values()) < 40


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_whole_page_is_shown_and_the_rest_is_one_click_away(office: Office) -> None:
    seed(office)
    fill(office, 0, 51)
    browser = office.visit("admin")
    for path in ("/board?sort=name", "/board?sort=kept", "/partners", "/queue", "/leads", "/people", "/people/keys"):
        raw = browser.get(path).get_data(as_text=True)
        assert 'rel="next"' in raw, path
    second = browser.page("/board?sort=name&page=2")
    assert "Extra 050" in second and "Extra 010" not in second
    assert "Extra 050" in browser.page("/board?sort=kept&page=2")
