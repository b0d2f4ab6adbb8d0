"""A lead typed in by hand, and a file of leads."""

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import Field, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

LINES = (
    ("email", "E-mail"), ("phone", "Phone"), ("first_name", "First name"), ("last_name", "Last name"), ("company", "Company"),
    ("country", "Country"), ("region", "Region"), ("postcode", "Postcode"), ("city", "City"), ("product", "Product"),
    ("source", "Source"), ("campaign", "Campaign"), ("language", "Language"), ("external_id", "Your own id"),
)  # fmt: skip


class LeadForm(FlaskForm):  # type: ignore[misc]
    """The facts of one enquiry; what each may be is checked where every lead is."""

    email, phone, first_name, last_name, company, country, region, postcode, city, product, source, campaign, language, external_id = (
        StringField(label) for _, label in LINES
    )
    message = TextAreaField("What it asks")
    employees = IntegerField("People", [Optional()])

    def facts(self) -> dict[str, Any]:
        """What was typed, as an enquiry that is sent."""
        given = {name: (self[name].data or "").strip() for name, _ in (*LINES, ("message", ""))}
        found: dict[str, Any] = {name: text for name, text in given.items() if text}
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
            raise ValidationError(f"Write one a line as column = field, such as Firma = company. Look at: {wrong[0][:100]}")

    def columns(self) -> dict[str, str]:
        """Column of the file to field of a lead."""
        pairs = (line.rpartition("=") for line in _lines(self.mapping.data) if "=" in line)
        return {column.strip(): field.strip() for column, _, field in pairs}


def _lines(text: str | None) -> list[str]:
    return [stripped for line in (text or "").splitlines() if (stripped := line.strip())]
