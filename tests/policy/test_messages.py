"""Each kind of mail as its reader gets it: the subject says who must do what by when, text and HTML say the same."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from portal.calendars.describe import exact
from portal.notifications.instants import When
from portal.notifications.layout import House, Message, Reader, clip
from portal.notifications.messages import say
from portal.notifications.page import write
from portal.vocabulary import NoticeTopic

HOUSE = House("https://leads.example/", "Contoso", exact)
NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
BERLIN = Reader("Rep", "Europe/Berlin", NOW)
SEEN = {
    "grade": "A", "product": "Router X", "region": "Bayern", "country": "DE", "employees": 50, "partner": "Northwind",
}  # fmt: skip


def at(hours: int) -> str:
    return (NOW + timedelta(hours=hours)).isoformat()


HELD = {**SEEN, "kind": "first_contact", "lead": "Hooli GmbH", "holds": True, "due_at": at(6), "url": "/leads/7"}
STOP = {
    "to": "stopped", "partner": "Northwind", "at": at(0), "url": "/standing", "cause": "overdue", "overdue": 2,
    "headline": "2 overdue. Do these and leads resume at once.",
    "way_back": [f"Give feedback (Hooli GmbH): was due {at(-26)}.", f"Give feedback (Initech): was due {at(-20)}."],
}  # fmt: skip
BY_RATE = {
    **STOP, "cause": "rate", "overdue": 0, "headline": f"Leads resume {at(142)} if you say you are ready.",
    "way_back": [f"Miss nothing until {at(142)}.", "Say you are ready for leads."],
}  # fmt: skip
DIGEST = {
    "url": "/work",
    "items": [
        {**HELD, "due_at": at(-20), "late": True, "url": "/leads/1"},
        {**SEEN, "kind": "respond", "due_at": at(1), "late": False, "url": "/leads/2"},
    ],
}  # fmt: skip

KINDS = {
    "offer": (NoticeTopic.OFFER, "partner", {**SEEN, "due_at": at(48), "url": "/leads/7"},
              "Answer 1 offer by Thu 5 Mar 11:00 CET (A, Router X)", "You see who it is when you accept."),
    "offer, answered from the mail": (
        NoticeTopic.OFFER, "partner",
        {**SEEN, "due_at": at(48), "url": "/leads/7", "acts": [("Accept", "/by-mail/1"), ("Decline", "/by-mail/2")]},
        "Answer 1 offer by Thu 5 Mar 11:00 CET (A, Router X)", "Decline: https://leads.example/by-mail/2"),
    "warning": (NoticeTopic.WARNING, "partner", {**HELD, "hands_on": True},
                "Make first contact by Tue 3 Mar 17:00 CET (Hooli GmbH)", "Miss that time and the lead moves on"),
    "late": (NoticeTopic.BREACH, "partner", {**HELD, "due_at": at(-3)},
             "Late: make first contact, due Tue 3 Mar 08:00 CET (Hooli GmbH)", "it still counts as caught up"),
    "moved on": (NoticeTopic.BREACH, "partner", {**SEEN, "kind": "first_contact", "moved": True, "due_at": at(-1)},
                 "Lead moved on: no first contact by Tue 3 Mar 10:00 CET", "It counts as missed."),
    "recalled": (NoticeTopic.MOVED_ON, "partner", {**SEEN, "at": at(-1), "url": "/work"},
                 "A lead has left you on Tue 3 Mar 10:00 CET (A, Router X)", "You no longer hold this lead"),
    "stopped, overdue": (NoticeTopic.STOPPED, "partner", STOP,
                         "New leads are stopped: do the 2 overdue and they resume", "was due Mon 2 Mar 09:00 CET."),
    "stopped, rate": (NoticeTopic.STOPPED, "partner", BY_RATE,
                      "New leads are stopped until Mon 9 Mar 09:00 CET: the way back", "Say you are ready for leads."),
    "held": (NoticeTopic.STOPPED, "partner", {"to": "held", "until": at(94), "reason": "Contract", "url": "/standing"},
             "New leads are on hold until Sat 7 Mar 09:00 CET", "The reason given: Contract"),
    "back": (NoticeTopic.REINSTATED, "partner", {"to": "probation", "until": at(240), "url": "/standing"},
             "New leads come to you again, on probation until Fri 13 Mar 11:00 CET", "One miss stops them again."),
    "warned": (NoticeTopic.STANDING, "partner",
               {"to": "warned", "overdue": 1, "sentence": "You are warned. New leads still come.", "url": "/standing"},
               "Your standing is now warned: do the 1 overdue", "New leads still come."),
    "digest": (NoticeTopic.WARNING, "partner", DIGEST,
               "1 late and 1 due today: make first contact (Hooli GmbH)", "late since Mon 2 Mar 15:00 CET"),
    "digest, done from the mail": (
        NoticeTopic.WARNING, "partner",
        {"url": "/work", "items": [{**DIGEST["items"][0], "acts": [("Log a touch", "/by-mail/3")]}]},
        "1 late: make first contact (Hooli GmbH)", "Each works once, for 14 days, and is for you alone."),
    "extended": (NoticeTopic.EXTENDED, "partner", {**HELD, "due_at": at(80), "reason": "Fair"},
                 "More time: make first contact by Fri 6 Mar 19:00 CET (Hooli GmbH)", "The reason given: Fair"),
    "waived": (NoticeTopic.WAIVED, "partner", {**HELD, "reason": "Fair"},
               "Waived: make first contact (Hooli GmbH)", "It no longer counts for you."),
    "announced": (NoticeTopic.POLICY, "partner",
                  {"number": 3, "starts_at": at(94), "changes": ["Grace: minutes 15, was 0."],
                  "url": "/team/due-times"},
                  "Contoso changes its deadlines from Sat 7 Mar 09:00 CET", "What is open by then keeps its time."),
    "again": (NoticeTopic.ENQUIRED_AGAIN, "partner", {**HELD, "kind": None},
              "One of your leads enquired again (Hooli GmbH)", "on the lead's timeline"),
    "queue": (NoticeTopic.UNALLOCATED, "manager", {**SEEN, "reason": "nobody_eligible", "url": "/queue"},
              "Assign a lead by hand (A, Router X): no partner can take it now", "It stays in the queue"),
    "staff, stopped": (NoticeTopic.STOPPED, "manager", {**STOP, "url": "/partners/1"},
                       "Northwind is stopped since Tue 3 Mar 11:00 CET", "Their way back:"),
    "staff, missed": (NoticeTopic.BREACH, "manager", {**SEEN, "kind": "respond", "moved": True, "due_at": at(-1)},
                      "Northwind: no answer by Tue 3 Mar 10:00 CET", "The lead has moved on."),
    "invitation": (NoticeTopic.INVITATION, "user", {"partner": "Northwind", "until": at(168), "url": "/invitation/x"},
                   "Join the partner portal of Contoso by Tue 10 Mar 11:00 CET", "The link works once until"),
    "reset": (NoticeTopic.PASSWORD_RESET, "user", {"until": at(2), "url": "/new-password/x"},
              "Choose a new password by Tue 3 Mar 13:00 CET", "If you did not ask for it, nothing changes"),
}  # fmt: skip


def made(*notices: tuple[NoticeTopic, str, dict[str, object]], reader: Reader = BERLIN) -> Message:
    return write([say(*notice, reader, HOUSE) for notice in notices], reader, HOUSE)


def words_of(html: str) -> str:
    """What a page shows, without its addresses, styles and title."""
    shown = re.sub(r"(?s)<style.*?</style>|<title.*?</title>|<[^>]+>", " ", html)
    return " ".join(unescape(shown).split())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_who_must_do_what_by_when(kind: str) -> None:
    topic, audience, facts, subject, said = KINDS[kind]
    message = made((topic, audience, facts))
    assert message.subject == subject
    assert len(message.subject) < 70
    assert said in message.text
    assert "None" not in message.text
    assert not re.search(r"[{}]|\d{4}-\d\d-\d\dT", message.text)


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_say_the_same(kind: str) -> None:
    topic, audience, facts, _, _ = KINDS[kind]
    message = made((topic, audience, facts))
    shown = words_of(message.html)
    for line in message.text.splitlines():
        line = re.sub(r"^\d\. |^-- $|:? ?https?://\S+", "", line).strip()
        for part in re.split(r": | \(|\), ", line.removesuffix(".").removesuffix(")")):
            assert " ".join(part.split()) in shown, part
    links = re.findall(r"https://leads\.example/\S*", message.text)
    assert links == re.findall(r'href="([^"]+)"', message.html)


@pytest.mark.parametrize("kind", KINDS)
def test_every_style_stands_in_its_element_and_nothing_is_fetched(kind: str) -> None:
    topic, audience, facts, _, _ = KINDS[kind]
    html = made((topic, audience, facts)).html
    assert '<body style="' in html
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"<img|<link|<script|@import|url\(", html)


def test_red_is_for_what_is_overdue_alone() -> None:
    red = {kind for kind, (topic, audience, facts, *_) in KINDS.items()
           if "#B3261E" in made((topic, audience, facts)).html}  # fmt: skip
    assert red == {"late", "digest", "digest, done from the mail"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_subject_stays_short_however_long_the_names_are(kind: str) -> None:
    topic, audience, facts, _, _ = KINDS[kind]
    long = {name: "Donaudampfschifffahrts " * 8 for name in ("lead", "partner", "product") if name in facts}
    subject = made((topic, audience, {**facts, **long})).subject
    assert len(subject) < 70
    when = re.search(r"\d\d:\d\d CET", KINDS[kind][3])
    assert when is None or when[0] in subject


def test_several_are_counted_and_the_late_one_speaks() -> None:
    late = (NoticeTopic.BREACH, "partner", {**HELD, "due_at": at(-3)})
    due = (NoticeTopic.WARNING, "partner", HELD)
    message = made(late, late, due)
    assert message.subject.startswith("2 late, 1 to do: make first contact, due Tue 3 Mar 08:00 CET")
    assert message.text.count("Hello Rep,") == 1


def test_a_long_day_lists_the_first_and_counts_all() -> None:
    items = [{**HELD, "due_at": at(1), "late": False, "url": f"/leads/{n}"} for n in range(30)]
    message = made((NoticeTopic.WARNING, "partner", {"items": items, "url": "/work"}))
    assert message.subject.startswith("30 due today: make first contact by Tue 3 Mar 12:00 CET")
    assert "My work has all 30." in message.text
    assert message.text.count("/leads/") == 20


@pytest.mark.parametrize(
    ("instant", "zone", "shown"),
    [
        ("2026-03-06T16:00:00+00:00", "Europe/Berlin", "Fri 6 Mar 17:00 CET"),
        ("2026-03-06T16:00:00.123456+00:00", "America/New_York", "Fri 6 Mar 11:00 EST"),
        ("2026-03-03T11:00:00+00:00", "UTC", "Tue 3 Mar 11:00 UTC"),
        ("2027-03-03T11:00:00Z", "UTC", "Wed 3 Mar 2027 11:00 UTC"),
    ],
)
def test_instants_inside_sentences_are_those_of_the_reader(instant: str, zone: str, shown: str) -> None:
    when = When(Reader("Rep", zone, NOW), HOUSE)
    assert when.within(f"Leads resume {instant}.") == f"Leads resume {shown}."


@pytest.mark.parametrize(("text", "longest", "clipped"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a \n b", 9, "a b")])
def test_what_is_too_long_is_cut(text: str, longest: int, clipped: str) -> None:
    assert clip(text, longest) == clipped
