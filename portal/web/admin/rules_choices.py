"""What the rule form offers to pick from: partners by name, tiers, tags, and values that leads and partners have."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pycountry
from sqlalchemy import func, select

from models.base import db
from models.leads import Campaign, Lead
from models.lists import NamedList
from models.partners import Partner
from portal.qualification.conditions import (
    DERIVED,
    FIELDS,
    GRADES,
    INSTANT,
    INSTANT_WORDS,
    LIST,
    MEMBER_OPS,
    NUMBER,
    TEXT,
    WORDS,
)
from portal.qualification.country_groups import GROUPS as COUNTRY_GROUPS
from portal.qualification.country_groups import PREFIX as GROUP
from portal.web.admin.rules_conditions import CUSTOM, KINDS, Row, ops_for

#: How many of the latest leads are looked at for values, and how many values are offered of a field.
LATEST, MOST_VALUES = 500, 60
SEEN = ("region", "product", "source", "language")
GROUPS = (
    ("Where", ("country", "region", "postcode", "city")),
    ("What", ("product", "source", "campaign", "language", "message")),
    ("Who", ("company", "email_domain", "employees", "budget")),
    ("How good", ("grade", "score")),
    ("When", ("received_at", "arrived")),
    ("Web address", ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")),
)
LABELS = {"email_domain": "E-mail domain", "received_at": "Received", "arrived": "Arrived", CUSTOM: "Your own field…"}
OP_WORDS = {**WORDS, "between": "is between", "exists": "is given", "missing": "is not given"}
Values = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Member:
    """A partner as rules tell it apart."""

    id: str
    name: str
    tier: str
    tags: frozenset[str]
    active: bool

    def inside(self, pool: Mapping[str, Any]) -> bool:
        """Whether a pool asks it: its tier, one of its tags, and itself, where the pool names such."""
        return (
            (not pool.get("tiers") or self.tier in pool["tiers"])
            and (not pool.get("tags") or bool(self.tags.intersection(pool["tags"])))
            and (not pool.get("partners") or self.id in pool["partners"])
        )


class Choices:
    """Everything there is to pick from, read once for a page."""

    def __init__(self) -> None:
        columns = (Partner.id, Partner.name, Partner.tier, Partner.tags, Partner.active)
        found = db.session.execute(select(*columns, Partner.products, Partner.territories)).all()
        in_order = sorted(found, key=lambda row: str(row.name).casefold())
        self.members = [Member(row.id, row.name, row.tier, frozenset(row.tags), row.active) for row in in_order]
        self.products = _sorted(product for row in found for product in row.products)
        self.covered = _sorted(place["country"] for row in found for place in row.territories)

    @property
    def names(self) -> dict[str, str]:
        """Names by partner id."""
        return {member.id: member.name for member in self.members}

    @property
    def tiers(self) -> list[str]:
        """The tiers that partners have."""
        return _sorted(member.tier for member in self.members)

    @property
    def tags(self) -> list[str]:
        """The tags that partners have."""
        return _sorted(tag for member in self.members for tag in member.tags)

    @cached_property
    def seen(self) -> dict[str, list[str]]:
        """What the latest leads say, by field."""
        columns = [getattr(Lead, name) for name in SEEN]
        rows = db.session.execute(select(*columns).order_by(Lead.id.desc()).limit(LATEST)).all()
        found = {name: _sorted(row[n] for row in rows if row[n]) for n, name in enumerate(SEEN)}
        found["product"] = _sorted([*self.products, *found["product"]])
        named = select(Campaign.name).order_by(func.lower(Campaign.name)).limit(MOST_VALUES)
        return {**found, "campaign": list(db.session.scalars(named))}

    @cached_property
    def lists(self) -> list[tuple[str, str]]:
        """The lists that a condition may name instead of values."""
        names = db.session.scalars(select(NamedList.name).order_by(NamedList.name))
        return [(f"{LIST}{name}", f"List {name}") for name in names]

    def suggested(self, name: str) -> list[tuple[str, str]]:
        """Values to pick from for a field, as (value, words); empty where only typing will do."""
        if name == "country":
            return [(code, country_name(code)) for code in self.covered]
        if name == "grade":
            return [(grade, grade) for grade in GRADES]
        if name in DERIVED:
            return [(value, value.replace("_", " ").capitalize()) for value in DERIVED[name]]
        return [(value, value) for value in self.seen.get(name, [])[:MOST_VALUES]]

    def several(self, name: str, op: str) -> list[tuple[str, str]]:
        """What a comparison takes that stands for many values: groups of countries, lists."""
        if op not in MEMBER_OPS or name not in (*TEXT, CUSTOM):
            return []
        groups = [(f"{GROUP}{code}", upper_first(group.label)) for code, group in COUNTRY_GROUPS.items()]
        return [*(groups if name == "country" else []), *self.lists]


def upper_first(text: str) -> str:
    """The text with its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def _sorted(values: Iterable[str]) -> list[str]:
    return sorted(set(values), key=str.casefold)


@cache
def country_name(code: str) -> str:
    """ "Germany (DE)"; the code alone where nobody knows it."""
    found = pycountry.countries.get(alpha_2=code)
    return f"{getattr(found, 'common_name', found.name)} ({code})" if found else code


@cache
def every_country() -> list[tuple[str, str]]:
    """All countries as (code, words), by name."""
    return sorted(((c.alpha_2, country_name(c.alpha_2)) for c in pycountry.countries), key=lambda pair: pair[1])


def field_groups() -> Iterator[tuple[str, Values]]:
    """The fields of a lead under their headings, the own fields last."""
    told = [name for _, names in GROUPS for name in names]
    rest = tuple(name for name in FIELDS if name not in told)
    for heading, names in (*GROUPS, ("More", rest), ("Your own", (CUSTOM,))):
        there = [(name, label(name)) for name in names if name in (*FIELDS, *DERIVED, CUSTOM)]
        if there:
            yield heading, there


def label(name: str) -> str:
    """A field in words."""
    plain = name.replace("_", " ")
    return LABELS.get(name) or (plain.replace("utm", "UTM") if name.startswith("utm") else plain.capitalize())


def op_words(name: str) -> Values:
    """The comparisons of a field in words."""
    of_instants = INSTANT_WORDS if name in INSTANT else {}
    return [(op, of_instants.get(op) or OP_WORDS[op]) for op in ops_for(name)]


def shown(row: Row, choices: Choices) -> dict[str, Any]:
    """What the page needs to draw a row: the comparisons, the kind of control, what can be picked and what not."""
    known, many = choices.suggested(row.field), choices.several(row.field, row.op)
    control = _control(row)
    view: dict[str, Any] = {"ops": op_words(row.field), "control": control, "kinds": _kinds(row)}
    if control == "several":
        every = {value.casefold(): (value, words) for value, words in [*known, *many]}
        picked = {value.casefold() for value in row.values} & set(every)
        view["known"] = sorted(every.values(), key=lambda pair: pair[0].casefold() not in picked)
        view["picked"] = {every[folded][0] for folded in picked}
        view["others"] = "\n".join(value for value in row.values if value.casefold() not in picked)
        view["closed"] = row.field in (*DERIVED, "grade")
        return view
    view["known"] = [*known, *many]
    if row.field == "country":
        view["groups"] = _countries(row, known, many)
    return view


def _control(row: Row) -> str:
    """none, several, select; or one or two inputs of a type."""
    if row.shape in ("none", "several"):
        return row.shape
    if row.field in ("country", "grade", *DERIVED) and row.shape == "one" and row.op in MEMBER_OPS:
        return "select"
    kind = "datetime-local" if row.field in INSTANT else "number" if _numeric(row) else "text"
    return f"{row.shape} {kind}"


def _numeric(row: Row) -> bool:
    return row.field in NUMBER or (row.field == CUSTOM and row.kind == "number")


def _kinds(row: Row) -> dict[str, str]:
    return {**KINDS, **({"json": "mixed, as JSON"} if row.kind == "json" else {})}


def _countries(row: Row, known: Values, many: Values) -> list[tuple[str, Values]]:
    codes = {value for value, _ in (*known, *many)}
    every = [pair for pair in every_country() if pair[0] not in codes]
    typed = [(row.text, row.text)] if row.text and row.text not in codes and row.text not in dict(every) else []
    groups = (("As typed", typed), ("Partners cover", known), ("Several at once", many), ("All", every))
    return [(heading, some) for heading, some in groups if some]
