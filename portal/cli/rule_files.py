"""Commands on the allocation rules: to a file and back, the lists that they name, the places that they measure by."""

import sys
from pathlib import Path
from typing import Any

import click

from portal.cli.edge import REFUSED, Told, in_app, leave
from portal.clock import utc_now
from portal.errors import Invalid

FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
STANDARD = Path("-")


@click.group()
def rules() -> None:
    """Allocation rules as YAML: what is exported and imported again says the very same."""


@rules.command("export", cls=Told)
@click.argument("file", type=FILE)
@click.option("--version", "number", type=click.IntRange(1), help="Which version. Left out: the live one.")
def export(file: Path, number: int | None) -> None:
    """Write a version of the rules to FILE; - is standard output."""
    version, text = in_app(lambda: _export(number))
    if file == STANDARD:
        click.echo(text, nl=False)
        return
    _write(file, text)
    click.echo(f"Version {version} is in {file}.")


def _export(number: int | None) -> tuple[int, str]:
    from models.base import db
    from models.session import read_only
    from portal.allocation import versions
    from portal.allocation.yaml_form import to_yaml

    read_only(db.session())
    version = versions.numbered(db.session(), number)
    names = versions.names(db.session())
    return version.number, to_yaml(version.rules, version.note, version.number, names)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        leave(f"{file} cannot be written: {error.strerror}.", REFUSED)


@rules.command("import", cls=Told)
@click.argument("file", type=FILE)
@click.option("--note", help="Why: it is kept with the draft. Left out: the note in the file.")
def import_(file: Path, note: str | None) -> None:
    """Make a draft of the rules in FILE (YAML or JSON; - is standard input). It decides nothing before it is published.

    Exits 1 where the rules cannot be used, with a sentence for each reason; then nothing is stored.
    """
    text = _read(file)
    try:
        number, warnings = in_app(lambda: _import(text, note))
    except Invalid as refusal:
        for path, sentence in refusal.errors:
            click.echo(f"{path}: {sentence}", err=True)
        leave("Nothing was stored.", REFUSED)
    for warning in warnings:
        click.echo(warning)
    click.echo(f"Draft {number} is stored. Publish it under Rules, or by the API.")


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if file == STANDARD else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        leave(f"{file} cannot be read: {error.strerror}.", REFUSED)
    except UnicodeDecodeError:
        leave(f"{file} is not text in UTF-8.", REFUSED)


def _import(text: str, note: str | None) -> tuple[int, list[Any]]:
    from models.base import db
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.allocation import versions
    from portal.allocation.yaml_form import YamlError, from_yaml

    try:
        wanted, said = from_yaml(text)
    except YamlError as error:
        raise Invalid([("file", str(error))]) from error
    why = said if note is None else note
    if len(why) > 200:
        raise Invalid([("note", "Use at most 200 characters for the note.")])
    draft = unit(db.session(), lambda: versions.draft(db.session(), wanted, why, utc_now(), SYSTEM))
    return draft.number, draft.warnings


@click.command(cls=Told)
@click.argument("file", type=THERE)
def places(file: Path) -> None:
    """Where postcodes lie: CSV with country, postcode, latitude, longitude; or a postal code file of GeoNames.

    Rows that cannot be used are told by line; the others come in, over what was there for the same postcode.
    """
    stored, found = in_app(lambda: _places(file))
    for line, sentence in found.errors:
        click.echo(f"line {line}: {sentence}", err=True)
    click.echo(f"{stored} places stored, {found.unusable} rows not usable.")
    sys.exit(REFUSED if found.unusable else 0)


def _places(file: Path) -> tuple[int, Any]:
    from models.base import db
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.allocation.places import keep
    from portal.allocation.places_file import read_places

    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        found = read_places(stream)
    if not found.rows:
        return 0, found
    return unit(db.session(), lambda: keep(db.session(), found.rows, utc_now(), SYSTEM)), found


@click.group()
def lists() -> None:
    """Lists that rules name, such as list:strategic-accounts."""


@lists.command("set", cls=Told)
@click.argument("name")
@click.argument("file", type=FILE)
def set_(name: str, file: Path) -> None:
    """Put the lines of FILE (- is standard input) in the list NAME, in place of what it held."""
    lines = [line.strip() for line in _read(file).splitlines() if line.strip()]
    stored = in_app(lambda: _set(name, lines))
    click.echo(f"The list {name} holds {stored} values. It counts from the next lead on.")


def _set(name: str, lines: list[str]) -> int:
    from models.base import db
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.allocation import lists as kept

    return len(unit(db.session(), lambda: kept.save(db.session(), name, lines, utc_now(), SYSTEM)).items)


@lists.command("show", cls=Told)
@click.argument("name", required=False)
def show(name: str | None) -> None:
    """The names of all lists, or what the list NAME holds, a line each."""
    for line in in_app(lambda: _show(name)):
        click.echo(line)


def _show(name: str | None) -> list[str]:
    from models.base import db
    from models.session import read_only
    from portal.allocation import lists as kept
    from portal.errors import NotFound

    read_only(db.session())
    found = {row.name: row.items for row in kept.all_lists(db.session())}
    if name is None:
        return [f"{each}  {len(items)} values" for each, items in found.items()]
    if name not in found:
        raise NotFound(f"There is no list {name}.")
    return [str(item) for item in found[name]]


@lists.command("drop", cls=Told)
@click.argument("name")
def drop(name: str) -> None:
    """Drop the list NAME, where no live rule and no draft names it."""
    in_app(lambda: _drop(name))
    click.echo(f"The list {name} is gone.")


def _drop(name: str) -> None:
    from models.base import db
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.allocation import lists as kept

    unit(db.session(), lambda: kept.drop(db.session(), name, utc_now(), SYSTEM))
