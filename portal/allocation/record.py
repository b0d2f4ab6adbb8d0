"""How a decision keeps its candidates: compactly, and completely enough to tell every gate years later. Pure.

``{"lead": {...}, "gates": [...], "facts": [[gate, name], ...], "rows": [[...], ...], "missed": {gate: bits}}``: what
all share once, a short row for each partner whose gates were all asked, and, as the bits of a whole number in
hexadecimal, the slots of those that settings alone ruled out. The gates and facts are named in each record, so that
one written before a gate was added is still read rightly.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from portal.allocation.gates import GATES, GateResult, LeadFacts, PartnerFacts, PartnerNow, evaluate
from portal.vocabulary import Gate

SHARED = ("country", "region", "postcode", "product", "kind")
#: Facts that a row keeps after slot, closed gates, rank and credit; of the others a closed gate keeps its own.
FACTS = (
    (Gate.STANDING, "standing"), (Gate.TERRITORY, "all"), (Gate.CERTIFIED, "all"), (Gate.OPEN_CAP, "open"),
    (Gate.OPEN_CAP, "cap"), (Gate.DAILY_CAP, "offered"), (Gate.DAILY_CAP, "cap"), (Gate.WEEKLY_CAP, "offered"),
    (Gate.WEEKLY_CAP, "cap"),
)  # fmt: skip
_HEAD = {"gates": [gate.value for gate in GATES], "facts": [[gate.value, name] for gate, name in FACTS]}
_ROW = 4 + len(FACTS)
Stored = Mapping[str, Any]
Missed = Mapping[Gate, int]


@dataclass(slots=True)
class Candidate:
    """One partner of a pool, asked about a lead: how it stood and which gates kept it from it."""

    facts: PartnerFacts
    now: PartnerNow
    lead: LeadFacts
    at: datetime
    closed: tuple[Gate, ...]
    rank: int | None = None
    credit: int | None = None

    @property
    def eligible(self) -> bool:
        """Whether every gate let it through."""
        return not self.closed

    @property
    def gates(self) -> list[GateResult]:
        """Every gate's answer with the facts of its sentence."""
        asked = evaluate(self.facts, self.now, self.lead, self.at)
        return [GateResult(g.gate, g.gate not in self.closed, g.facts) for g in asked]

    def found_no_place(self) -> None:
        """The guard found its place taken meanwhile: the open-lead gate is closed after all."""
        self.closed, self.rank = (Gate.OPEN_CAP,), None


def pack(lead: LeadFacts | None, candidates: Iterable[Candidate], missed: Missed) -> dict[str, Any]:
    """Candidates for the database, those ruled out by settings as bits by slot."""
    shared = {name: value for name in SHARED if (value := getattr(lead, name, None)) is not None}
    bits = {gate.value: format(slots, "x") for gate, slots in missed.items() if slots}
    return {**_HEAD, "lead": shared, "rows": [_row(c) for c in candidates], "missed": bits}


def _row(c: Candidate) -> list[Any]:
    facts, now = c.facts, c.now
    closed = [*c.closed] if c.closed else 0
    row: list[Any] = [
        facts.slot, closed, c.rank, c.credit, now.standing, not facts.territories, not facts.products,
        now.open_leads, now.cap_now, now.offered_today, facts.daily_cap, now.offered_this_week, facts.weekly_cap,
    ]  # fmt: skip
    if c.closed:
        row.append({gate.value: GATES[gate].facts(facts, now, c.lead, c.at) for gate in c.closed})
    return row


def unpack(record: Stored, partners: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """Candidates in the order kept, those ruled out by settings last: ``{partner, eligible, gates, rank, credit}``.

    ``partners``: ids by slot; who is not among them is left out.
    """
    for row in record.get("rows", ()):
        if row[0] in partners:
            yield _candidate(record, row, partners[row[0]])
    for gate, bits in record.get("missed", {}).items():
        slots = int(bits, 16)
        for slot, partner in partners.items():
            if slots >> slot & 1:
                yield _stored(partner, [[gate, False, dict(record["lead"])]])


class Brief(NamedTuple):
    """One asked candidate in short. ``drawn_for``: what its rank was given for (a credit in ticks, or measures)."""

    slot: int
    closed: tuple[str, ...]
    rank: int | None
    drawn_for: Any
    standing: str


def briefly(record: Stored) -> Iterator[Brief]:
    """Everybody whose gates were all asked, without the facts: for counting over many decisions."""
    facts = record.get("facts", ())
    at = 4 + facts.index([Gate.STANDING.value, "standing"]) if record.get("rows") else 0
    for row in record.get("rows", ()):
        yield Brief(row[0], tuple(row[1] or ()), row[2], row[3], row[at])


def _candidate(record: Stored, row: Sequence[Any], partner: str) -> dict[str, Any]:
    lead, closed, own = record["lead"], row[1] or (), row[_ROW] if len(row) > _ROW else {}
    facts: dict[str, dict[str, Any]] = {gate: {} for gate in record["gates"]}
    facts[Gate.TERRITORY] = {name: lead.get(name) for name in ("country", "region", "postcode")}
    facts[Gate.CERTIFIED] = {"product": lead.get("product")}
    facts[Gate.WANTS_KIND] = {"kind": lead.get("kind")}
    for (gate, name), value in zip(record["facts"], row[4:], strict=False):
        facts[gate][name] = value
    for gate, known in own.items():
        facts[gate].update(known)
    return _stored(partner, [[gate, gate not in closed, facts[gate]] for gate in record["gates"]], row[2], row[3])


def _stored(partner: str, gates: list[Any], rank: int | None = None, credit: int | None = None) -> dict[str, Any]:
    eligible = all(passed for _, passed, _ in gates)
    return {"partner": partner, "eligible": eligible, "gates": gates, "rank": rank, "credit": credit}
