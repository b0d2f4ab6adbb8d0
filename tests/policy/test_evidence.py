"""The file of an appeal: kinds by name and by content, sizes, names; and who may appeal against what."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.compliance.appealable import APPEAL_WITHIN, may_file, why_not
from portal.compliance.evidence import LARGEST, media_type, safe_name
from portal.vocabulary import AppealKind, ObligationState, Role

PNG, JPEG = b"\x89PNG\r\n\x1a\n rest", b"\xff\xd8\xff\xe0 rest"
DUE = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", b"%PDF-1.7 ...", "application/pdf"),
        ("a.PNG", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("a.txt", "Grüße".encode(), "text/plain; charset=utf-8"),
        ("a.csv", b"a;b\r\n1;2", "text/csv; charset=utf-8"),
        ("a.eml", b"Received: from x\r\n by y\r\nSubject: Hello\r\n\r\nBody", "message/rfc822"),
        ("a.eml", b"From someone Mon Mar 2\nSubject: Hello\n\nBody", "message/rfc822"),
    ],
)
def test_kinds_that_are_taken(name: str, content: bytes, expected: str) -> None:
    assert media_type(name, content) == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.exe", b"MZ", "Choose a PDF"),
        ("a.html", b"<script>", "Choose a PDF"),
        ("a.svg", b"<svg>", "Choose a PDF"),
        ("noending", b"%PDF-", "Choose a PDF"),
        ("a.pdf", b"", "empty"),
        ("a.pdf", b"<html>", "no PDF file inside"),
        ("a.png", JPEG, "no PNG file inside"),
        ("a.jpg", PNG, "no JPG file inside"),
        ("a.txt", b"a\0b", "no TXT file inside"),
        ("a.csv", b"\xff\xfe\x00", "no CSV file inside"),
        ("a.eml", b"<html>not a mail</html>", "no EML file inside"),
        ("a.txt", b"x" * (LARGEST + 1), "at most 5 MB"),
    ],
)
def test_what_is_not_taken_is_told(name: str, content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        media_type(name, content)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\fakepath\\our mail.eml", "our mail.eml"),
        ('a"b\r\nX: y.pdf', "a_b__X_ y.pdf"),
        ("Beleg März (2).pdf", "Beleg März (2).pdf"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 110 + ".pdf"),
    ],
)
def test_names_carry_nothing_but_a_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize("kind", AppealKind)
@pytest.mark.parametrize("state", ObligationState)
def test_against_what_something_can_be_said(kind: AppealKind, state: ObligationState) -> None:
    fits = state in (ObligationState.BREACHED, ObligationState.CURED) or (
        state is ObligationState.OPEN and kind is not AppealKind.APPEAL
    )
    assert (why_not(kind, state, DUE, DUE + timedelta(days=1)) is None) is fits


def test_a_month_after_it_was_due_it_is_too_late() -> None:
    assert why_not(AppealKind.APPEAL, ObligationState.BREACHED, DUE, DUE + APPEAL_WITHIN) is None
    late = why_not(AppealKind.APPEAL, ObligationState.BREACHED, DUE, DUE + APPEAL_WITHIN + timedelta(seconds=1))
    assert late is not None and "30 days" in late


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", AppealKind)
def test_who_may_say_it(kind: AppealKind, role: Role) -> None:
    fits = role is Role.PARTNER_ADMIN or (role is Role.PARTNER_REP and kind is not AppealKind.APPEAL)
    assert may_file(kind, role) is fits
