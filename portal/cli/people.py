"""Commands that let someone in: the first admin, keys. Each prints its secret once, as the last word."""

import secrets

import click

from portal.cli.edge import Told, in_app
from portal.clock import utc_now
from portal.vocabulary import Role

KEY_ROLES = {
    "admin": Role.ADMIN,
    "manager": Role.CHANNEL_MANAGER,
    "marketer": Role.MARKETER,
    "partner": Role.PARTNER_ADMIN,
}


@click.command("create-admin", cls=Told)
@click.argument("email")
@click.option("--name", default="Admin", show_default=True)
@click.option("--ask", is_flag=True, help="Ask for the password instead of making one.")
def create_admin(email: str, name: str, ask: bool) -> None:
    """An admin who can sign in at once."""
    given = click.prompt("Password", hide_input=True, confirmation_prompt=True) if ask else None
    password = given or secrets.token_urlsafe(15)
    in_app(lambda: _create_admin(email, name, password))
    if given:
        click.echo(f"{email} can sign in.")
    else:
        click.echo(f"{email} can sign in with this password, shown once: {password}")


def _create_admin(email: str, name: str, password: str) -> None:
    from models.base import db
    from models.session import unit
    from portal.accounts import service
    from portal.accounts.actor import SYSTEM

    def work() -> None:
        now = utc_now()
        data = {"email": email, "name": name, "role": Role.ADMIN}
        _, secret = service.create_user(db.session(), SYSTEM, data, now)
        service.accept_invitation(db.session(), secret, password, now)

    unit(db.session(), work)


@click.command("create-key", cls=Told)
@click.option("--role", required=True, type=click.Choice(list(KEY_ROLES)))
@click.option("--partner", metavar="ID", help="The partner that a key of role partner acts for.")
@click.option("--name", required=True, help="What the key is for.")
def create_key(role: str, partner: str | None, name: str) -> None:
    """A key for the API."""
    secret = in_app(lambda: _create_key(KEY_ROLES[role], partner, name))
    click.echo(f"Key {name!r} for {role}, shown once: {secret}")


def _create_key(role: Role, partner_id: str | None, name: str) -> str:
    from models.base import db
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.accounts.keys import create_key as create

    def work() -> str:
        _, secret = create(db.session(), SYSTEM, name, role, partner_id, utc_now())
        return secret

    return unit(db.session(), work)
