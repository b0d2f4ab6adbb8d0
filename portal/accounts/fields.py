"""What people type about an account, checked and put into the form that is stored."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from portal.accounts.errors import AccountError
from portal.vocabulary import Role

LONGEST = 200


def email_of(text: object) -> str:
    """The address as stored and compared: lower case, the domain as people write it. Asks no mail server.

    Raises AccountError. Domains for tests (.test) and names without a dot are taken; those that RFC 6761
    keeps from mail (.localhost, .invalid, .local) are not.
    """
    given = str(text or "").strip()
    try:
        found = validate_email(given, check_deliverability=False, globally_deliverable=False, test_environment=True)
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
    except (KeyError, ValueError, OSError) as error:
        raise AccountError("timezone", "Use a time zone such as Europe/Berlin.") from error
    return name
