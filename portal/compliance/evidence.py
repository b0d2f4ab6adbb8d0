"""The file that goes with an appeal: what kind it is by its content, and what it may be called. Pure."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

LARGEST = 5_000_000
#: By the name's ending: what it is handed out as, and what its content must be.
PDF, PNG, JPEG, EMAIL = "application/pdf", "image/png", "image/jpeg", "message/rfc822"
TEXT, CSV = "text/plain; charset=utf-8", "text/csv; charset=utf-8"
HEADER = re.compile(r"\A(?:From .*\r?\n)?[!-9;-~]+:[ \t]?.*(?:\r?\n[ \t].*)*\r?\n")
UNSAFE = re.compile(r"[^\w .()+-]")
KINDS = "PDF, PNG, JPG, TXT, CSV or EML"


def _is_pdf(content: bytes) -> bool:
    return b"%PDF-" in content[:1024]


def _is_png(content: bytes) -> bool:
    return content.startswith(b"\x89PNG\r\n\x1a\n")


def _is_jpeg(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8\xff")


def _is_text(content: bytes) -> bool:
    """Text in UTF-8 without the characters that no text has."""
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not any(ord(c) < 32 and c not in "\t\n\r\f" for c in words)


def _is_email(content: bytes) -> bool:
    """Begins with header lines (RFC 5322), without NUL."""
    return b"\0" not in content and HEADER.match(content[:4096].decode("latin-1")) is not None


TYPES: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "pdf": (PDF, _is_pdf), "png": (PNG, _is_png), "jpg": (JPEG, _is_jpeg), "jpeg": (JPEG, _is_jpeg),
    "txt": (TEXT, _is_text), "csv": (CSV, _is_text), "eml": (EMAIL, _is_email),
}  # fmt: skip


def media_type(name: str, content: bytes) -> str:
    """What a file is. Raises ValueError with the sentence where it cannot be taken.

    1. Not empty, and at most 5 MB. 2. Its name ends as one of the kinds. 3. Its content is of that kind.
    """
    known = TYPES.get(name.rpartition(".")[2].lower())
    if known is None:
        raise ValueError(f"Choose a {KINDS} file.")
    if not content:
        raise ValueError("This file is empty.")
    if len(content) > LARGEST:
        raise ValueError("Choose a file of at most 5 MB.")
    kind, fits = known
    if not fits(content):
        raise ValueError(f"This is no {name.rpartition('.')[2].upper()} file inside, whatever its name says.")
    return kind


def safe_name(name: str) -> str:
    """The last part of a file's name, of letters, digits and a few signs, at most 120 characters; ending kept."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = UNSAFE.sub("_", last).strip(". ") or "file"
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:110]}{dot}{ending[:9]}" if dot else plain[:120]
