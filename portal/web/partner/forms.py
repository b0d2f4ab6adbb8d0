"""What a partner fills in about a lead: answer, touch, feedback, deal. Nothing is preselected that would be a claim."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pycountry
from flask_wtf import FlaskForm
from wtforms import DateField, Field, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import AnyOf, InputRequired, Length, Optional, Regexp, ValidationError

from portal.calendars.policy import Clock, Span, Unit, add_span
from portal.deadlines.service import calendar_of
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Touch, Verdict
from portal.vocabulary import ActivityKind, ActivityOutcome, DealStage, DeclineReason, Disposition
from portal.web.shell import when
from portal.web.visitor import now, visitor

LINE, NOTE = 200, 10_000
STEPS = (1, 2, 5, 10)
OBJECTIONS = 20
RATINGS = tuple("12345")
RATE, STANDS = "Rate the lead from 1 to 5.", "Say where it stands."
WHEN_DUE = "due"
#: Outcomes after which somebody was heard, and the lead can be judged.
HEARD = (ActivityOutcome.REACHED.value, ActivityOutcome.REPLIED.value)
AMOUNT = r"\d{1,12}([.,]\d{1,2})?"


def said(text: str | None) -> str | None:
    """What was typed, stripped; None where that is nothing."""
    return (text or "").strip() or None


def line(label: str) -> StringField:
    """An optional line of text."""
    return StringField(label, [Optional(), Length(max=LINE, message=f"Use at most {LINE} characters.")])


def note(label: str) -> TextAreaField:
    """An optional longer text."""
    return TextAreaField(label, [Optional(), Length(max=NOTE, message=f"Use at most {NOTE:,} characters.")])


def options(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """(value, label) pairs as a field's choices."""
    return [SelectChoice(value, label) for value, label in pairs]


def choice(label: str, words: Iterable[Any], sentence: str) -> RadioField:
    """One of the vocabulary's words, none chosen beforehand."""
    listed = list(words)
    return RadioField(
        label,
        [AnyOf([word.value for word in listed], sentence)],
        choices=options((word.value, word.label) for word in listed),
        validate_choice=False,
    )


class DeclineForm(FlaskForm):  # type: ignore[misc]
    reason = choice("Why not?", DeclineReason, "Say why you decline: it helps the next lead fit.")
    note = line("Note")


class TouchForm(FlaskForm):  # type: ignore[misc]
    """Kind, outcome, save: three clicks. A note has no outcome of its own; who was reached may be judged at once."""

    kind = choice("What did you do?", ActivityKind, "Say what you did.")
    outcome = choice("How did it go?", ActivityOutcome, "Say how it went.")
    next_step = SelectField("Next step", default="0", choices=lambda: next_steps())  # noqa: PLW0108 - defined below
    note = StringField("Note", [Optional(), Length(max=NOTE, message=f"Use at most {NOTE:,} characters.")])
    rating = RadioField("How good is this lead?", choices=options((n, n) for n in RATINGS), validate_choice=False)
    disposition = RadioField(
        "Where does it stand?", choices=options((word.value, word.label) for word in Disposition), validate_choice=False
    )
    due_at: datetime | None = None
    asks_feedback = False

    def suggest(self, due_at: datetime | None, *, asks_feedback: bool) -> None:
        """Put the policy's next touch first among the next steps, chosen on a new form; offer feedback where owed."""
        self.due_at, self.asks_feedback = due_at, asks_feedback
        if due_at is not None:
            self.next_step.choices = [SelectChoice(WHEN_DUE, f"When due: {when(due_at)}"), *next_steps()]
            if not self.is_submitted():
                self.next_step.data = WHEN_DUE

    def validate_on_submit(self, *args: Any, **more: Any) -> bool:
        if self.is_submitted() and self.kind.data == ActivityKind.NOTE and not self.outcome.data:
            self.outcome.data = ActivityOutcome.OTHER.value
        return bool(super().validate_on_submit(*args, **more))

    def validate_rating(self, field: Field) -> None:
        if self.judges and field.data not in RATINGS:
            raise ValidationError(RATE)

    def validate_disposition(self, field: Field) -> None:
        if self.judges and field.data not in set(Disposition):
            raise ValidationError(STANDS)

    @property
    def judges(self) -> bool:
        """Whether feedback is given along with the touch: only who was heard can be judged."""
        return self.outcome.data in HEARD and bool(self.rating.data or self.disposition.data)

    def touch(self) -> Touch:
        """What was said, as the service takes it."""
        return Touch(
            kind=ActivityKind(self.kind.data),
            outcome=ActivityOutcome(self.outcome.data),
            note=said(self.note.data),
            next_step_at=self._next_step_at(),
        )

    def _next_step_at(self) -> datetime | None:
        chosen = self.next_step.data or "0"
        return self.due_at if chosen == WHEN_DUE else in_business_days(int(chosen)) if int(chosen) else None

    def verdict(self) -> Verdict | None:
        """The feedback given along; None where there is none."""
        if not self.judges:
            return None
        return Verdict(rating=int(self.rating.data), disposition=Disposition(self.disposition.data))


def in_business_days(days: int) -> datetime | None:
    """The end of the partner's business day that many days from now."""
    partner = visitor().organisation
    return add_span(calendar_of(partner), now(), Span(days, Unit.DAYS, Clock.BUSINESS)) if partner else None


def next_steps() -> list[SelectChoice]:
    """The choices of a next step, each with its day."""
    dated = [(str(days), f"By {when(in_business_days(days))}") for days in STEPS]
    return options([("0", "None planned"), *dated])


class FeedbackForm(FlaskForm):  # type: ignore[misc]
    rating = RadioField(
        "How good was this lead?",
        [AnyOf(RATINGS, RATE)],
        choices=options((n, n) for n in RATINGS),
        validate_choice=False,
    )
    disposition = choice("Where does it stand?", Disposition, STANDS)
    reason = line("Reason")
    objections = TextAreaField("Objections or questions heard", [Optional()])
    competitor = line("Competitor met")
    note = note("Note")

    def validate_objections(self, field: Field) -> None:
        heard = lines_of(field.data)
        if len(heard) > OBJECTIONS:
            raise ValidationError(f"Give at most {OBJECTIONS} objections, one a line.")
        if any(len(objection) > LINE for objection in heard):
            raise ValidationError(f"Use at most {LINE} characters a line.")

    def verdict(self) -> Verdict:
        """What was said, as the service takes it."""
        return Verdict(
            rating=int(self.rating.data),
            disposition=Disposition(self.disposition.data),
            reason=said(self.reason.data),
            objections=lines_of(self.objections.data),
            competitor=said(self.competitor.data),
            note=said(self.note.data),
        )


def lines_of(text: str | None) -> list[str]:
    """The lines of a text that say something."""
    return [stripped for each in (text or "").splitlines() if (stripped := each.strip())]


class DealForm(FlaskForm):  # type: ignore[misc]
    name = line("What is the deal?")
    stage = SelectField("Stage", choices=options((stage.value, stage.label) for stage in DealStage))
    amount = StringField(
        "Amount",
        [
            InputRequired("Give the amount, 0 if you do not know it yet."),
            Regexp(f"^{AMOUNT}$", message="Write the amount in digits, such as 48000 or 48000.50."),
        ],
    )
    currency = StringField("Currency", [InputRequired("Give the currency by its three letters, such as EUR.")])
    expected_close = DateField("Expected close", [Optional()])
    lost_reason = line("Why was it lost?")

    def validate_currency(self, field: Field) -> None:
        if pycountry.currencies.get(alpha_3=str(field.data).strip().upper()) is None:
            raise ValidationError("Give the currency by its three letters, such as EUR.")

    def deal(self) -> DealFacts:
        """What was said, as the service takes it."""
        return DealFacts(
            name=said(self.name.data),
            stage=DealStage(self.stage.data),
            amount_cents=cents(self.amount.data or ""),
            currency=(self.currency.data or "").strip().upper(),
            lost_reason=said(self.lost_reason.data),
            expected_close=self.expected_close.data.isoformat() if self.expected_close.data else None,
        )


def cents(text: str) -> int:
    """An amount as typed ("48000", "48000.5", "48000,50") in hundredths."""
    whole, _, part = re.sub(",", ".", text.strip()).partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)
