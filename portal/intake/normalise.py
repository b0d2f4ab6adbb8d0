"""What people type, in the one spelling that can be compared: text, e-mail, phone, country (pure)."""

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from typing import Any

import phonenumbers
import pycountry
from email_validator import EmailNotValidError, validate_email

LONGEST_EMAIL = 254
#: Digits with the country code. Some plans allow two digits on paper; nowhere do fewer than seven ring.
SHORTEST_PHONE = 7

#: Mailbox providers: sharing one of these domains says nothing about sharing a company.
PROVIDERS = """
    126.com 139.com 163.com aliyun.com alice.it arcor.de att.net bell.net bellsouth.net bigpond.com
    bluewin.ch bol.com.br btinternet.com charter.net comcast.net cox.net daum.net docomo.ne.jp
    earthlink.net ezweb.ne.jp fastmail.com fastmail.fm foxmail.com free.fr freenet.de gmail.com
    googlemail.com hanmail.net hey.com home.nl hushmail.com icloud.com inbox.lv inbox.ru interia.pl
    juno.com kpnmail.nl laposte.net libero.it list.ru live.com mac.com mail.com mail.de mail.ru
    mailbox.org me.com msn.com naver.com neuf.fr o2.pl onet.pl optonline.net optusnet.com.au orange.fr
    pm.me posteo.de proton.me protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com
    rogers.com sapo.pt sbcglobal.net seznam.cz sfr.fr shaw.ca sina.com sky.com sohu.com t-online.de
    talktalk.net telenet.be terra.com.br tiscali.it tuta.com tuta.io tutanota.com tutanota.de uol.com.br
    verizon.net virgilio.it virginmedia.com wanadoo.fr web.de wp.pl xtra.co.nz yeah.net ymail.com ziggo.nl
    zoho.com zohomail.eu
"""
FREE_MAIL = frozenset(PROVIDERS.split())
#: The same providers under the top-level domain of each country.
FREE_MAIL_EVERYWHERE = re.compile(r"(aol|gmx|hotmail|live|outlook|yahoo|yandex)\.(com|net|org|(com?\.)?[a-z]{2})")

#: Names in daily use that ISO 3166 does not list.
COUNTRY_NAMES = {
    "america": "US", "bolivia": "BO", "britain": "GB", "brunei": "BN", "burma": "MM", "cape verde": "CV",
    "democratic republic of the congo": "CD", "east timor": "TL", "el": "GR", "england": "GB",
    "great britain": "GB", "holland": "NL", "iran": "IR", "ivory coast": "CI", "laos": "LA",
    "macao": "MO", "macau": "MO", "macedonia": "MK", "moldova": "MD", "northern ireland": "GB",
    "palestine": "PS", "russia": "RU", "scotland": "GB", "slovak republic": "SK", "swaziland": "SZ",
    "syria": "SY", "taiwan": "TW", "tanzania": "TZ", "the netherlands": "NL", "turkey": "TR", "uae": "AE",
    "uk": "GB", "vatican": "VA", "venezuela": "VE", "vietnam": "VN", "wales": "GB",
}  # fmt: skip

LINE_BREAKS = "\n\r\v\f\x85\u2028\u2029"
#: Control characters, the line breaks of Unicode, and halves of characters that no encoding can write.
UNWELCOME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
NOT_A_COUNTRY = "Give the country as its two-letter code (ISO 3166), such as DE."
NOT_A_COUNTRY_NAME = "Give the country as a code (ISO 3166), such as DE, or by its English name."


def clean_line(text: str) -> str:
    """``text`` without space at its ends, in Unicode's composed form (NFC), on one line.

    Raises ValueError with a sentence: a NUL, a line break or another control character, half a character.
    """
    return _clean(text, allowed="")


def clean_block(text: str) -> str:
    """As ``clean_line``, but tabs and line breaks may stand; every line break becomes one ``\\n``."""
    return _clean(text.replace("\r\n", "\n").replace("\r", "\n"), allowed="\n\t")


def _clean(text: str, allowed: str) -> str:
    """NUL is looked for before stripping: at the end it is as unwelcome to a database as in the middle."""
    if "\0" in text:
        raise ValueError("This contains a NUL character: remove it.")
    stripped = text.strip()
    for character in UNWELCOME.findall(stripped):
        if character not in allowed:
            raise ValueError(_unwelcome(character))
    return unicodedata.normalize("NFC", stripped)


def _unwelcome(character: str) -> str:
    if character in LINE_BREAKS:
        return "This must be on one line: remove the line break."
    if unicodedata.category(character) == "Cs":
        return "This contains half a character (a surrogate): remove it."
    return f"This contains a control character (U+{ord(character):04X}): remove it."


@lru_cache(maxsize=256)
def email_norm(text: str) -> str | None:
    """The address in lower case with its domain in ASCII (IDNA), or None where it is not one.

    Domains reserved for examples and tests (.example, .test) count as domains, one without a dot does not.
    Whether mail arrives there is not asked.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    address = unicodedata.normalize("NFC", found.local_part.lower()) + "@" + found.ascii_domain.lower()
    return address if "." in found.ascii_domain and len(address) <= LONGEST_EMAIL else None


def phone_norm(text: str, country: str | None) -> tuple[str | None, bool]:
    """``(number, suspect)``: as E.164, ``+49301234567``, read as dialled in ``country`` (alpha-2 or None).

    1. Not a number, or one whose length no plan allows: ``(None, True)``.
    2. The right length, in a range not known to be in use: the number, suspect. Ranges are opened faster than
       lists of them are kept, so it may well ring.
    3. Otherwise the number, not suspect. An extension is left out.
    """
    number = text.strip()
    if country is None and re.match(r"00[1-9]", number):
        number = "+" + number[2:]
    try:
        found = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None, True
    e164 = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_possible_number(found) or len(e164) <= SHORTEST_PHONE:
        return None, True
    return e164, not phonenumbers.is_valid_number(found)


def country_code(text: str, *, strict: bool = False) -> str:
    """ISO 3166 alpha-2 in capitals, from alpha-2 in any case; unless ``strict``, from alpha-3 and names too.

    Raises ValueError with a sentence where it is none.
    """
    name = text.strip()
    if len(name) == 2 and name.isascii() and pycountry.countries.get(alpha_2=name.upper()):
        return name.upper()
    if strict:
        raise ValueError(NOT_A_COUNTRY)
    code = _countries().get(name_key(name))
    if code is None:
        raise ValueError(NOT_A_COUNTRY_NAME)
    return code


@cache
def _countries() -> dict[str, str]:
    """Every name to its code. What stands before a comma ("Bolivia, Plurinational State of") is a name too,
    unless two countries share it ("Korea").
    """
    short = Counter(name_key(_before_comma(country)) for country in pycountry.countries)
    names = {name: c.alpha_2 for c in pycountry.countries if short[name := name_key(_before_comma(c))] == 1}
    for country in pycountry.countries:
        for kind in ("alpha_3", "name", "official_name", "common_name"):
            if spelt := getattr(country, kind, None):
                names[name_key(spelt)] = country.alpha_2
    return names | {name_key(name): code for name, code in COUNTRY_NAMES.items()}


def _before_comma(country: Any) -> str:
    return str(country.name).partition(",")[0]


def name_key(name: str) -> str:
    """Letters and digits alone, without accents, in lower case: "Côte d'Ivoire" is "cotedivoire"."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def language_tag(text: str) -> str:
    """A language tag (BCP 47) as usually written: ``de``, ``pt-BR``, ``zh-Hant-TW``; ``_`` passes for ``-``.

    Raises ValueError with a sentence where it does not look like one.
    """
    tag = text.strip()
    if not LANGUAGE.fullmatch(tag):
        raise ValueError("Give the language as a tag (BCP 47), such as en or de-CH.")
    first, *rest = re.split("[-_]", tag)
    return "-".join([first.lower(), *map(_subtag, rest)])


def _subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 else part.lower()


def company_domain(email: str) -> str | None:
    """The domain of an address where it is a company's own; None for a mailbox provider's, or no address."""
    domain = (email_norm(email) or "").rpartition("@")[2]
    if not domain or domain in FREE_MAIL or FREE_MAIL_EVERYWHERE.fullmatch(domain):
        return None
    return domain
