"""A partner's settings as a form: everything that CONTRACT's partner has, lists one a line."""

from collections.abc import Mapping
from typing import Any

import pycountry
from wtforms import BooleanField, Field, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from models.partners import Partner
from portal.calendars import public_holidays
from portal.errors import Invalid
from portal.web.partner.hours import HoursForm, filled, holiday_countries

OWN = "own"
LISTS = ("territories", "products", "tags")
TERRITORY = "Write a country, then a region or a dash, then how postcodes begin: DE, DE BY, DE - 80."
CAP = "Give a whole number, or leave it empty."
PRODUCT_CAP = "Write a product and how many of its leads may be open: Backup = 3."


def holiday_choices() -> list[SelectChoice]:
    """Those of the partner's own country first."""
    return [SelectChoice(OWN, "Those of its country"), *holiday_countries()]


class PartnerForm(HoursForm):
    """What the vendor sets of a partner, with the hours that the partner may change itself."""

    name = StringField("Name", [InputRequired("Give the partner a name.")])
    tier = StringField("Tier", default="standard")
    weight = IntegerField(
        "Weight",
        [InputRequired("Give a weight."), NumberRange(1, 100, "Give a whole number from 1 to 100.")],
        default=1,
    )
    timezone = StringField("Time zone", [InputRequired("Give a time zone such as Europe/Berlin.")])
    country = StringField("Country", [InputRequired("Give the country by its two letters, such as DE.")])
    postcode = StringField("Postcode", [Length(max=16, message="Use at most 16 characters.")])
    territories = TextAreaField("Territories")
    products = TextAreaField("Certified for")
    tags = TextAreaField("Tags")
    open_lead_cap = IntegerField(
        "Open leads at most",
        [InputRequired("Give how many leads may be open."), NumberRange(0, 100_000, CAP)],
        default=10,
    )
    daily_cap = IntegerField("A day at most", [Optional(), NumberRange(1, 100_000, CAP)])
    weekly_cap = IntegerField("A week at most", [Optional(), NumberRange(1, 100_000, CAP)])
    product_caps = TextAreaField("Open leads of one product at most")
    active = BooleanField("Active", default=True)
    holiday_country = SelectField("Public holidays", choices=holiday_choices, default=OWN)
    early_leads = BooleanField("Offer it early leads as well")
    mon, tue, wed, thu, fri = (
        StringField(label, default="09:00-17:00") for label in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    )

    def validate_territories(self, field: Field) -> None:
        territories_of(field.data)

    def validate_product_caps(self, field: Field) -> None:
        product_caps_of(field.data)

    def values(self) -> dict[str, Any]:
        """What was said, by the names of the API. Raises Invalid where hours cannot be read."""
        country = (self.country.data or "").strip().upper()
        return {
            **self.settings(),
            "holidays": self._chosen_holidays(country),
            "name": (self.name.data or "").strip(),
            "tier": (self.tier.data or "").strip() or "standard",
            "weight": self.weight.data,
            "timezone": (self.timezone.data or "").strip(),
            "country": country,
            "postcode": (self.postcode.data or "").strip() or None,
            "territories": territories_of(self.territories.data),
            "products": lines_of(self.products.data),
            "tags": lines_of(self.tags.data),
            "open_lead_cap": self.open_lead_cap.data,
            "daily_cap": self.daily_cap.data,
            "weekly_cap": self.weekly_cap.data,
            "product_caps": product_caps_of(self.product_caps.data),
            "active": bool(self.active.data),
        }

    def _chosen_holidays(self, own: str) -> dict[str, str] | None:
        part = (self.holiday_part.data or "").strip().upper()
        country = own if self.holiday_country.data == OWN else self.holiday_country.data
        if not country or (self.holiday_country.data == OWN and not public_holidays.is_known(own) and not part):
            return None
        return {"country": country, "subdivision": part} if part else {"country": country}


def lines_of(text: str | None) -> list[str]:
    """The lines that say something."""
    return [stripped for line in (text or "").splitlines() if (stripped := line.strip())]


def territories_of(text: str | None) -> list[dict[str, str]]:
    """A territory a line. Raises ValidationError with the sentence."""
    return [_territory(line) for line in lines_of(text)]


def _territory(line: str) -> dict[str, str]:
    """ "DE", "DE BY", "DE - 80", "DE BY 80"; with commas a region may have several words: "DE, North Sea, 26"."""
    country, *rest = _parts(line)
    if len(country) != 2 or pycountry.countries.get(alpha_2=country.upper()) is None:
        raise ValidationError(f"This line cannot be read: {line[:60]}. {TERRITORY}")
    region, prefix = [*rest, "", ""][:2]
    found = {"country": country.upper(), "region": region if region != "-" else "", "postcode_prefix": prefix}
    return {name: value for name, value in found.items() if value}


def _parts(line: str) -> list[str]:
    """Country, region, postcode prefix."""
    if "," in line:
        country, _, rest = line.partition(",")
        region, comma, prefix = rest.rpartition(",")
        return [part.strip() for part in ((country, region, prefix) if comma else (country, rest))]
    country, *words = line.split()
    if len(words) > 1 and (words[0] == "-" or any(letter.isdigit() for letter in words[-1])):
        return [country, " ".join(words[:-1]), words[-1]] if words[0] != "-" else [country, "-", " ".join(words[1:])]
    return [country, " ".join(words)]


def territory_text(territory: Mapping[str, str]) -> str:
    """The inverse of a line."""
    country, region, prefix = territory["country"], territory.get("region", ""), territory.get("postcode_prefix", "")
    if any(letter.isdigit() or letter in ", " for letter in region) or (" " in prefix and region):
        return f"{country}, {region}, {prefix}" if prefix or "," in region else f"{country}, {region}"
    if prefix:
        return f"{country} {region or '-'} {prefix}"
    return f"{country} {region}".strip()


def product_caps_of(text: str | None) -> dict[str, int]:
    """ "Backup = 3", a product a line. Raises ValidationError with the sentence."""
    found: dict[str, int] = {}
    for line in lines_of(text):
        product, _, most = (part.strip() for part in line.rpartition("="))
        if not product or not most.isdecimal() or len(most) > 6:
            raise ValidationError(f"This line cannot be read: {line[:60]}. {PRODUCT_CAP}")
        if product.casefold() in map(str.casefold, found):
            raise ValidationError(f"Name each product once: {product[:60]} is there twice.")
        found[product] = int(most)
    return found


def form_of(partner: Partner) -> PartnerForm:
    """The form with the partner's settings as they are."""
    hours = {name: value for name, value in filled(partner).data.items() if name != "csrf_token"}
    plain = (
        "name", "tier", "weight", "timezone", "country", "postcode", "open_lead_cap", "daily_cap", "weekly_cap",
        "active",
    )  # fmt: skip
    return PartnerForm(
        formdata=None,
        **hours,
        **{name: getattr(partner, name) for name in plain},
        territories="\n".join(territory_text(t) for t in partner.territories),
        products="\n".join(partner.products),
        tags="\n".join(partner.tags),
        product_caps="\n".join(f"{product} = {most}" for product, most in sorted(partner.product_caps.items())),
    )


def changed(columns: Mapping[str, Any], partner: Partner) -> dict[str, Any]:
    """Those of the columns that differ from what is set."""
    return {name: value for name, value in columns.items() if getattr(partner, name) != value}


def checked(form: PartnerForm) -> dict[str, Any] | None:
    """The form's values; None where it has errors, which are then on its fields."""
    from portal.web.partner.hours import field_of
    from portal.web.staff.forms import with_errors

    if not form.validate_on_submit():
        return None
    try:
        return form.values()
    except Invalid as refusal:
        with_errors(form, [(field_of(name), sentence) for name, sentence in refusal.errors])
        return None
