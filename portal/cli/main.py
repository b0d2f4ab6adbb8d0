"""``fairlead``: the commands. ``register(app)`` gives the same ones to Flask's own command line."""

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from portal.cli import data, people, rule_files
from portal.cli.edge import Told, leave, load_app, told
from portal.cli.logs import set_up
from portal.config import ConfigError, load
from portal.jobs.family import die_with

if TYPE_CHECKING:
    from flask import Flask

PORT = click.option("--port", type=click.IntRange(1, 65535), default=8000, envvar="PORT", show_default=True)
HOST = click.option("--host", default="127.0.0.1", show_default=True)
PARENT = click.option("--parent", type=int, hidden=True)


class Fairlead(click.Group):
    """The top of the command line; trouble found while a command is looked up is told the same way."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run what was asked for."""
        with told():
            return super().invoke(ctx)


@click.group(cls=Fairlead)
def cli() -> None:
    """Fairlead: leads to partners by rules, followed up on time, or no more leads."""


@click.command(cls=Told)
@HOST
@PORT
def up(host: str, port: int) -> None:
    """Run everything on this machine: web server, clock, worker. Ctrl-C ends all of it."""
    from portal.cli import supervisor

    settings = load()
    if supervisor.answers(host, port):
        leave(f"Port {port} is taken by another program: set PORT to a free one.", 1)
    base_url = os.environ.get("FAIRLEAD_BASE_URL") or supervisor.address(host, port)
    sys.exit(supervisor.up(host, port, base_url, settings))


@click.command(cls=Told)
@HOST
@PORT
@click.option("--workers", type=click.IntRange(1), help="Processes. Left out: 1 on SQLite, else 2.")
@PARENT
def serve(host: str, port: int, workers: int | None, parent: int | None) -> None:
    """Serve screens and API."""
    from portal.cli import serve as server

    _attend(parent)
    server.serve(host, port, workers)


@click.command(cls=Told)
@click.option("--owner", hidden=True)
@PARENT
def clock(owner: str | None, parent: int | None) -> None:
    """Sweep, post and deliver, every few seconds, until told to stop."""
    from portal.cli.supervisor import stop_on_signal
    from portal.jobs.clock import run_clock

    _attend(parent)
    stop = threading.Event()
    stop_on_signal(stop)
    run_clock(load_app(), stop, owner)


@click.command(cls=Told)
@click.option(
    "--worker-ttl",
    type=click.IntRange(30, 60),
    default=45,
    show_default=True,
    help="Seconds after which a silent worker is taken for gone.",
)
@PARENT
def worker(worker_ttl: int, parent: int | None) -> None:
    """Send mails that the clock hands over by Redis, until told to stop."""
    _attend(parent)
    settings = load()
    if not settings.redis_url:
        raise ConfigError("A worker needs FAIRLEAD_REDIS_URL; without Redis the clock does its work.")
    from portal.jobs.worker import Work

    Work(settings, worker_ttl).go_on()


def _attend(parent: int | None) -> None:
    set_up()
    if parent is not None:
        die_with(parent)


@click.command("db", cls=Told, add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def migrations(arguments: tuple[str, ...]) -> None:
    """Migrations, as Flask-Migrate has them: fairlead db upgrade."""
    app = load_app()
    with app.app_context():
        app.cli.commands["db"].main(list(arguments), prog_name="fairlead db")


data.import_.add_command(rule_files.places)
COMMANDS: tuple[click.Command, ...] = (
    up, serve, clock, worker, data.demo, data.sweep, data.verify, data.import_,
    people.create_admin, people.create_key, rule_files.rules, rule_files.lists,
)  # fmt: skip


def register(app: "Flask") -> None:
    """Give the commands to ``python -m flask --app app …``; Flask-Migrate's are there already."""
    for command in COMMANDS:
        app.cli.add_command(command)


for command in (*COMMANDS, migrations):
    cli.add_command(command)


if __name__ == "__main__":
    cli(prog_name="fairlead")
