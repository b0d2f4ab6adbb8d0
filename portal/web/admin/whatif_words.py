"""What a what-if found, in words and numbers for its page."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from models.trials import Trial
from portal.reporting.measures import day_words
from portal.vocabulary import Gate

CAUSES = {
    "no_rule": "No rule takes it",
    Gate.ACTIVE: "Partners switched off",
    Gate.REACHABLE: "Nobody at the partner can be reached",
    Gate.STANDING: "Partners stopped or on hold",
    Gate.TERRITORY: "No partner covers the place",
    Gate.CERTIFIED: "No partner is certified for the product",
    Gate.OPEN_CAP: "Partners at their cap of open leads",
    Gate.DAILY_CAP: "Partners at their cap for the day",
    Gate.WEEKLY_CAP: "Partners at their cap for the week",
    Gate.CLOSURE: "Partners closed",
    Gate.QUIET_PERIOD: "Partners in a quiet period",
    Gate.WANTS_KIND: "Nobody asked for early leads",
    Gate.EARLIER_HOLDER: "Everybody had it before",
    Gate.CONFLICT: "Another partner owns the account",
    Gate.PRODUCT_CAP: "Partners at their cap for the product",
}
CAPS = {"open_cap": "open", "daily_cap": "a day", "weekly_cap": "a week", "product_cap": "the product"}


def cause(word: str) -> str:
    """Why a lead finds nobody."""
    return CAUSES.get(word, word)


def days(first: date, last: date, today: date) -> str:
    """A period: "2 Mar to 30 May"; years where they are not this one."""
    both = [day_words(day) + (f" {day.year}" if day.year != today.year else "") for day in (first, last)]
    return both[0] if first == last else " to ".join(both)


def in_short(trial: Trial) -> str:
    """One what-if in a line."""
    if trial.result is None:
        return trial.state.label
    found = trial.result
    return f"{_count(found['leads'], 'lead')} replayed, {found['elsewhere']:,} elsewhere, {_nobody(found)}"


def _nobody(found: Mapping[str, Any]) -> str:
    after = found["nobody"]["after"]
    return f"{after:,} {'finds' if after == 1 else 'find'} nobody"


def effect(found: Mapping[str, Any], *, as_it_was: bool) -> str:
    """What came of it, in a sentence or two."""
    if not found["leads"]:
        return "No lead was decided about in this period."
    first = f"{_count(found['leads'], 'lead')} replayed: "
    if not found["elsewhere"]:
        return first + ("each ends where it did." if as_it_was else "each ends where it did under the rules of then.")
    before = found["nobody"]["before"]
    was = "as before" if before == found["nobody"]["after"] else f"{before:,} did"
    ends = "ends" if found["elsewhere"] == 1 else "end"
    return f"{first}{found['elsewhere']:,} {ends} elsewhere, {_nobody(found)} ({was})."


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """The whole result as the page shows it; partners by how much they gain or lose."""
    whole = [sum(p[side] for p in found["partners"]) for side in ("before", "after")]
    most = max((p[side] for p in found["partners"] for side in ("before", "after")), default=0)
    rows = [_partner(p, whole, max(1, most)) for p in found["partners"]]
    rows.sort(key=lambda row: (-abs(row["change"]), row["name"]))
    return {
        "partners": rows,
        "late": [sum(p[side] for p in found["partners"]) for side in ("late_before", "late_after")],
        "causes": _causes(found["nobody"]),
        "uncovered": [
            {"where": _where(u), "product": u["product"] or "Any", "why": cause(u["cause"]), "before": u["before"],
             "after": u["after"]}
            for u in found["uncovered"]
        ],
    }  # fmt: skip


def _partner(p: Mapping[str, Any], whole: list[int], most: int) -> dict[str, Any]:
    change = p["after"] - p["before"]
    caps_was, caps = sum(p["caps_before"].values()), sum(p["caps_after"].values())
    return {
        **p, "change": change, "change_text": f"{change:+,}".replace("-", "−") if change else "0",
        "share_before": _percent(p["before"], whole[0]), "share_after": _percent(p["after"], whole[1]),
        "bars": [round(96 * p[side] / most, 1) for side in ("before", "after")],
        "caps_was": caps_was, "caps": caps,
        "caps_text": ", ".join(f"{CAPS[g]} {n:,}" for g, n in p["caps_after"].items()),
    }  # fmt: skip


def _percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)} %" if whole else "0 %"


def _where(place: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (place["region"], place["country"]))) or "No country"


def _causes(nobody: Mapping[str, Any]) -> list[dict[str, Any]]:
    before, after = nobody["causes_before"], nobody["causes_after"]
    words = dict.fromkeys((*after, *before))
    return [{"why": cause(word), "before": before.get(word, 0), "after": after.get(word, 0)} for word in words]


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
