"""The commands: what they print, what they exit with, and one sentence where they are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import ApiKey, User
from models.base import db
from models.session import unit
from portal.accounts import service
from portal.accounts.keys import authenticate_key
from portal.cli import edge, main
from portal.clock import utc_now
from portal.vocabulary import Role
from tests.jobs.people import partner

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fairlead(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on the test's app."""
    monkeypatch.setattr(edge, "load_app", lambda settings=None: app)
    for module in (main, main.data):
        monkeypatch.setattr(module, "load_app", lambda settings=None: app)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main.cli, arguments, input=stdin, prog_name="fairlead")

    return run


def test_an_admin_is_made_and_the_password_is_the_last_word(fairlead: Any, session: Session) -> None:
    result = fairlead("create-admin", "Ada@Vendor.example", "--name", "Ada")
    assert result.exit_code == 0
    password = result.output.split()[-1]
    assert result.output.count(password) == 1
    made = service.sign_in(session, "ada@vendor.example", password, utc_now())
    assert (made.role, made.name) == (Role.ADMIN, "Ada")


def test_an_admins_password_can_be_asked_for_and_is_not_shown(fairlead: Any, session: Session) -> None:
    result = fairlead("create-admin", "ada@vendor.example", "--ask", stdin="a long enough one\na long enough one\n")
    assert result.exit_code == 0
    assert "a long enough one" not in result.output
    assert service.sign_in(session, "ada@vendor.example", "a long enough one", utc_now())


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (["create-admin", "nobody"], None, "This is not an e-mail address."),
        (["create-admin", "a@b.example", "--ask"], "short\nshort\n", "Use at least 10 characters."),
        (["create-key", "--role", "partner", "--name", "CRM"], None, "Name the partner that this key acts for."),
        (
            ["create-key", "--role", "admin", "--partner", "7", "--name", "X"],
            None,
            "A key of the vendor names no partner.",
        ),
        (["create-key", "--role", "partner", "--partner", "7", "--name", "X"], None, "There is no partner by that id."),
        (["create-key", "--role", "admin", "--name", " "], None, "Give a name."),
    ],
)
def test_a_refusal_is_one_sentence_on_stderr(
    fairlead: Any, session: Session, arguments: list[str], stdin: str | None, sentence: str
) -> None:
    result = fairlead(*arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (1, sentence + "\n")
    assert session.scalars(select(User)).all() == []
    assert session.scalars(select(ApiKey)).all() == []


def test_a_second_admin_of_one_address_is_refused(fairlead: Any) -> None:
    fairlead("create-admin", "ada@vendor.example")
    result = fairlead("create-admin", "ADA@vendor.example")
    assert result.exit_code == 1
    assert "has an account already" in result.stderr


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("admin", Role.ADMIN), ("manager", Role.CHANNEL_MANAGER), ("marketer", Role.MARKETER),
        ("partner", Role.PARTNER_ADMIN),
    ],
)  # fmt: skip
def test_a_key_is_made_and_is_the_last_word(fairlead: Any, session: Session, word: str, role: Role) -> None:
    partner_id = None
    if word == "partner":
        partner_id = unit(session, lambda: partner(session).id)
    named = ["--partner", partner_id] if partner_id else []
    result = fairlead("create-key", "--role", word, "--name", "Website", *named)
    assert result.exit_code == 0
    actor = authenticate_key(session, result.output.split()[-1])
    assert actor is not None
    assert (actor.role, actor.partner_id, actor.name) == (role, partner_id, "Website")


def test_a_sweep_says_what_it_did(fairlead: Any) -> None:
    result = fairlead("sweep")
    assert result.exit_code == 0
    assert "0 missed deadlines" in result.output
    as_json = fairlead("sweep", "--json")
    done = json.loads(as_json.stdout)
    assert (done["breaches"], done["mails"], done["problems"]) == (0, 0, [])


def test_a_sweep_that_did_not_end_well_says_so(fairlead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("portal.enforcement.sweep.sweep", broken)
    result = fairlead("sweep", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"] == ["sweep: RuntimeError: out of order"]


def test_verify_finds_nothing_off_in_a_fresh_database(fairlead: Any) -> None:
    assert fairlead("verify").exit_code == 0
    assert json.loads(fairlead("verify", "--json").stdout) == {"ok": True, "differences": []}


def test_verify_prints_the_differences_and_exits_1(fairlead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.enforcement.verify.differences", lambda session: ["Northwind: 3 open leads, not 2."])
    result = fairlead("verify")
    assert (result.exit_code, result.stdout) == (1, "Northwind: 3 open leads, not 2.\n1 differences.\n")
    as_json = fairlead("verify", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout) == {"ok": False, "differences": ["Northwind: 3 open leads, not 2."]}


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What stands in for the demo data: one partner, one line to print."""
    loaded: list[Any] = []

    def load(session: Session, now: Any) -> list[str]:
        unit(session, lambda: partner(session))
        loaded.append(now)
        return ["Sign in as demo@vendor.example"]

    module = ModuleType("portal.cli.demo")
    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "portal.cli.demo", module)
    return loaded


def test_the_demo_goes_into_an_empty_database_only(fairlead: Any, demo: list[Any]) -> None:
    assert fairlead("demo").stdout == "Sign in as demo@vendor.example\n"
    result = fairlead("demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "empty database only" in result.stderr
    quiet = fairlead("demo", "--if-empty")
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert len(demo) == 1


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the import was asked; it answers with two rows, one of them unusable."""
    asked: list[dict[str, Any]] = []

    def import_leads(session: Session, actor: Any, stream: Any, filename: str, **rest: Any) -> Any:
        asked.append({"content": stream.read(), "filename": filename, "actor": actor.kind, **rest})
        errors = [(3, "email", "This is not an e-mail address."), (3, "country", "Unknown.")]
        return SimpleNamespace(rows=2, created=1, known=0, duplicates=0, errors=errors if asked[-1]["mapping"] else [])

    module = ModuleType("portal.intake.files")
    module.import_leads = import_leads  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "portal.intake.files", module)
    return asked


def test_an_import_hands_the_file_on_and_tells_of_every_bad_row(
    fairlead: Any, imports: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(b"Mail,Land\na@b.example,DE\n")
    result = fairlead("import", "leads", str(file), "--dry-run", "--map", "Mail=email", "--map", "Land=country")
    assert result.exit_code == 1
    assert result.stderr == "line 3, email: This is not an e-mail address.\nline 3, country: Unknown.\n"
    assert result.stdout == ("2 rows: 1 would be created, 0 known already, 0 joined a live lead, 1 not usable.\n")
    (asked,) = imports
    assert (asked["content"], asked["filename"], asked["actor"]) == (file.read_bytes(), "leads.csv", "system")
    assert (asked["mapping"], asked["dry_run"]) == ({"Mail": "email", "Land": "country"}, True)
    assert fairlead("import", "leads", str(file)).exit_code == 0


def test_an_import_without_a_file_or_with_half_a_mapping_is_refused(fairlead: Any, tmp_path: Path) -> None:
    assert fairlead("import", "leads", str(tmp_path / "none.csv")).exit_code == 2
    file = tmp_path / "leads.csv"
    file.write_text("x")
    result = fairlead("import", "leads", str(file), "--map", "Mail")
    assert result.exit_code == 2
    assert "COLUMN=FIELD" in result.stderr


def test_flasks_own_command_line_reaches_the_same_commands(app: Flask) -> None:
    other = Flask("other")
    main.register(other)
    assert {"up", "serve", "clock", "demo", "sweep", "verify", "import", "create-admin", "create-key"} <= set(
        other.cli.commands
    )
    runner = app.test_cli_runner()
    added = [command for command in main.COMMANDS if command.name not in app.cli.commands]
    for command in added:
        app.cli.add_command(command)
    result = runner.invoke(args=["create-admin", "ada@vendor.example"])
    assert result.exit_code == 0
    with app.app_context():
        assert db.session.scalars(select(User.email)).all() == ["ada@vendor.example"]


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A real command of its own, from another folder."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "portal.cli.main", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["sweep", "up", "serve", "db"])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FAIRLEAD_ENV", "production", "FAIRLEAD_SECRET_KEY must be set in production"),
        ("FAIRLEAD_SMTP_URL", "mail.example", "FAIRLEAD_SMTP_URL must look like"),
    ],
)
def test_a_wrong_setting_stops_every_command_with_one_sentence(
    tmp_path: Path, command: str, name: str, value: str, words: str
) -> None:
    result = run(command, FAIRLEAD_VAR_DIR=str(tmp_path), **{name: value})
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(words)
    assert result.stderr.count("\n") == 1


def test_a_database_without_tables_says_how_to_make_them(tmp_path: Path) -> None:
    settings = {"FAIRLEAD_VAR_DIR": str(tmp_path), "FAIRLEAD_DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"}
    result = run("create-admin", "ada@vendor.example", **settings)
    assert (result.returncode, result.stderr) == (2, "The database has no tables yet: run fairlead db upgrade.\n")
    assert run("db", "upgrade", **settings).returncode == 0
    assert run("create-admin", "ada@vendor.example", **settings).returncode == 0


def test_a_database_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = run("verify", FAIRLEAD_VAR_DIR=str(tmp_path), FAIRLEAD_DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert result.returncode == 2
    assert result.stderr.startswith("The database at FAIRLEAD_DATABASE_URL cannot be used:")
    assert result.stderr.count("\n") == 1
