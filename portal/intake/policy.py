"""What an enquiry must be to come in, and what is kept of it (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from portal.errors import Invalid
from portal.intake.facts import FIELDS, Errors, LeadFactsIn, Scalar, sentences
from portal.intake.normalise import company_domain, email_norm, phone_norm

__all__ = ["FIELDS", "IntakeError", "LeadFactsIn", "LeadIn", "check_received_at", "parse_lead", "sentences"]

EARLIEST_YEAR = 1990
#: How far a sender's clock may run ahead of ours.
CLOCK_SKEW = timedelta(minutes=5)
NO_CONTACT = "Give an e-mail address or a phone number."
NO_PHONE = "This is not a phone number: give it with its country code, such as +49 30 1234567."


class IntakeError(Invalid):
    """An enquiry that cannot be stored; ``errors`` are (field, sentence), fields as dotted paths."""


@dataclass(frozen=True, slots=True)
class LeadIn:
    """A lead that may be stored: the columns of ``lead`` that the enquiry decides. ``received_at`` is UTC."""

    received_at: datetime
    external_id: str | None = None
    email: str | None = None
    email_norm: str | None = None
    phone: str | None = None
    phone_norm: str | None = None
    phone_suspect: bool = False
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    company_domain: str | None = None
    country: str | None = None
    region: str | None = None
    postcode: str | None = None
    city: str | None = None
    product: str | None = None
    source: str | None = None
    campaign: str | None = None
    message: str | None = None
    employees: int | None = None
    budget: float | None = None
    language: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    custom: dict[str, Scalar] = field(default_factory=dict)


def parse_lead(data: Mapping[str, object] | LeadFactsIn, now: datetime, *, strict_country: bool = True) -> LeadIn:
    """The enquiry ``data`` (the contract's fields), received at ``now`` (aware) unless it says when.

    1. Each field for itself, as ``LeadFactsIn`` has it; the country by name too unless ``strict_country``.
    2. A contact is needed: an e-mail address or a phone number.
    3. An e-mail address must be one. A phone number must be one where it is the only contact; beside an
       e-mail address it is kept as it came and marked suspect.
    4. ``received_at`` as ``check_received_at`` has it.
    All that is wrong is told at once, as IntakeError.
    """
    facts, errors = _fields(data, strict_country)
    wrong = {path.partition(".")[0] for path, _ in errors}
    number, suspect = phone_norm(facts.phone, facts.country) if facts.phone else (None, False)
    errors += _contact_errors(facts, number, wrong)
    received_at = now
    try:
        received_at = check_received_at(facts.received_at, now)
    except ValueError as error:
        errors.append(("received_at", str(error)))
    if errors:
        raise IntakeError(errors)
    return LeadIn(
        **(facts.model_dump() | {"received_at": received_at}),
        email_norm=email_norm(facts.email) if facts.email else None,
        phone_norm=number,
        phone_suspect=suspect,
        company_domain=company_domain(facts.email) if facts.email else None,
    )


def _fields(data: Mapping[str, object] | LeadFactsIn, strict_country: bool) -> tuple[LeadFactsIn, Errors]:
    """The fields that are right, and what is wrong with the others."""
    if isinstance(data, LeadFactsIn):
        return data, []
    context = {"country_names": not strict_country}
    try:
        return LeadFactsIn.model_validate(data, context=context), []
    except ValidationError as error:
        places = [problem["loc"] for problem in error.errors(include_input=False)]
        if () in places:  # Not an object, or one whose names cannot be read: there are no other fields.
            raise IntakeError(sentences(error)) from None
        wrong = {place[0] for place in places}
        rest = {name: data[name] for name in FIELDS if name in data and name not in wrong}
        return LeadFactsIn.model_validate(rest, context=context), sentences(error)


def _contact_errors(facts: LeadFactsIn, number: str | None, wrong: set[str]) -> Errors:
    """Nothing is said of a phone number while the e-mail address or the country may be what is wrong."""
    if facts.email or "email" in wrong:
        return []
    if facts.phone is None:
        return [] if "phone" in wrong else [("email", NO_CONTACT)]
    return [("phone", NO_PHONE)] if number is None and "country" not in wrong else []


def check_received_at(received_at: datetime | None, now: datetime) -> datetime:
    """When the enquiry came in, in UTC; ``now`` where nothing is said.

    1. Not before 1990.
    2. Not more than 5 minutes after ``now``: a sender's clock may run ahead that far, and what it says then
       counts as ``now``.
    Raises ValueError with a sentence.
    """
    if received_at is None:
        return now.astimezone(UTC)
    if received_at.year < EARLIEST_YEAR:
        raise ValueError(f"This lies before {EARLIEST_YEAR}.")
    if received_at > now + CLOCK_SKEW:
        raise ValueError("This lies in the future.")
    return min(received_at, now).astimezone(UTC)
