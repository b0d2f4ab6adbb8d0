"""A lead typed in by hand, and a file of leads."""

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import Field, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from portal.intake.policy import FIELDS


class LeadForm(FlaskForm):  # type: ignore[misc]
    """The facts of one enquiry; what each may be is checked where every lead is."""

    email = StringField("E-mail")
    phone = StringField("Phone")
    first_name = StringField("First name")
    last_name = StringField("Last name")
    company = StringField("Company")
    country = StringField("Country")
    region = StringField("Region")
    postcode = StringField("Postcode")
    city = StringField("City")
    product = StringField("Product")
    source = StringField("Source")
    campaign = StringField("Campaign")
    language = StringField("Language")
    external_id = StringField("Your own id")
    message = TextAreaField("What it asks")
    employees = IntegerField("People", [Optional()])

    def facts(self) -> dict[str, Any]:
        """What was typed, as an enquiry that is sent."""
        typed = {f.name: f.data.strip() for f in self if isinstance(f, StringField) and f.data}
        found: dict[str, Any] = {name: text for name, text in typed.items() if text and name in FIELDS}
        if country := found.get("country"):
            found["country"] = country.upper() if len(country) == 2 else country
        return {**found, "employees": self.employees.data} if self.employees.data is not None else found


class ImportForm(FlaskForm):  # type: ignore[misc]
    """A file and, where its columns have other names, which they are."""

    file = FileField("CSV or XLSX file", [FileRequired("Choose a file.")])
    mapping = TextAreaField("Columns that have other names")

    def validate_mapping(self, field: Field) -> None:
        wrong = [line for line in _lines(field.data) if "=" not in line]
        if wrong:
            raise ValidationError(f"Write one a line, such as Firma = company. Look at: {wrong[0][:100]}")

    def columns(self) -> dict[str, str]:
        """Column of the file to field of a lead."""
        pairs = (line.rpartition("=") for line in _lines(self.mapping.data) if "=" in line)
        return {column.strip(): field.strip() for column, _, field in pairs}


def _lines(text: str | None) -> list[str]:
    return [stripped for line in (text or "").splitlines() if (stripped := line.strip())]
