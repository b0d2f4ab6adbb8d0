"""The health page: each part of the machinery in one line, and what was set aside with its id and reason."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from models.assignments import Obligation
from models.base import new_id
from models.platform import Audit, AuditSeal, Lease, Mail, Outbox, SweepProblem
from portal.accounts.audit import seal
from portal.vocabulary import NoticeTopic
from tests.support.visits import counted
from tests.support.world import HOUR, MINUTE
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]


def add(office: Office, *rows: Any) -> None:
    def work(session: Session) -> None:
        session.add_all(rows)
        session.commit()

    office.do(work)


def beat(office: Office, at: datetime) -> None:
    add(office, Lease(name="clock", owner="one", until=at + MINUTE, beat_at=at))


def sealed(office: Office) -> None:
    def work(session: Session) -> None:
        seal(session)
        session.commit()

    office.do(work)


def problem(number: int = 1) -> SweepProblem:
    return SweepProblem(
        id=new_id(), step="settle_partner", object_id=f"object-{number}", problem=f"KeyError('hours {number}')",
        first_at=NOON - HOUR, last_at=NOON, times=3, retry_at=NOON + HOUR,
    )  # fmt: skip


def set_one_aside(office: Office, why: str) -> str:
    _, assignment = office.lead(office.partner, company="Halvorsen Logistik")

    def work(session: Session) -> str:
        row = session.query(Obligation).filter_by(assignment_id=assignment).one()
        row.set_aside_at, row.set_aside_why = NOON, why
        session.commit()
        return row.id

    return str(office.do(work))


@pytest.mark.parametrize("who", ["manager", "own", "marketer", "rep"])
def test_it_is_the_admins_alone(office: Office, who: str) -> None:
    assert office.visit(who).get("/health").status_code == 404


def test_it_is_no_open_door(office: Office, app: Flask) -> None:
    answer = app.test_client().get("/health")
    assert answer.status_code == 302 and "/sign-in" in answer.location


def test_where_all_is_well_it_says_so(office: Office) -> None:
    browser = office.visit("admin")

    def told(session: Session) -> None:
        session.execute(update(Outbox).values(state="posted", posted_at=NOON))
        session.commit()

    office.do(told)
    beat(office, NOON)
    sealed(office)
    page = browser.page("/health")
    assert "All is well" in page and re.search(r"Clock\. Last beat \d+ s ago\. ", page)
    assert "Every row is sealed." in page and "Nothing was set aside" in page and "Every deadline is judged" in page
    assert "No Redis is set: the clock sends mails itself." in page
    assert ("SQLite" in page) != ("PostgreSQL" in page)


def test_a_clock_that_never_ran_or_fell_silent_is_told(office: Office) -> None:
    browser = office.visit("admin")
    assert "None has run yet. Nothing is swept" in browser.page("/health")
    beat(office, NOON - 10 * MINUTE)
    page = browser.page("/health")
    assert "Last beat 10 min ago, today 10:50 UTC. Nothing is swept" in page


def test_mails_and_notices_that_wait_are_counted(office: Office) -> None:
    browser = office.visit("admin")

    def fill(session: Session) -> None:
        session.execute(update(Outbox).values(state="posted", posted_at=NOON))
        user = browser_user(session, office.admin)
        for number, state in enumerate(("waiting", "undeliverable", "sent")):
            box = Outbox(
                id=new_id(), topic=NoticeTopic.STOPPED, audience="manager", created_at=NOON - number * HOUR,
                state="pending" if number == 0 else "posted",
            )  # fmt: skip
            session.add(box)
            session.flush()
            session.add(
                Mail(
                    id=new_id(), outbox_id=box.id, user_id=user, address=office.admin, message_id=f"<{number}@x>",
                    subject="s", text="t", state=state, created_at=NOON - HOUR, not_before=NOON - HOUR, attempts=2,
                )
            )  # fmt: skip
        session.commit()

    office.do(fill)
    page = browser.page("/health")
    assert "Notices to be written. 1 waits" in page
    assert "Mails. 1 waits, since" in page and "1 should be on their way by now." in page
    assert "1 tried before without being taken." in page
    assert "Undeliverable mails. 1 in the last seven days" in page


def browser_user(session: Session, email: str) -> str:
    from models.accounts import User

    return str(session.query(User).filter_by(email=email).one().id)


def test_what_the_sweep_set_aside_is_named_with_its_reason(office: Office) -> None:
    browser = office.visit("admin")
    add(office, problem())
    obligation = set_one_aside(office, "ValueError: no opening hours <at all>")
    page = browser.page("/health")
    assert "1 row could not be worked on" in page
    assert "Settle partner object-1 KeyError('hours 1')" in page
    assert obligation in page and "no opening hours <at all>" in page
    assert "Halvorsen Logistik Nordhaven" in page


def test_audit_rows_that_wait_long_for_a_seal_are_told(office: Office) -> None:
    browser = office.visit("admin")
    sealed(office)
    add(
        office,
        Audit(
            id=new_id(),
            at=NOON - 2 * HOUR,
            actor_kind="system",
            action="x",
            object_type="lead",
            object_id="1",
            facts={},
        ),
    )
    assert "Audit. 1 waits for a seal, since" in browser.page("/health")
    assert office.do(lambda session: session.query(AuditSeal).count()) > 0


def test_many_rows_cost_as_many_queries_as_few(office: Office, app: Flask) -> None:
    browser, sent = office.visit("admin"), []
    for numbers in (range(10), range(10, 100)):
        add(office, *[problem(number) for number in numbers])
        set_one_aside(office, "x")
        office.clock.shift(timedelta(seconds=1))
        browser.page("/health")
        with counted(app) as seen:
            browser.page("/health")
        sent.append(len(seen))
    assert sent[0] == sent[1]
