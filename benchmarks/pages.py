"""A partner's pages while the database holds few leads and very many, beside a bare page with the same rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Flask, render_template_string
from sqlalchemy import select

from benchmarks import seed
from benchmarks.house import NOW, House, house, outside
from benchmarks.options import Options
from benchmarks.results import Row
from benchmarks.sampling import shares
from benchmarks.timing import Act, by_turns
from models.assignments import Assignment
from models.partners import Partner
from portal.enforcement import acts
from portal.vocabulary import Role
from tests.support import world

GOAL = 0.5
PARTNERS, OWN = 200, 30
SIZES, QUICK = (1_000, 1_000_000), (200,)
TABLES = ("lead", "assignment", "obligation", "lead_event")
WORK_ROWS = (
    "SELECT o.kind, o.state, o.due_at, l.id, l.company, l.first_name, l.last_name, l.city, l.country, l.grade"
    " FROM obligation o JOIN assignment a ON a.id = o.assignment_id JOIN lead l ON l.id = a.lead_id"
    " WHERE o.partner_id = {mark} AND o.state IN ('open', 'breached') AND a.state IN ('offered', 'accepted')"
    " ORDER BY o.due_at LIMIT 1000"
)
LEAD_ROWS = (
    "SELECT l.*, a.state, a.accepted_at, o.kind, o.state, o.due_at, e.kind, e.at, e.actor_name"
    " FROM lead l JOIN assignment a ON a.lead_id = l.id JOIN obligation o ON o.assignment_id = a.id"
    " LEFT JOIN lead_event e ON e.lead_id = l.id WHERE l.id = {mark} AND a.partner_id = {mark} ORDER BY e.at"
)
TEMPLATE = """<!doctype html><title>Bare</title><table>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>"""


def run(options: Options) -> Iterator[Row]:
    """A row for each database, page and number of leads."""
    for kind in options.databases:
        for size in QUICK if options.quick else SIZES:
            with house(kind, "pages") as made:
                yield from _visited(made, size, options.quick)


def _visited(made: House, size: int, quick: bool) -> Iterator[Row]:
    """Seed, sign one partner's rep in, and measure both pages."""
    own = 5 if quick else OWN
    email, lead_id, partner_id = _seed(made, size, 10 if quick else PARTNERS, own)
    visitor = _Visitor(made.app, email)
    bare = _bare(made, partner_id, lead_id).test_client()
    for name, path in (("My work", "/work"), ("a lead's page", f"/leads/{lead_id}")):
        page, floor = visitor.page(path), _page(bare, path)
        assert "Company" in visitor.text(path), "the page shows the partner's leads"
        pair = by_turns(page, floor, 0.2 if quick else 5.0, 0.05 if quick else 0.25)
        ratio = pair.product.rate / pair.floor.rate
        more = {**pair.more(), "profile": shares(page, 0.1 if quick else 2.0), "own": own}
        yield Row(
            "pages", name, made.kind, f"{size:,} leads, {own} of the partner", "pages/s", pair.product.rate,
            pair.floor.rate, f"ratio from {GOAL}", ratio >= GOAL, more,
        )  # fmt: skip


def _seed(made: House, size: int, partners: int, own: int) -> tuple[str, str, str]:
    """One partner with its own leads, half of them accepted, through the product; the others' by bulk.

    The rep's address, an accepted lead and the partner.
    """
    seed.partners(made, 1, 1)
    seed.rules(made, 1)
    model = seed.accepted_lead(made)
    for _ in range(own - 1):
        seed.place_one(made, 1)
    made.session.expire_all()
    partner = made.session.scalars(select(Partner)).one()
    user = world.make_user(made.session, Role.PARTNER_REP, partner=partner, now=NOW, password=True)
    for held in made.session.scalars(select(Assignment).where(Assignment.state == "offered")).all()[: own // 2]:
        acts.accept(made.session, world.rep_of(partner), held.id, NOW + timedelta(minutes=1))
    lead_id = made.session.scalars(select(Assignment.lead_id).where(Assignment.state == "accepted")).first()
    found = (user.email, str(lead_id), partner.id)
    seed.partners(made, partners, 1)
    others = [one for one in seed.partner_ids(made) if one != partner.id]
    seed.bulk(made, model, TABLES, size, others, {})
    made.analyze()
    made.session.close()
    return found


class _Visitor:
    """The rep in a browser without a window, who reads one page again and again."""

    def __init__(self, app: Flask, email: str) -> None:
        self.client = app.test_client()
        outside(lambda: _sign_in(self.client, email))()

    def text(self, path: str) -> str:
        """A page as it is sent."""
        answer = outside(lambda: self.client.get(path))()
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_data(as_text=True)

    def page(self, path: str) -> Act:
        """Reading that page."""
        return _page(self.client, path)


def _sign_in(client: Any, email: str) -> None:
    token = world.csrf_of(client.get("/sign-in").get_data(as_text=True))
    sent = {"email": email, "password": world.PASSWORD, "csrf_token": token}
    assert client.post("/sign-in", data=sent).status_code == 302


def _page(client: Any, path: str) -> Act:
    def read() -> None:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.data

    return outside(read)


def _bare(made: House, partner_id: str, lead_id: str) -> Flask:
    """Flask, one indexed query on a kept connection, one small template: nobody signs in, nothing is worked out."""
    app, mark = Flask("bare"), "?" if made.is_sqlite else "%s"
    connection: Any = made.engine.raw_connection().driver_connection
    work, lead = WORK_ROWS.format(mark=mark), LEAD_ROWS.format(mark=mark)

    def rows(sql: str, values: tuple[str, ...]) -> str:
        cursor = connection.cursor()
        cursor.execute(sql, values)
        found = cursor.fetchall()
        connection.rollback()
        return render_template_string(TEMPLATE, rows=found)

    app.add_url_rule("/work", "work", lambda: rows(work, (partner_id,)))
    app.add_url_rule("/leads/<asked>", "lead", lambda asked: rows(lead, (asked, partner_id)))
    return app
