"""Commands on the data: demo, one pass of the clock, verification, import."""

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from portal.cli.edge import REFUSED, Told, in_app, leave, load_app
from portal.cli.logs import set_up
from portal.clock import utc_now

JSON = click.option("--json", "as_json", is_flag=True, help="As one JSON document.")


@click.command(cls=Told)
@click.option("--if-empty", is_flag=True, help="Do nothing where there is data already.")
def demo(if_empty: bool) -> None:
    """Load the demo data into an empty database."""
    empty = in_app(_is_empty)
    if not empty and if_empty:
        return
    if not empty:
        leave("The demo data goes into an empty database only, and this one holds data.", REFUSED)
    for line in in_app(_load_demo):
        click.echo(line)


def _is_empty() -> bool:
    """No partner, no lead and nobody who could sign in."""
    from sqlalchemy import select

    from models.accounts import User
    from models.base import db
    from models.leads import Lead
    from models.partners import Partner

    found = [db.session.scalars(select(table.id).limit(1)).first() for table in (Partner, Lead, User)]
    db.session.rollback()
    return found == [None, None, None]


def _load_demo() -> Sequence[str]:
    from models.base import db

    loader = importlib.import_module("portal.cli.demo")
    lines: Sequence[str] = loader.load(db.session(), utc_now())
    return lines


@click.command(cls=Told)
@JSON
def sweep(as_json: bool) -> None:
    """One enforcement pass: deadlines, standing, hand-overs, notices; then exit."""
    from portal.jobs.clock import tick

    set_up()
    done = tick(load_app(), utc_now())
    if as_json:
        click.echo(json.dumps(done.as_dict()))
    else:
        click.echo(done.sentence or "The sweep did not come to an end.")
        click.echo(f"{done.mails} mails made, {done.sent} sent, {done.undeliverable} undeliverable.")
    for problem in done.problems:
        click.echo(problem, err=True)
    sys.exit(REFUSED if done.problems else 0)


@click.command(cls=Told)
@JSON
def verify(as_json: bool) -> None:
    """Work out anew everything stored that can be; exit 1 with the differences."""
    found = in_app(_differences)
    if as_json:
        click.echo(json.dumps({"ok": not found, "differences": found}))
    else:
        for difference in found:
            click.echo(difference)
        click.echo(f"{len(found)} differences." if found else "Everything stored is what its sources say.")
    sys.exit(REFUSED if found else 0)


def _differences() -> list[str]:
    from models.base import db
    from models.session import read_only
    from portal.enforcement.verify import differences

    read_only(db.session())
    return list(differences(db.session()))


@click.group(name="import")
def import_() -> None:
    """Bring in what other systems hold."""


@import_.command(cls=Told)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every row, store nothing.")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=FIELD", help="What a column holds. Repeatable.")
def leads(file: Path, dry_run: bool, pairs: tuple[str, ...]) -> None:
    """Leads from CSV or XLSX. Rows that cannot be used are told by line; the others come in."""
    mapping = dict(_pair(text) for text in pairs)
    report = in_app(lambda: _import(file, dry_run, mapping))
    for line, name, message in report.errors:
        click.echo(f"line {line}, {name}: {message}" if name else f"line {line}: {message}", err=True)
    unusable = len({line for line, _, _ in report.errors})
    click.echo(
        f"{report.rows} rows: {report.created} {'would be ' if dry_run else ''}created, "
        f"{report.known} known already, {report.duplicates} joined a live lead, {unusable} not usable."
    )
    sys.exit(REFUSED if report.errors else 0)


def _pair(text: str) -> tuple[str, str]:
    column, sign, name = text.partition("=")
    if not (column and sign and name):
        raise click.BadParameter(f"{text!r} is not of the form COLUMN=FIELD.", param_hint="--map")
    return column, name


def _import(file: Path, dry_run: bool, mapping: dict[str, str]) -> Any:
    from models.base import db
    from portal.accounts.actor import SYSTEM

    files = importlib.import_module("portal.intake.files")
    with file.open("rb") as stream:
        return files.import_leads(
            db.session(), SYSTEM, stream, file.name, mapping=mapping, dry_run=dry_run, now=utc_now()
        )
