"""Forms that staff fill in more than once: a reason, a reason with an end, a later due time."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, DateTimeLocalField, Field, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from portal.errors import Invalid
from portal.web.shell import zone
from portal.web.visitor import now

REASON = 1000
LAST_YEAR = 9000


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why: kept with the lead or in the partner's ledger."""

    reason = TextAreaField(
        "Reason",
        [DataRequired("Say why: it is kept."), Length(max=REASON, message=f"Use at most {REASON:,} characters.")],
    )


class UntilForm(ReasonForm):
    """Why, and until when: the whole of a day counts."""

    until = DateField("Last day", [InputRequired("Give the last day, such as 2026-03-20.")])

    def validate_until(self, field: Field) -> None:
        if field.data is not None and (field.data.year > LAST_YEAR or end_of_day(field.data) <= now()):
            raise ValidationError("Give today or a later day.")

    @property
    def ends(self) -> datetime:
        """The end of the last day in the reader's zone, in UTC."""
        return end_of_day(self.until.data or now().date())


class ExtendForm(ReasonForm):
    """Why, and the new due time in the reader's zone."""

    due_at = DateTimeLocalField(
        "New due time",
        [InputRequired("Give day and time, such as 2026-03-20 17:00.")],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"],
    )

    def validate_due_at(self, field: Field) -> None:
        if field.data is not None and (field.data.year > LAST_YEAR or instant(field.data) <= now()):
            raise ValidationError("Give a time later than now.")

    @property
    def due(self) -> datetime:
        """The new due instant, in UTC."""
        return instant(self.due_at.data or now().replace(tzinfo=None))


def said(field: Field) -> str:
    """What was typed into a field, stripped."""
    return str(field.data or "").strip()


def instant(local: datetime) -> datetime:
    """A time of the reader's zone as an instant in UTC."""
    return local.replace(tzinfo=ZoneInfo(zone())).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The midnight that ends a day in the reader's zone, in UTC."""
    return instant(datetime.combine(day + timedelta(days=1), time()))


def start_of_day(day: date) -> datetime:
    """The midnight that begins a day in the reader's zone, in UTC."""
    return instant(datetime.combine(day, time()))


def day_of(text: str | None) -> date | None:
    """A day from the address; None where it is not one."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day is not None and 1900 <= day.year <= LAST_YEAR else None


def with_errors(form: Any, errors: Iterable[tuple[str, str]], rename: dict[str, str] | None = None) -> Any:
    """Put a service's refusals on the form's fields; what names no field is told for the whole form."""
    for path, sentence in errors:
        name = (rename or {}).get(path, path)
        if name not in form:
            name = name.partition(".")[0]
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors = [*form.form_errors, sentence]
    return form


def refused_on(form: Any, refusal: Invalid, rename: dict[str, str] | None = None) -> Any:
    """``with_errors`` for a refusal."""
    return with_errors(form, refusal.errors, rename)
