"""What notices say: every topic to every reader, the way back, words left out, nothing hidden let out."""

import re
from datetime import UTC, datetime

import pytest

from portal.calendars.describe import exact
from portal.notifications.layout import House, Message, Reader
from portal.notifications.messages import say
from portal.notifications.page import write
from portal.vocabulary import NoticeTopic, ObligationKind

HOUSE = House("https://leads.example/", "Contoso", exact)
BERLIN = Reader("Rep", "Europe/Berlin")
DUE = datetime(2026, 3, 6, 16, 0, tzinfo=UTC).isoformat()
CONTACT = {
    "lead": "Hooli GmbH", "company": "Hooli GmbH", "email": "gavin@hooli.example", "phone": "+49301234567",
    "name": "Gavin Belson", "first_name": "Gavin", "last_name": "Belson", "message": "Call Gavin",
    "sentence": "Gavin Belson of Hooli GmbH waits",
}  # fmt: skip
SEEN = {
    "partner": "Northwind",
    "grade": "A",
    "product": "Router X",
    "region": "Bayern",
    "country": "DE",
    "employees": 50,
}
HIDDEN = re.compile("hooli|gavin|belson|49301234567", re.IGNORECASE)
NEVER_SAID = re.compile(r"\b(please|successful\w*|oops|violation|penalty|non-compliant|fail\w*|sla)\b|!", re.IGNORECASE)


def message(topic: NoticeTopic, audience: str = "partner", reader: Reader = BERLIN, **facts: object) -> Message:
    return write([say(topic, audience, facts, reader, HOUSE)], reader, HOUSE)


@pytest.mark.parametrize("audience", ["partner", "manager", "user"])
@pytest.mark.parametrize("topic", NoticeTopic)
def test_every_notice_can_be_said_without_any_fact(topic: NoticeTopic, audience: str) -> None:
    made = message(topic, audience)
    assert made.subject
    assert "None" not in made.text + made.subject
    assert made.text.startswith("Hello Rep,\n\n")
    assert "https://leads.example/\n" in made.text


@pytest.mark.parametrize("kind", [*ObligationKind, "unknown"])
@pytest.mark.parametrize("audience", ["partner", "manager"])
@pytest.mark.parametrize("topic", NoticeTopic)
def test_the_words_are_those_of_the_house(topic: NoticeTopic, audience: str, kind: str) -> None:
    facts = {
        **SEEN,
        "kind": kind,
        "due_at": DUE,
        "to": "stopped",
        "cause": "rate",
        "reason": "Trade fair",
        "at": DUE,
    }
    for moved in (True, False):
        made = message(topic, audience, **facts, moved=moved)
        body = made.text.replace("<!doctype html>", "")
        assert not NEVER_SAID.search(body + made.subject)
        assert len(made.subject) < 70


def test_an_offer_tells_what_is_asked_by_when_and_what_kind_of_lead() -> None:
    made = message(NoticeTopic.OFFER, **SEEN, due_at=DUE, url="/leads/7")
    assert made.subject == "Answer 1 offer by Fri 6 Mar 17:00 CET (A, Router X)"
    known = "Grade: A\nProduct: Router X\nRegion: Bayern, DE\nSize: 50 employees\nAnswer by: Fri 6 Mar 17:00 CET\n"
    assert known in made.text
    assert "Accept or decline: https://leads.example/leads/7" in made.text
    assert re.search('<a href="https://leads.example/leads/7"[^>]*>Accept or decline</a>', made.html)


def test_times_are_in_the_readers_zone() -> None:
    made = message(NoticeTopic.OFFER, reader=Reader("Rep", "America/New_York"), due_at=DUE)
    assert "by Fri 6 Mar 11:00 EST" in made.subject


@pytest.mark.parametrize(
    ("topic", "facts"),
    [
        (NoticeTopic.OFFER, {}),
        (NoticeTopic.OFFER, {"kind": "first_contact"}),
        (NoticeTopic.WARNING, {"kind": "respond"}),
        (NoticeTopic.BREACH, {"kind": "respond"}),
        (NoticeTopic.BREACH, {"kind": "first_contact", "moved": True}),
        (NoticeTopic.MOVED_ON, {"kind": "first_contact"}),
        (NoticeTopic.EXTENDED, {"kind": "respond"}),
        (NoticeTopic.WAIVED, {"kind": "respond"}),
        (NoticeTopic.ENQUIRED_AGAIN, {}),
        (NoticeTopic.WARNING, {}),
    ],
)
def test_who_does_not_hold_the_lead_reads_no_contact(topic: NoticeTopic, facts: dict[str, object]) -> None:
    """Before it is accepted and after it moved on, whatever the facts were to hold."""
    made = message(topic, **CONTACT, **SEEN, **facts, due_at=DUE)
    assert not HIDDEN.search(made.subject + made.text + made.html)


def test_who_holds_the_lead_reads_its_name() -> None:
    made = message(NoticeTopic.WARNING, kind="first_contact", lead="Hooli GmbH", due_at=DUE)
    assert made.subject == "Make first contact by Fri 6 Mar 17:00 CET (Hooli GmbH)"


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (
            {"way_back": ["Log a call for Hooli.", "Say We are ready."]},
            "1. Log a call for Hooli.\n2. Say We are ready.",
        ),
        ({"cause": "overdue"}, "1. Do what is overdue. Leads resume as soon as nothing is."),
        ({"cause": "rate"}, "2. When the days of the stop have passed"),
        ({"cause": "row"}, "say We are ready"),
        ({}, "say We are ready"),
    ],
)
def test_a_stop_is_never_told_without_its_way_back(facts: dict[str, object], step: str) -> None:
    made = message(NoticeTopic.STOPPED, to="stopped", url="/standing", **facts)
    assert made.subject == "New leads are stopped: the way back"
    assert step in made.text
    assert "<ol" in made.html
    assert "Our standing: https://leads.example/standing" in made.text
    staff = message(NoticeTopic.STOPPED, "manager", to="stopped", partner="Northwind", **facts)
    assert staff.subject == "Northwind is stopped"
    assert "Their way back:" in staff.text
    assert step in staff.text


def test_a_hold_names_its_reason_and_its_end_and_no_way_back_of_a_stop() -> None:
    made = message(NoticeTopic.STOPPED, to="held", reason="Contract renewal", until=DUE)
    assert made.subject == "New leads are on hold until Fri 6 Mar 17:00 CET"
    assert "Contoso has put them on hold." in made.text
    assert "went to others" not in made.text
    assert "Contract renewal" in made.text
    assert "<ol" not in made.html


def test_a_return_into_probation_says_what_that_means() -> None:
    assert "One miss stops them again" in message(NoticeTopic.REINSTATED, to="probation").text
    assert "One miss" not in message(NoticeTopic.REINSTATED, to="good").text


def test_a_breach_says_whether_the_lead_moved_on() -> None:
    late = message(NoticeTopic.BREACH, kind="feedback", due_at=DUE, lead="Hooli GmbH")
    assert late.subject == "Late: give feedback, due Fri 6 Mar 17:00 CET (Hooli GmbH)"
    assert "Give feedback: late since Fri 6 Mar 17:00 CET." in late.text
    gone = message(NoticeTopic.BREACH, kind="respond", due_at=DUE, moved=True)
    assert gone.subject == "Lead moved on: no answer by Fri 6 Mar 17:00 CET"
    assert "It counts as missed." in gone.text
    staff = message(
        NoticeTopic.BREACH, "manager", kind="respond", due_at=DUE, moved=True, partner="Northwind", grade="B"
    )
    assert staff.subject == "Northwind: no answer by Fri 6 Mar 17:00 CET"
    assert "Answer the offer: due Fri 6 Mar 17:00 CET. The lead has moved on.\n\nGrade: B" in staff.text


def test_the_queue_says_why_a_lead_waits() -> None:
    made = message(NoticeTopic.UNALLOCATED, "manager", grade="C", reason="nobody_eligible", url="/queue")
    assert made.subject == "Assign a lead by hand (C): no partner can take it now"
    assert "No partner can take it now. It stays in the queue" in made.text
    assert "Open the queue: https://leads.example/queue" in made.text


def test_several_notices_make_one_message_that_counts_them() -> None:
    said = [
        say(
            NoticeTopic.WARNING,
            "partner",
            {"kind": kind, "due_at": DUE, "url": f"/leads/{kind}"},
            BERLIN,
            HOUSE,
        )
        for kind in ("first_contact", "feedback", "update")
    ]
    made = write(said, BERLIN, HOUSE)
    assert made.subject == "3 to do: make first contact by Fri 6 Mar 17:00 CET"
    assert [f"https://leads.example/leads/{kind}" in made.text for kind in ("first_contact", "feedback", "update")] == [
        True
    ] * 3
    assert made.text.count("Hello") == 1


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", 7])
def test_only_the_installations_own_pages_are_linked(url: object) -> None:
    made = message(NoticeTopic.OFFER, url=url)
    assert "evil" not in made.text + made.html
    assert "javascript" not in made.html
    assert '<a href="https://leads.example/"' in made.html


def test_facts_cannot_break_out_of_the_page_or_the_header() -> None:
    made = message(NoticeTopic.WARNING, kind="update", lead="<script>x</script>\r\nBcc: all@evil.example", due_at=DUE)
    assert "<script>" not in made.html
    assert "&lt;script&gt;" in made.html
    assert "\n" not in made.subject
    assert "\r" not in made.subject


def test_an_instant_that_is_none_is_left_out() -> None:
    assert message(NoticeTopic.OFFER, due_at="soonish").subject == "Answer 1 offer soon"
