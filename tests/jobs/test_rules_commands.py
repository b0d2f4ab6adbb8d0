"""The commands on rules, lists and places: what they store, print and exit with."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.allocation import RuleVersion
from models.places import Place
from portal.allocation import lists
from portal.cli import edge, main
from portal.vocabulary import VersionState
from tests.support.world import EVERYONE, make_partner, publish_rules

RULES = """
note: Why not
rules:
- name: Norway
  when: {all: [{field: country, op: eq, value: NO}]}
  strategy: {kind: least_loaded}
  then: next
- name: Everything
  strategy: {kind: weighted_round_robin}
  then: queue
"""


@pytest.fixture
def fairlead(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on the test's app."""
    monkeypatch.setattr(edge, "load_app", lambda settings=None: app)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main.cli, arguments, input=stdin, prog_name="fairlead")

    return run


def test_rules_go_out_and_come_back_the_very_same(fairlead: Any, session: Session, tmp_path: Path) -> None:
    partner, file = make_partner(session, "Nordhaven"), tmp_path / "rules.yaml"
    live = publish_rules(session, {**EVERYONE, "pool": {"partners": [partner.id]}})
    rules, number = live.rules, live.number
    assert fairlead("rules", "export", str(file)).output == f"Version {number} is in {file}.\n"
    assert f"#   {partner.id}  Nordhaven" in file.read_text(encoding="utf-8")
    result = fairlead("rules", "import", str(file))
    assert (result.exit_code, result.stdout) == (
        0, f"Draft {number + 1} is stored. Publish it under Rules, or by the API.\n",
    )  # fmt: skip
    draft = session.scalars(select(RuleVersion).where(RuleVersion.number == number + 1)).one()
    assert (draft.rules, draft.note, draft.state) == (rules, "test", VersionState.DRAFT)
    piped = fairlead("rules", "export", "-", "--version", str(number + 1)).stdout
    assert piped.replace(f"version: {number + 1}", f"version: {number}") == file.read_text(encoding="utf-8")


def test_an_import_tells_its_warnings_and_takes_standard_input(fairlead: Any, session: Session) -> None:
    make_partner(session, "Nordhaven", territories=[{"country": "DE"}])
    result = fairlead("rules", "import", "-", "--note", "Autumn", stdin=RULES)
    assert result.exit_code == 0
    assert result.stdout.startswith("Rule 1 (Norway): nobody it asks covers NO.\nDraft 1 is stored.")
    assert session.scalars(select(RuleVersion)).one().note == "Autumn"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RULES.replace("least_loaded", "dice"), "rules.0.strategy.kind: Use one of"),
        (RULES.replace("then: queue", "then: {partner: nobody}"), "rules.1.then.partner: There is no partner 'nobody'"),
        ("rules: [", "file: Line 1, column 9 cannot be read as YAML"),
        (RULES.replace("Why not", "x" * 201), "note: Use at most 200 characters"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_whole(fairlead: Any, session: Session, text: str, says: str) -> None:
    make_partner(session, "Nordhaven")
    result = fairlead("rules", "import", "-", stdin=text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(says)
    assert result.stderr.endswith("Nothing was stored.\n")
    assert session.scalars(select(RuleVersion)).all() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rules", "export", "-"), "No rules are live yet."),
        (("rules", "export", "-", "--version", "7"), "There is no version 7."),
        (("rules", "import", "/nowhere/rules.yaml"), "/nowhere/rules.yaml cannot be read: No such file or directory."),
        (("lists", "show", "vip"), "There is no list vip."),
        (("lists", "drop", "vip"), "There is nothing here by that name."),
        (("lists", "set", "V I P", "-"), "Name the list in small letters, digits and dashes"),
    ],
)
def test_a_refusal_is_one_sentence_on_stderr(fairlead: Any, arguments: tuple[str, ...], says: str) -> None:
    result = fairlead(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(says)
    assert result.stderr.count("\n") == 1


def test_a_file_that_cannot_be_written_or_is_no_text(fairlead: Any, session: Session, tmp_path: Path) -> None:
    make_partner(session, "Nordhaven")
    publish_rules(session)
    refused = fairlead("rules", "export", str(tmp_path / "none" / "rules.yaml"))
    assert (refused.exit_code, "cannot be written: No such file" in refused.stderr) == (1, True)
    (tmp_path / "latin.yaml").write_bytes(b"note: M\xfcnchen")
    refused = fairlead("rules", "import", str(tmp_path / "latin.yaml"))
    assert (refused.exit_code, "is not text in UTF-8" in refused.stderr) == (1, True)


def test_a_list_is_set_shown_and_dropped(fairlead: Any, session: Session) -> None:
    done = fairlead("lists", "set", "strategic", "-", stdin="Globex\n\n  Acme \nacme\n")
    assert done.stdout == "The list strategic holds 2 values. It counts from the next lead on.\n"
    assert lists.values_of(session) == {"strategic": frozenset({"Acme", "Globex"})}
    session.rollback()  # The commands that follow write: on SQLite they would wait for this reader.
    assert fairlead("lists", "show").stdout == "strategic  2 values\n"
    assert fairlead("lists", "show", "strategic").stdout == "Acme\nGlobex\n"
    assert fairlead("lists", "drop", "strategic").stdout == "The list strategic is gone.\n"
    session.rollback()
    assert lists.values_of(session) == {}


def test_places_come_in_and_bad_rows_are_told(fairlead: Any, session: Session, tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text("country,postcode,latitude,longitude\nDE,80331,48.1,11.6\nXX,1,2,3\n", encoding="utf-8")
    result = fairlead("import", "places", str(file))
    assert (result.exit_code, result.stdout) == (1, "1 places stored, 1 rows not usable.\n")
    assert result.stderr == "line 3: There is no country 'XX': give its two letters, such as DE.\n"
    file.write_text("country,postcode,latitude,longitude\nDE,80331,48.2,11.7\nde,80-335,48.3,11.8\n", encoding="utf-8")
    assert fairlead("import", "places", str(file)).exit_code == 0
    assert {(row.postcode, row.latitude) for row in session.scalars(select(Place))} == {
        ("80331", 48.2),
        ("80335", 48.3),
    }
    file.write_text("", encoding="utf-8")
    assert fairlead("import", "places", str(file)).exit_code == 1
