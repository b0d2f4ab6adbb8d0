"""A partner's own settings as a form: opening hours as text, closures a line each, holidays, quiet periods."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pycountry
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import NumberRange, Optional, ValidationError

from models.partners import Partner
from portal.calendars import public_holidays
from portal.calendars.hours import DAY_NAMES, DAYS
from portal.errors import Invalid
from portal.web.partner.forms import options

INTERVAL = re.compile(r"\s*(\d{1,2}[:.]\d{2})\s*[-–]\s*(\d{1,2}[:.]\d{2})\s*")
CLOSURE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*(?:to|-|–)\s*(\d{4}-\d\d-\d\d))?(?:\s+(\S.*))?")
OFFICE = [["09:00", "17:00"]]
HOURS = "Write hours such as 09:00-12:30, 13:30-18:00; leave it empty where you are closed."
CLOSURES = "Write a line such as 2026-12-24 to 2026-12-31 Holidays."
QUIET = ("month_end", "quarter_end")
NEVER = "Give a number of days from 1 to 15, or leave it empty."


def holiday_countries() -> list[SelectChoice]:
    """None, then every country whose public holidays are known, by name."""
    known = [(c.alpha_2, c.name) for c in pycountry.countries if public_holidays.is_known(c.alpha_2)]
    return options([("", "None observed"), *sorted(known, key=lambda pair: pair[1])])


class WeekForm(FlaskForm):  # type: ignore[misc]
    """Hours, closures, holidays and quiet periods, of whoever has them."""

    mon = StringField(DAY_NAMES[0])
    tue = StringField(DAY_NAMES[1])
    wed = StringField(DAY_NAMES[2])
    thu = StringField(DAY_NAMES[3])
    fri = StringField(DAY_NAMES[4])
    sat = StringField(DAY_NAMES[5])
    sun = StringField(DAY_NAMES[6])
    closures = TextAreaField("Closures")
    holiday_country = SelectField("Public holidays", choices=holiday_countries)
    holiday_part = StringField("State or province")
    month_end = IntegerField("Days before the end of a month", [Optional(), NumberRange(1, 15, NEVER)])
    quarter_end = IntegerField("Days before the end of a quarter", [Optional(), NumberRange(1, 15, NEVER)])

    def days(self) -> list[Field]:
        """The fields of the week, Monday first."""
        return [self[day] for day in DAYS]

    def validate_closures(self, field: Field) -> None:
        closures_of(field.data)

    def validate_holiday_part(self, field: Field) -> None:
        if (field.data or "").strip() and not self.holiday_country.data:
            raise ValidationError("Choose the country that this is a part of.")

    def settings(self) -> dict[str, Any]:
        """What was said, by the names of the API. Raises Invalid where hours cannot be read."""
        wrong: list[tuple[str, str]] = []
        week: dict[str, list[list[str]]] = {}
        for day in DAYS:
            try:
                week[day] = intervals_of(self[day].data)
            except ValueError as error:
                wrong.append((day, str(error)))
        if wrong:
            raise Invalid(wrong)
        return {
            "opening_hours": week,
            "closures": closures_of(self.closures.data),
            "holidays": self._holidays(),
            "quiet_periods": [{"kind": kind, "days": self[kind].data} for kind in QUIET if self[kind].data],
        }

    def _holidays(self) -> dict[str, str] | None:
        country, part = self.holiday_country.data, (self.holiday_part.data or "").strip().upper()
        if not country:
            return None
        return {"country": country, "subdivision": part} if part else {"country": country}


class HoursForm(WeekForm):
    """What a partner sets of itself."""

    early_leads = BooleanField("Offer us early leads as well")

    def settings(self) -> dict[str, Any]:
        """What was said, by the names of the API. Raises Invalid where hours cannot be read."""
        return {**super().settings(), "wants_early_leads": bool(self.early_leads.data)}


def intervals_of(text: str | None) -> list[list[str]]:
    """ "09:00-12:30, 13:30-18:00" as intervals; nothing where it is closed. Raises ValueError with the sentence."""
    found = []
    for part in filter(str.strip, (text or "").split(",")):
        match = INTERVAL.fullmatch(part)
        if match is None:
            raise ValueError(HOURS)
        found.append([match[1].replace(".", ":").zfill(5), match[2].replace(".", ":").zfill(5)])
    return found


def closures_of(text: str | None) -> list[dict[str, str]]:
    """A closure a line: a day or two days, then a note. Raises ValidationError with the sentence."""
    found = []
    for line in filter(None, map(str.strip, (text or "").splitlines())):
        match = CLOSURE.fullmatch(line)
        if match is None:
            raise ValidationError(f"This line cannot be read: {line[:60]}. {CLOSURES}")
        closure = {"from": match[1], "to": match[2] or match[1]}
        found.append({**closure, "note": match[3]} if match[3] else closure)
    return found


def filled(partner: Partner) -> HoursForm:
    """The form with the partner's settings as they are."""
    shown = typed(partner.hours, holidays_of(partner), partner.quiet_periods)
    return HoursForm(formdata=None, **shown, early_leads=partner.wants_early_leads)


def typed(
    hours: Mapping[str, Any], holidays: Mapping[str, str], quiet_periods: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Hours as they are set, as the fields of a ``WeekForm`` show them."""
    quiet = {period["kind"]: period["days"] for period in quiet_periods}
    return {
        **{day: text_of(intervals) for day, intervals in week_of(hours).items()},
        "closures": "\n".join(closure_text(closure) for closure in hours.get("closures") or []),
        "holiday_country": holidays.get("country", ""),
        "holiday_part": holidays.get("subdivision", ""),
        "month_end": quiet.get("month_end"),
        "quarter_end": quiet.get("quarter_end"),
    }


def week_of(hours: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """The intervals of every day: as set, or Monday to Friday 09:00-17:00 where nothing was said."""
    week = hours.get("opening_hours")
    if week is None:
        week = dict.fromkeys(DAYS[:5], OFFICE)
    return {day: week.get(day) or [] for day in DAYS}


def holidays_of(partner: Partner) -> Mapping[str, str]:
    """Which public holidays are observed: what was set, or those of the partner's country where they are known."""
    if "holidays" in partner.hours:
        return partner.hours["holidays"] or {}
    return {"country": partner.country} if public_holidays.is_known(partner.country) else {}


def text_of(intervals: list[list[str]]) -> str:
    """The inverse of ``intervals_of``."""
    return ", ".join(f"{opens}-{closes}" for opens, closes in intervals)


def closure_text(closure: Mapping[str, str]) -> str:
    """The inverse of a line of ``closures_of``."""
    days = closure["from"] if closure["from"] == closure["to"] else f"{closure['from']} to {closure['to']}"
    return f"{days} {closure['note']}" if closure.get("note") else days


def field_of(name: str) -> str:
    """The form's field for a dotted name of the API: "opening_hours.tue.0" is Tuesday's."""
    head, *rest = name.split(".")
    if head == "opening_hours":
        return rest[0] if rest else DAYS[0]
    named = {
        "holidays": "holiday_country",
        "holidays.country": "holiday_country",
        "holidays.subdivision": "holiday_part",
    }
    return named.get(
        name, "early_leads" if head == "wants_early_leads" else "month_end" if head == "quiet_periods" else head
    )
