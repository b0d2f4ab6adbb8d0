"""What people type about an account, checked and put into the form that is stored."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from portal.accounts.errors import AccountError
from portal.vocabulary import Role

LONGEST = 200


def email_of(text: object) -> str:
    """The address as stored and compared: international domain, lower case. No mail server is asked.

    Raises AccountError. Addresses inside a company's own network (no dot in the domain) are taken.
    """
    try:
        found = validate_email(
            str(text or "").strip(), check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise AccountError("email", "This is not an e-mail address.") from error
    return found.normalized.lower()


def name_of(text: object, field: str = "name") -> str:
    """One line of 1 to 200 characters without control characters; raises AccountError."""
    name = str(text or "").strip()
    if not name:
        raise AccountError(field, "Give a name.")
    if len(name) > LONGEST:
        raise AccountError(field, f"Use at most {LONGEST} characters.")
    if not name.isprintable():
        raise AccountError(field, "Use one line of plain text.")
    return name


def role_of(value: object, allowed: tuple[Role, ...]) -> Role:
    """The role named; raises AccountError where it is none of ``allowed``."""
    if value not in allowed:
        raise AccountError("role", f"Use one of {', '.join(role.value for role in allowed)}.")
    return Role(str(value))


def timezone_of(data: Mapping[str, object], otherwise: str) -> str:
    """The IANA zone in ``data``, or ``otherwise``; raises AccountError where there is no such zone."""
    name = str(data.get("timezone") or otherwise)
    try:
        ZoneInfo(name)
    except (ValueError, OSError) as error:
        raise AccountError("timezone", "Use a time zone such as Europe/Berlin.") from error
    return name
