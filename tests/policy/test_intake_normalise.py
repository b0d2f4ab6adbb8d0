"""One spelling for each e-mail, phone, country, language and text; and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.intake.normalise import (
    clean_block,
    clean_line,
    company_domain,
    country_code,
    email_norm,
    language_tag,
    phone_norm,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  Acme  GmbH ", "Acme  GmbH"),
        ("\u00a0Acme\u00a0", "Acme"),
        ("Mu\u0308ller", "M\u00fcller"),
        ("Acme\n", "Acme"),
        ("", ""),
        ("\u0645\u0631\u062d\u0628\u0627 \U0001f600", "\u0645\u0631\u062d\u0628\u0627 \U0001f600"),
    ],
)
def test_a_line_is_stripped_and_composed(text: str, kept: str) -> None:
    assert clean_line(text) == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\0b", "NUL character: remove it"),
        ("a\0", "NUL character: remove it"),
        ("a\nb", "on one line"),
        ("a\rb", "on one line"),
        ("a\u2028b", "on one line"),
        ("a\x85b", "on one line"),
        ("a\tb", "control character (U+0009)"),
        ("a\x1bb", "control character (U+001B)"),
        ("a\x9fb", "control character (U+009F)"),
        ("a\ud800b", "half a character"),
    ],
)
def test_a_line_refuses(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        clean_line(text)
    assert said in str(refused.value)


def test_a_message_keeps_its_lines_and_tabs() -> None:
    assert clean_block(" a\r\nb\rc\n\td ") == "a\nb\nc\n\td"


@pytest.mark.parametrize("text", ["a\0b", "a\x07b", "a\ud800"])
def test_a_message_refuses_the_rest(text: str) -> None:
    with pytest.raises(ValueError, match="remove it"):
        clean_block(text)


@given(st.text(max_size=40))
def test_what_was_cleaned_stays_as_it_is_and_can_be_stored(text: str) -> None:
    try:
        kept = clean_block(text)
    except ValueError:
        return
    assert clean_block(kept) == kept
    assert "\0" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept


@pytest.mark.parametrize(
    ("text", "norm"),
    [
        ("Anna@Example.COM", "anna@example.com"),
        (" anna@example.com ", "anna@example.com"),
        ("anna+fair@example.com", "anna+fair@example.com"),
        ("a@B\u00dccher.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("buyer@firm.test", "buyer@firm.test"),
        ("J\u00d6RG@example.com", "j\u00f6rg@example.com"),
    ],
)
def test_an_address_has_one_spelling(text: str, norm: str) -> None:
    assert email_norm(text) == norm


@pytest.mark.parametrize(
    "text",
    ["", "anna", "anna@", "@example.com", "anna@example", "a b@example.com", "a@b@example.com",
     "a..b@example.com", "Anna <anna@example.com>", "anna@[192.0.2.1]", "anna@exa_mple.com",
     "anna@example.com;bo@example.com", "a" * 250 + "@example.com", "a@" + "b" * 250 + ".com",
     "a\n@example.com"],
)  # fmt: skip
def test_no_address(text: str) -> None:
    assert email_norm(text) is None


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("+49 30 1234567", None, ("+49301234567", False)),
        ("030 / 123 45 67", "DE", ("+49301234567", False)),
        ("+49 (0)30 1234567", "FR", ("+49301234567", False)),
        ("0049 30 1234567", "DE", ("+49301234567", False)),
        ("0049 30 1234567", None, ("+49301234567", False)),
        ("tel:+49-30-1234567", None, ("+49301234567", False)),
        ("+49 30 1234567 ext. 12", None, ("+49301234567", False)),
        ("(212) 555-0100", "US", ("+12125550100", False)),
        ("+1 555 123 4567", None, ("+15551234567", True)),
        ("030 1234567", None, (None, True)),
        ("030 1234567", "AQ", (None, True)),
        ("123", "DE", (None, True)),
        ("call me", "DE", (None, True)),
        ("0" * 200, "DE", (None, True)),
    ],
)
def test_a_phone_number(text: str, country: str | None, found: tuple[str | None, bool]) -> None:
    assert phone_norm(text, country) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"), ("de", "DE"), (" at ", "AT"), ("DEU", "DE"), ("usa", "US"), ("Germany", "DE"),
        ("united kingdom", "GB"), ("UK", "GB"), ("England", "GB"), ("the Netherlands", "NL"),
        ("Russia", "RU"),
        ("Turkey", "TR"), ("T\u00fcrkiye", "TR"), ("C\u00f4te d'Ivoire", "CI"), ("cote divoire", "CI"),
        ("South Korea", "KR"), ("Korea, Republic of", "KR"), ("Bolivia", "BO"), ("Czechia", "CZ"),
        ("Czech Republic", "CZ"), ("United States of America", "US"), ("Congo", "CG"),
    ],
)  # fmt: skip
def test_a_country_by_any_of_its_names(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize("text", ["", "XX", "Korea", "Virgin Islands", "Atlantis", "276", "\uff24\uff25"])
def test_no_country(text: str) -> None:
    with pytest.raises(ValueError, match="English name"):
        country_code(text)


@pytest.mark.parametrize("text", ["DEU", "Germany", "UK", "XX", "", "D", "\uff24\uff25"])
def test_strict_takes_the_code_alone(text: str) -> None:
    with pytest.raises(ValueError, match="two-letter code"):
        country_code(text, strict=True)


def test_strict_takes_the_code_in_any_case() -> None:
    assert country_code("de", strict=True) == "DE"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"),
        ("DE", "de"),
        ("de_ch", "de-CH"),
        ("pt-br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
    ],
)
def test_a_language(text: str, tag: str) -> None:
    assert language_tag(text) == tag


@pytest.mark.parametrize("text", ["", "e", "German", "en-", "de-DE-toolongsubtag", "de DE"])
def test_no_language(text: str) -> None:
    with pytest.raises(ValueError, match="BCP 47"):
        language_tag(text)


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("anna@Acme.example", "acme.example"),
        ("anna@b\u00fccher.example", "xn--bcher-kva.example"),
        ("anna@gmail.com", None),
        ("anna@GMX.net", None),
        ("anna@yahoo.co.uk", None),
        ("anna@hotmail.fr", None),
        ("anna@t-online.de", None),
        ("anna@qq.com", None),
        ("anna@gmail.com.acme.example", "gmail.com.acme.example"),
        ("anna@livestock.com", "livestock.com"),
        ("not an address", None),
    ],
)
def test_the_domain_of_a_company(email: str, domain: str | None) -> None:
    assert company_domain(email) == domain
