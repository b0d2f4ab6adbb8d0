"""Passwords: what is asked of them, and their keeping as argon2id hashes (RFC 9106)."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.accounts.errors import AccountError

SHORTEST, LONGEST = 10, 200
_hasher = PasswordHasher()


def check_password(password: str, email: str) -> None:
    """Raises AccountError where ``password`` cannot be taken for the account of ``email``.

    1. At least 10 and at most 200 characters.
    2. Not the e-mail address, in whatever case.
    """
    if len(password) < SHORTEST:
        raise AccountError("password", f"Use at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise AccountError("password", f"Use at most {LONGEST} characters.")
    if password.strip().casefold() == email.strip().casefold():
        raise AccountError("password", "Use something other than the e-mail address.")


def hash_password(password: str) -> str:
    """What is stored; takes tens of milliseconds on purpose."""
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one stored.

    Without a stored one it takes as long, so that time tells nobody who has an account.
    """
    try:
        _hasher.verify(stored or _dummy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _dummy() -> str:
    return _hasher.hash("nobody has this password")
