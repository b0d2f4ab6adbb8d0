"""How a decision keeps its candidates: compactly, and completely enough to tell every gate years later. Pure.

``{"lead": {...}, "rows": [[...], ...], "missed": {gate: [partner, ...]}}``: what all share once, a short row for each
partner whose gates were all asked, and the bare list of those that settings alone ruled out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portal.vocabulary import Gate

SHARED = ("country", "region", "postcode", "product", "kind")
GATES = tuple(Gate)
#: After the partner, the gates' answers ("1" passed, "0" closed), rank and credit: facts by gate and name.
FACTS = (
    (Gate.STANDING, "standing"), (Gate.TERRITORY, "all"), (Gate.CERTIFIED, "all"), (Gate.OPEN_CAP, "open"),
    (Gate.OPEN_CAP, "cap"), (Gate.DAILY_CAP, "offered"), (Gate.DAILY_CAP, "cap"), (Gate.WEEKLY_CAP, "offered"),
    (Gate.WEEKLY_CAP, "cap"), (Gate.CLOSURE, "until"), (Gate.CLOSURE, "last"), (Gate.QUIET_PERIOD, "until"),
    (Gate.QUIET_PERIOD, "last"),
)  # fmt: skip
Stored = Mapping[str, Any]


def pack(candidates: Iterable[Stored]) -> dict[str, Any]:
    """Candidates as ``Candidate.stored()`` gives them, for the database."""
    rows: list[list[Any]] = []
    missed: dict[str, list[str]] = {}
    lead: dict[str, Any] = {}
    for candidate in candidates:
        gates = {gate: (passed, facts) for gate, passed, facts in candidate["gates"]}
        if len(gates) < len(GATES):
            for gate in gates:
                missed.setdefault(gate, []).append(candidate["partner"])
            continue
        lead = lead or {name: value for name in SHARED if (value := _shared(gates, name)) is not None}
        rows.append(_row(candidate, gates))
    return {"lead": lead, "rows": rows, "missed": missed}


def _shared(gates: Mapping[str, tuple[bool, Stored]], name: str) -> Any:
    return next((facts[name] for _, facts in gates.values() if facts.get(name) is not None), None)


def _row(candidate: Stored, gates: Mapping[str, tuple[bool, Stored]]) -> list[Any]:
    bits = "".join("1" if gates[gate][0] else "0" for gate in GATES)
    row = [candidate["partner"], bits, candidate["rank"], candidate["credit"]]
    return row + [gates[gate][1].get(name) for gate, name in FACTS]


def unpack(record: Stored) -> Iterator[dict[str, Any]]:
    """Candidates as they were packed, in that order, those ruled out by settings last."""
    for row in record.get("rows", ()):
        yield _candidate(record["lead"], row)
    for gate, partners in record.get("missed", {}).items():
        for partner in partners:
            yield _stored(partner, [[gate, False, dict(record["lead"])]])


def _candidate(lead: Stored, row: list[Any]) -> dict[str, Any]:
    partner, bits, rank, credit, *values = row
    facts: dict[Gate, dict[str, Any]] = {gate: {} for gate in GATES}
    facts[Gate.TERRITORY] = {name: lead.get(name) for name in ("country", "region", "postcode")}
    facts[Gate.CERTIFIED] = {"product": lead.get("product")}
    facts[Gate.WANTS_KIND] = {"kind": lead.get("kind")}
    for (gate, name), value in zip(FACTS, values, strict=True):
        facts[gate][name] = value
    gates = [[gate.value, bit == "1", facts[gate]] for gate, bit in zip(GATES, bits, strict=True)]
    return _stored(partner, gates, rank, credit)


def _stored(partner: str, gates: list[Any], rank: int | None = None, credit: int | None = None) -> dict[str, Any]:
    eligible = all(passed for _, passed, _ in gates)
    return {"partner": partner, "eligible": eligible, "gates": gates, "rank": rank, "credit": credit}
