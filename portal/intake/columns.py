"""Which column of a file is which field of a lead: as mapped, else by the names in common use (pure)."""

from collections.abc import Mapping, Sequence

from portal.errors import Invalid
from portal.intake.cells import CUSTOM
from portal.intake.facts import FIELDS, LONGEST_CUSTOM_NAME
from portal.intake.normalise import name_key

KNOWN = tuple(name for name in FIELDS if name != "custom")

#: Other names of a field, as ``name_key`` spells them.
SYNONYMS = {
    "email": "mail emailaddress emailaddresses emailadresse businessemail workemail contactemail",
    "phone": "phonenumber telephone telephonenumber tel telefon telefonnummer mobile mobilephone mobil businessphone",
    "first_name": "firstname givenname forename vorname prenom",
    "last_name": "lastname surname familyname nachname",
    "company": "companyname organisation organization account accountname firma unternehmen",
    "country": "countrycode land",
    "region": "state province county stateprovince stateregion bundesland",
    "postcode": "postalcode zip zipcode zippostalcode plz postleitzahl",
    "city": "town ort stadt",
    "product": "productinterest produkt",
    "source": "leadsource quelle",
    "campaign": "campaignname kampagne",
    "message": "comment comments enquiry inquiry nachricht kommentar",
    "employees": "numberofemployees noofemployees employeecount companysize mitarbeiter",
    "language": "preferredlanguage sprache",
    "received_at": "received receivedon createdat created submittedat",
    "external_id": "externalid id leadid recordid",
}


BY_KEY = {name_key(name): name for name in KNOWN} | {
    key: name for name, keys in SYNONYMS.items() for key in keys.split()
}


class TableError(Invalid):
    """A file that cannot be read at all: ``str()`` is the sentence, which ``errors`` has under ``file``."""

    def __init__(self, sentence: str) -> None:
        super().__init__([("file", sentence)])


def map_header(header: Sequence[str], mapping: Mapping[str, str] | None = None) -> tuple[str | None, ...]:
    """The field of each column, ``custom.<name>`` for a custom one, None for a column that is left out.

    1. ``mapping`` (column to field) comes first; a column mapped to "" is left out.
    2. Then the field's own name, ``custom.<name>``, or a name in common use, in any case and punctuation.
    3. A column without a name is left out.
    Raises TableError: a column or field in ``mapping`` that does not exist, a column that is no field, two
    columns for one field, neither an e-mail nor a phone column.
    """
    wanted = _wanted(header, mapping or {})
    fields = tuple(_field(column, wanted) for column in header)
    unknown = [column for column, name in zip(header, fields, strict=True) if name == "?"]
    if not {"email", "phone"} & set(fields):
        raise TableError(
            "A column for the e-mail address or the phone number is needed, such as email or phone. "
            f"This file has: {_listed(header)}."
        )
    if unknown:
        raise TableError(
            f"No field for: {_listed(unknown)}. Map each to a field, or to custom. and a name of your own, "
            f"or leave it out. The fields are: {', '.join(KNOWN)}."
        )
    _refuse_twice(header, fields)
    return fields


def _wanted(header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping by ``name_key`` of its columns, which must be there and name fields that exist."""
    there = {name_key(column) for column in header}
    if missing := [column for column in mapping if name_key(column) not in there]:
        raise TableError(f"The mapping names {_listed(missing)}; this file has: {_listed(header)}.")
    for column, name in mapping.items():
        if name and name not in KNOWN and _custom(name) is None:
            raise TableError(f"The mapping of {column} names no field: {name}. The fields are: {', '.join(KNOWN)}.")
    return {name_key(column): name for column, name in mapping.items()}


def _field(column: str, wanted: Mapping[str, str]) -> str | None:
    """The field of one column, "?" where there is none."""
    key = name_key(column)
    if key in wanted:
        return (_custom(wanted[key]) or wanted[key]) or None
    if not column.strip():
        return None
    return _custom(column) or BY_KEY.get(key, "?")


def _custom(column: str) -> str | None:
    """``custom.<name>`` where ``column`` is that, with a name that a custom field may have."""
    prefix, dot, name = column.strip().partition(".")
    name = name.strip()
    if prefix.strip().casefold() + dot != CUSTOM or not 0 < len(name) <= LONGEST_CUSTOM_NAME:
        return None
    return CUSTOM + name


def _refuse_twice(header: Sequence[str], fields: Sequence[str | None]) -> None:
    for name in fields:
        columns = [column for column, field in zip(header, fields, strict=True) if field == name]
        if name is not None and len(columns) > 1:
            raise TableError(f"These columns are all read as {name}: {_listed(columns)}. Map or rename all but one.")


def _listed(columns: Sequence[str]) -> str:
    """At most 30 names, each cut to 60 characters: a file that is no table may have anything for a header."""
    names = [" ".join(column.split())[:60] for column in columns if column.strip()]
    return ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "") or "no names at all"
