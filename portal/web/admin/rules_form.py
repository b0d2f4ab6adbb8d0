"""One rule as a form: name and place, pool, sharing, what comes else. Its conditions are in rules_conditions."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import Length, ValidationError

from portal.allocation import document
from portal.vocabulary import StrategyKind
from portal.web.admin.rules_choices import Choices
from portal.web.admin.rules_reading import clean
from portal.web.partner.forms import options

#: Up to so many partners all are listed; of more, those that are ticked and those that were searched for.
FEW = 40
KINDS = {
    StrategyKind.WEIGHTED_ROUND_ROBIN: "In turn, by each partner's weight",
    StrategyKind.LEAST_LOADED: "Who has the most room for open leads",
    StrategyKind.BEST_CONVERSION: "Who wins most of its leads; the rest keep a share",
    StrategyKind.NEAREST: "Who is nearest to the lead's postcode",
    StrategyKind.NAMED: "Always the same partner",
    StrategyKind.OPEN_POOL: "The first of them to claim it",
}
BY = (("", "One rotation for all"), ("country", "Country"), ("region", "Region"), ("product", "Product"))
THEN = {
    "next": ("Next rule", "The rules below are asked"),
    "pool": ("Open pool", "The first to claim it gets it"),
    "queue": ("Queue", "It waits for a manager, and is tried again"),
    "partner": ("One partner", "A partner that you name"),
}
#: Where the refusals of a rule's parts are told.
PLACES = {
    "name": "name", "pool": "tiers", "pool.tiers": "tiers", "pool.tags": "tags", "pool.partners": "partners",
    "pool.covers_territory": "covers_territory", "pool.certified": "certified", "strategy": "kind",
    "strategy.kind": "kind", "strategy.by": "by", "strategy.partner": "partner", "strategy.hours": "hours",
    "strategy.floor_share": "floor_share", "strategy.max_open": "max_open", "then": "then",
    "then.partner": "then_partner",
}  # fmt: skip


class RuleForm(FlaskForm):  # type: ignore[misc]
    """A rule's parts but for its conditions. ``revision``: the draft as it was read. ``was``: the rule's name then."""

    revision = HiddenField()
    was = HiddenField()
    name = StringField("Name", filters=[clean], validators=[Length(max=200, message="Use at most 200 characters.")])
    place = SelectField("Place", default="")
    tiers = SelectMultipleField("Tiers")
    tags = SelectMultipleField("Tags")
    partners = SelectMultipleField("Partners")
    find = StringField("Find a partner", [Length(max=200)])
    covers_territory = BooleanField("Covers the territory")
    certified = BooleanField("Certified for the product")
    kind = RadioField("Shared", default=StrategyKind.WEIGHTED_ROUND_ROBIN.value)
    by = SelectField("One rotation for each", choices=options(BY), default="")
    partner = SelectField("Partner", default="")
    hours = StringField("Hours in the pool")
    max_open = StringField("Claimed leads without a touch, at most")
    floor_share = StringField("Share kept for the others, in percent")
    then = RadioField("Else", default="next")
    then_partner = SelectField("Partner to turn to", default="")

    def offer(self, choices: Choices, rule: Mapping[str, Any], names: Sequence[str]) -> None:
        """Fill the pick lists; what the rule or the form names already is offered too."""
        pool = rule.get("pool") or {}
        for field, known, own in ((self.tiers, choices.tiers, "tiers"), (self.tags, choices.tags, "tags")):
            field.choices = options((v, v) for v in dict.fromkeys([*known, *(pool.get(own) or [])]))
        told = choices.names
        ids = dict.fromkeys([*told, *(pool.get("partners") or [])])
        self.partners.choices = options((id_, told.get(id_, "A partner that is gone")) for id_ in ids)
        one = options([("", "Choose a partner"), *told.items()])
        self.partner.choices = self.then_partner.choices = one
        self.kind.choices = options((kind.value, kind.label) for kind in KINDS)
        self.then.choices = options((value, words[0]) for value, words in THEN.items())
        before = [(str(n), f"{n + 1}, before {name}") for n, name in enumerate(names)]
        self.place.choices = options([*before, (str(len(names)), f"{len(names) + 1}, last")])

    def show(self, rule: Mapping[str, Any], place: int) -> None:
        """Fill the fields from a rule."""
        pool, strategy, then = rule.get("pool") or {}, rule.get("strategy") or {}, rule.get("then", "queue")
        self.name.data = self.was.data = rule.get("name", "")
        self.place.data = str(place)
        self.tiers.data, self.tags.data = list(pool.get("tiers") or []), list(pool.get("tags") or [])
        self.partners.data = list(pool.get("partners") or [])
        self.covers_territory.data = bool(pool.get("covers_territory"))
        self.certified.data = bool(pool.get("certified"))
        self.kind.data = strategy.get("kind", StrategyKind.WEIGHTED_ROUND_ROBIN.value)
        self.by.data, self.partner.data = strategy.get("by") or "", strategy.get("partner") or ""
        self.hours.data = str(strategy.get("hours", document.POOL_HOURS))
        self.max_open.data = str(strategy.get("max_open") or "")
        share = strategy.get("floor_share")
        self.floor_share.data = f"{share * 100:g}" if isinstance(share, int | float) else ""
        self.then.data = "partner" if isinstance(then, Mapping) else str(then)
        self.then_partner.data = then.get("partner", "") if isinstance(then, Mapping) else ""

    def rule(self, when: Mapping[str, Any] | None) -> dict[str, Any]:
        """The rule that the form says; parts that say nothing are left out."""
        said: dict[str, Any] = {"name": (self.name.data or "").strip()}
        if when:
            said["when"] = dict(when)
        if pool := self._pool():
            said["pool"] = pool
        return {**said, "strategy": self._strategy(), "then": self._then()}

    def _pool(self) -> dict[str, Any]:
        lists = {name: list(self[name].data or []) for name in ("tiers", "tags", "partners")}
        flags = {name: True for name in ("covers_territory", "certified") if self[name].data}
        return {**{name: chosen for name, chosen in lists.items() if chosen}, **flags}

    def _strategy(self) -> dict[str, Any]:
        """Only what the kind takes: the other fields may still hold what was typed for another kind."""
        kind = self.kind.data
        parts: dict[str, Any] = {}
        if kind == StrategyKind.WEIGHTED_ROUND_ROBIN:
            parts = {"by": self.by.data}
        elif kind == StrategyKind.NAMED:
            parts = {"partner": self.partner.data}
        elif kind == StrategyKind.OPEN_POOL:
            parts = {"hours": whole(self.hours.data), "max_open": whole(self.max_open.data)}
        elif kind == StrategyKind.BEST_CONVERSION:
            parts = {"floor_share": percent(self.floor_share.data)}
        return {"kind": kind, **{name: value for name, value in parts.items() if value not in ("", None)}}

    def _then(self) -> Any:
        return {"partner": self.then_partner.data or ""} if self.then.data == "partner" else self.then.data

    def validate_partner(self, field: Field) -> None:
        if self.kind.data == StrategyKind.NAMED and not field.data:
            raise ValidationError("Choose the partner that gets these leads.")

    def validate_then_partner(self, field: Field) -> None:
        if self.then.data == "partner" and not field.data:
            raise ValidationError("Choose the partner to turn to.")


def whole(text: str | None) -> Any:
    """A whole number that was typed; the text where it is none, so that it is refused with its sentence."""
    plain = (text or "").strip()
    return int(plain) if plain.isdecimal() and len(plain) < 10 else plain


def percent(text: str | None) -> Any:
    """A share that was typed in percent; the text where it is none."""
    plain = (text or "").strip().removesuffix("%").strip().replace(",", ".")
    try:
        return round(float(plain) / 100, 4) if plain else ""
    except ValueError:
        return plain
