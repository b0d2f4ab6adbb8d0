"""Forms about accounts and keys."""

from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length

from models.base import db
from models.partners import Partner
from portal.accounts.keys import ROLES
from portal.vocabulary import Role
from portal.web.partner.forms import options

NAME = [DataRequired("Give a name."), Length(max=200, message="Use at most 200 characters.")]


def partner_choices(none: str | None = None) -> list[SelectChoice]:
    """(id, name) of every partner; with ``none`` that first, for no partner."""
    found = db.session.execute(select(Partner.id, Partner.name).order_by(func.lower(Partner.name), Partner.id))
    return options([*([("", none)] if none else []), *((id_, name) for id_, name in found)])


class InviteForm(FlaskForm):  # type: ignore[misc]
    """Who is invited, as what, and for whom it acts."""

    email = StringField("E-mail address", [DataRequired("Give an e-mail address."), Length(max=254)])
    name = StringField("Name", NAME)
    role = SelectField(
        "Role", choices=options((role.value, role.label) for role in Role), default=Role.CHANNEL_MANAGER.value
    )
    partner_id = SelectField("Belongs to", default="")
    timezone = StringField("Time zone")
    portfolio = SelectMultipleField("Sees these partners only")

    def account(self) -> dict[str, Any]:
        """What was said, as the service takes it."""
        zone = (self.timezone.data or "").strip()
        return {
            "email": self.email.data,
            "name": self.name.data,
            "role": self.role.data,
            "partner_id": self.partner_id.data or None,
            "portfolio": self.portfolio.data or [],
            **({"timezone": zone} if zone else {}),
        }


class PortfolioForm(FlaskForm):  # type: ignore[misc]
    """Which partners a channel manager sees."""

    portfolio = SelectMultipleField("Partners")


class KeyForm(FlaskForm):  # type: ignore[misc]
    """What a key is for, and for whom it acts."""

    key_name = StringField("What is the key for?", [DataRequired("Say what the key is for."), Length(max=200)])
    role = SelectField(
        "Acts as", choices=options((role.value, role.label) for role in ROLES), default=Role.MARKETER.value
    )
    partner_id = SelectField("Of", default="")


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """Nothing but the token: the effect was read."""
