"""Lists that rules name: made, changed as they were read, told with the rules that name them, dropped once unused."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.lists import NamedList
from models.platform import Audit
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.allocation import lists
from tests.support import world
from tests.support.visits import counted, words
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]


def make(office: Office, name: str, *values: str) -> None:
    office.do(lambda session: unit(session, lambda: lists.save(session, name, values, NOON, SYSTEM)))


def held(office: Office, name: str) -> NamedList | None:
    return office.do(lambda session: session.query(NamedList).filter_by(name=name).one_or_none())  # type: ignore[no-any-return]


def holds(office: Office, name: str) -> list[Any] | None:
    found = held(office, name)
    return found.items if found else None


def name_in_rules(office: Office, name: str) -> None:
    """Publish a rule that asks for the list."""

    def build(session: Session) -> None:
        asks = {"field": "company", "op": "in", "value": [f"list:{name}"]}
        rule = {"strategy": {"kind": "weighted_round_robin"}, "then": "queue"}
        world.publish_rules(session, {"name": "Strategic", "when": {"all": [asks]}, **rule}, now=NOON)

    office.do(build)


def revision(page: Any) -> str:
    found = re.search(r'name="revision"[^>]*value="(\d+)"', page.get_data(as_text=True))
    assert found is not None
    return found[1]


def test_a_list_is_made_changed_and_told_with_what_names_it(office: Office) -> None:
    browser = office.visit("admin")
    assert "No lists yet" in browser.page("/lists")
    page = browser.done("/lists/new", name="strategic-accounts", items="Globex\r\n\r\n acme \r\nAcme")
    assert "names it as list:strategic-accounts" in page
    assert holds(office, "strategic-accounts") == ["acme", "Globex"]
    path = "/lists/strategic-accounts"
    assert "saving it changes nothing yet" in browser.page(path)
    name_in_rules(office, "strategic-accounts")
    assert "Strategic live, version 1" in browser.page("/lists")
    read = browser.get(path)
    assert "acme\nGlobex</textarea>" in read.get_data(as_text=True).replace("\r\n", "\n")
    assert "The next lead goes by what you save" in words(read)
    page = browser.done(path, revision=revision(read), items="Globex\nInitech\nHooli")
    assert "is saved: 2 added, 1 taken out. The next lead goes by it." in page
    assert holds(office, "strategic-accounts") == ["Globex", "Hooli", "Initech"]
    assert "Ines Okafor changed a list that rules name" in browser.page("/audit")


def test_saving_what_it_holds_changes_nothing(office: Office) -> None:
    make(office, "vip", "a", "b")
    browser = office.visit("admin")
    read = revision(browser.get("/lists/vip"))
    assert "Nothing was changed." in browser.done("/lists/vip", revision=read, items="b\na\n")
    assert "1 taken out" not in browser.done("/lists/vip", revision=read, items="A\nb")
    found = held(office, "vip")
    assert found is not None and (found.items, found.revision) == (["A", "b"], 2)


def test_a_rule_goes_by_the_list_as_it_is_saved(office: Office) -> None:
    make(office, "vip", "Nobody")
    name_in_rules(office, "vip")
    before = office.do(lambda session: world.receive_lead(session, now=NOON, company="Globex").status.value)
    browser = office.visit("admin")
    browser.done("/lists/vip", revision=revision(browser.get("/lists/vip")), items="globex")
    after = office.do(lambda session: world.receive_lead(session, now=NOON, company="Globex").status.value)
    assert (before, after) == ("unallocated", "offered")


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"name": "Strategic accounts", "items": "a"}, "Name the list in small letters, digits and dashes"),
        ({"name": "", "items": "a"}, "Name the list in small letters, digits and dashes"),
        ({"name": "ok", "items": "x" * 201}, "Give texts of at most 200 characters."),
        ({"name": "vip", "items": "b"}, "There is a list vip already: open it to change it."),
    ],
)
def test_a_list_that_cannot_be_made_is_asked_again(office: Office, sent: dict[str, str], sentence: str) -> None:
    make(office, "vip", "a")
    answer = office.visit("admin").post("/lists/new", **sent)
    assert answer.status_code == 422 and sentence in words(answer)
    assert f">\r\n{sent['items']}</textarea>" in answer.get_data(as_text=True)
    assert office.do(lambda session: {row.name: row.items for row in session.query(NamedList)}) == {"vip": ["a"]}


def test_what_cannot_be_saved_stays_on_the_page(office: Office) -> None:
    make(office, "vip", "a")
    browser = office.visit("admin")
    read = revision(browser.get("/lists/vip"))
    answer = browser.post("/lists/vip", revision=read, items="a\n" + "y" * 201)
    assert answer.status_code == 422 and "Give texts of at most 200 characters." in words(answer)
    assert "y" * 201 in answer.get_data(as_text=True) and holds(office, "vip") == ["a"]
    many = browser.post("/lists/vip", revision=read, items="\n".join(f"value-number-{n:015}" for n in range(20_001)))
    assert many.status_code == 422 and "Give at most 20,000 values." in words(many)
    largest = "\n".join(f"value-number-{n:015}" for n in range(20_000))
    assert "20,000 added, 1 taken out" in browser.done("/lists/vip", revision=read, items=largest)
    assert "and 19,995 more" in browser.page("/lists")


def test_who_comes_second_sees_what_saving_would_undo(office: Office) -> None:
    make(office, "vip", "a", "b")
    browser = office.visit("admin")
    read = revision(browser.get("/lists/vip"))
    make(office, "vip", "a", "b", "theirs")
    answer = browser.post("/lists/vip", revision=read, items="a\nb\nmine")
    assert answer.status_code == 409 and "mine" in answer.get_data(as_text=True)
    page = words(answer)
    assert "Nothing was saved. Saving now puts in mine and takes out theirs." in page
    assert holds(office, "vip") == ["a", "b", "theirs"]
    assert "1 added, 1 taken out" in browser.done("/lists/vip", revision=revision(answer), items="a\nb\nmine")
    assert browser.post("/lists/vip", revision="x", items="z").status_code == 409
    assert holds(office, "vip") == ["a", "b", "mine"]


def test_a_list_dropped_meanwhile_is_made_anew_only_by_choice(office: Office) -> None:
    make(office, "vip", "a")
    browser = office.visit("admin")
    read = revision(browser.get("/lists/vip"))
    office.do(lambda session: unit(session, lambda: lists.drop(session, "vip", NOON, SYSTEM)))
    answer = browser.post("/lists/vip", revision=read, items="a\nmine")
    assert answer.status_code == 409 and "was dropped meanwhile" in words(answer)
    assert holds(office, "vip") is None
    assert "The list vip is made." in browser.done("/lists/vip", revision=revision(answer), items="a\nmine")
    assert holds(office, "vip") == ["a", "mine"]


def test_a_list_is_dropped_once_no_rule_names_it(office: Office) -> None:
    make(office, "vip", "a", "b")
    name_in_rules(office, "vip")
    browser = office.visit("admin")
    assert "It stays: these rules name it." in browser.page("/lists/vip/drop")
    assert "is named by rule Strategic of version 1: change that first" in browser.done("/lists/vip/drop")
    assert holds(office, "vip") == ["a", "b"]
    office.rules(office.partner)
    assert "Its 2 values leave with it" in browser.page("/lists/vip/drop")
    assert "The list vip is dropped." in browser.done("/lists/vip/drop")
    assert holds(office, "vip") is None
    assert office.do(lambda session: session.query(Audit).filter_by(action="list.drop").count()) == 1
    for path in ("/lists/vip", "/lists/vip/drop", "/lists/Not%20a%20name"):
        assert browser.get(path).status_code == 404
    assert browser.post("/lists/vip/drop").status_code == 404


def test_lists_are_for_admins(office: Office) -> None:
    make(office, "vip", "a")
    for who in ("manager", "marketer", "rep"):
        browser = office.visit(who)
        for path in ("/lists", "/lists/new", "/lists/vip", "/lists/vip/drop"):
            assert browser.get(path).status_code == 404
        for path in ("/lists/new", "/lists/vip", "/lists/vip/drop"):
            assert browser.post(path, name="own", items="x", revision="1").status_code == 404
    assert office.do(lambda session: {row.name: row.items for row in session.query(NamedList)}) == {"vip": ["a"]}


def test_many_lists_cost_as_many_queries_as_few(office: Office, app: Flask) -> None:
    browser = office.visit("admin")
    counts = []
    for wanted in (10, 100):
        before = office.do(lambda session: session.query(NamedList).count())
        office.do(lambda session: _fill(session, range(before, wanted)))  # noqa: B023 - done at once
        browser.get("/lists")
        with counted(app) as sent:
            browser.page("/lists")
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert "list-060" in browser.page("/lists?page=2") and "list-010" not in browser.page("/lists?page=2")


def _fill(session: Session, numbers: range) -> None:
    session.add_all(NamedList(id=f"l{n}", name=f"list-{n:03}", items=["a"], changed_at=NOON) for n in numbers)
    session.commit()
