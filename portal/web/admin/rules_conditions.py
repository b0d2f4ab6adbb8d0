"""The conditions of a rule as a form: rows and groups, there and back, each mistake at its own row.

In the form a node's path names its fields: the whole is ``w``, its second part ``w.1``, the third part of that
``w.1.2``. A group has ``w.match`` (all, any or none of its parts), a row ``w.1.field`` with operator and values.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part_of
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pycountry
from werkzeug.datastructures import MultiDict

from portal.qualification.conditions import DERIVED, INSTANT, MEMBER_OPS, NUMBER, OPS, TEXT_OPS

ROOT = "w"
CUSTOM = "custom"
DEEPEST = 7
MOST_NODES = 400
NODE = re.compile(r"(w(?:\.\d{1,3}){0,8})\.(match|field)")
VALUELESS, LISTS, CODES = ("exists", "missing"), ("in", "not_in"), ("country", "grade", "language")
#: What a value of a custom field is; json only where a list mixes kinds.
KINDS = {"text": "text", "number": "number", "flag": "yes or no"}


@dataclass
class Row:
    """One comparison as it is typed: ``text`` for one value, ``low`` and ``high`` for two, ``values`` for several."""

    field: str = ""
    custom: str = ""
    op: str = "eq"
    kind: str = "text"
    text: str = ""
    low: str = ""
    high: str = ""
    values: list[str] = part_of(default_factory=list)
    errors: list[str] = part_of(default_factory=list)

    @property
    def name(self) -> str:
        """The field as a condition names it."""
        return f"custom.{self.custom.strip()}" if self.field == CUSTOM else self.field

    @property
    def shape(self) -> str:
        """How many values the operator takes: none, one, two or several."""
        if self.op in VALUELESS:
            return "none"
        return "several" if self.op in LISTS else "two" if self.op == "between" else "one"


@dataclass
class Group:
    """All, any or none of its parts."""

    match: str = "all"
    parts: list["Row | Group"] = part_of(default_factory=list)
    errors: list[str] = part_of(default_factory=list)


Node = Row | Group


def ops_for(name: str) -> tuple[str, ...]:
    """The comparisons that a field allows, in the order in which they are offered."""
    if name in DERIVED:
        return tuple(MEMBER_OPS)
    if name == CUSTOM or not name:
        return OPS
    if name in (*NUMBER, *INSTANT):
        return tuple(op for op in OPS if op not in ("prefix", "contains"))
    return (*TEXT_OPS, "between") if name == "postcode" else TEXT_OPS


# ---------- From a document ----------


def read(when: Mapping[str, Any] | None, zone: str) -> Group:
    """A rule's ``when`` as rows and groups; instants in the reader's zone."""
    return _read_group(when or {}, zone)


def _read_group(data: Mapping[str, Any], zone: str) -> Group:
    match = "any" if "any" in data else "all"
    group = Group(match, [_read(part, zone) for part in data.get(match) or []])
    excluded = data.get("not")
    if excluded is None:
        return group
    none = Group("none", _excluded(excluded, zone))
    if not group.parts:
        return none
    return Group("all", [*(group.parts if match == "all" else [group]), none])


def _excluded(data: Mapping[str, Any], zone: str) -> list[Node]:
    if "any" in data and data.get("not") is None:
        return [_read(part, zone) for part in data["any"]]
    return [_read(data, zone)]


def _read(data: Mapping[str, Any], zone: str) -> Node:
    return _read_row(data, zone) if "field" in data else _read_group(data, zone)


def _read_row(data: Mapping[str, Any], zone: str) -> Row:
    name, op, value = str(data["field"]), str(data["op"]), data.get("value")
    own = name.startswith("custom.")
    row = Row(CUSTOM if own else name, name.removeprefix("custom.") if own else "", op)
    values = value if isinstance(value, list) else [] if value is None else [value]
    row.kind = _kind(values) if own else "text"
    told = [_told(row, each, zone) for each in values]
    if row.shape == "two" and len(told) == 2:
        row.low, row.high = told
    elif row.shape == "several":
        row.values = told
    elif row.shape == "one" and told:
        row.text = told[0]
    return row


def _kind(values: Sequence[object]) -> str:
    kinds = {"flag" if isinstance(v, bool) else "text" if isinstance(v, str) else "number" for v in values}
    return "text" if not kinds else kinds.pop() if len(kinds) == 1 else "json"


def _told(row: Row, value: object, zone: str) -> str:
    if row.kind == "json":
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if row.field in INSTANT:
        at = _instant(str(value))
        return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S") if at and at.tzinfo else str(value)
    return str(value)


# ---------- From a form ----------


def typed(form: MultiDict[str, str]) -> Group:
    """What stands in the form."""
    nodes = {found[1]: found[2] for key in form if (found := NODE.fullmatch(key))}
    return _typed_group(form, ROOT, dict(list(nodes.items())[:MOST_NODES]))


def _typed_group(form: MultiDict[str, str], path: str, nodes: Mapping[str, str]) -> Group:
    match = form.get(f"{path}.match", "all")
    group = Group(match if match in ("all", "any", "none") else "all")
    below = (key for key in nodes if key.rpartition(".")[0] == path)
    for key in sorted(below, key=lambda key: int(key.rpartition(".")[2])):
        group.parts.append(_typed_group(form, key, nodes) if nodes[key] == "match" else _typed_row(form, key))
    return group


def _typed_row(form: MultiDict[str, str], path: str) -> Row:
    def one(name: str) -> str:
        return form.get(f"{path}.{name}", "").replace("\x00", "").strip()

    row = Row(one("field"), one("custom"), one("op") or "eq", one("kind") or "text")
    row.text, row.low, row.high = one("text"), one("low"), one("high")
    row.values = [*form.getlist(f"{path}.pick"), *_lines(row, one("lines"))]
    return suit(row)


def _lines(row: Row, text: str) -> list[str]:
    parts = re.split(r"[,;\n]" if row.field in CODES else r"\n", text)
    return [part.strip() for part in parts if part.strip()]


def suit(row: Row) -> Row:
    """The row with an operator that its field allows, and what was typed where the operator takes it."""
    allowed = ops_for(row.field)
    row.op = row.op if row.op in allowed else allowed[0]
    first = next(iter([*filter(None, (row.text, row.low)), *row.values]), "")
    if row.shape == "one":
        row.text = row.text or first
    elif row.shape == "two":
        row.low = row.low or first
    elif row.shape == "several" and not row.values and first:
        row.values = [first]
    return row


def at(root: Group, path: str) -> Node | None:
    """The node at a path; None where there is none."""
    node: Node = root
    for step in path.split(".")[1:]:
        if not isinstance(node, Group) or not step.isdecimal() or int(step) >= len(node.parts):
            return None
        node = node.parts[int(step)]
    return node if path.split(".", maxsplit=1)[0] == ROOT else None


def change(root: Group, what: str, path: str) -> str | None:
    """Add a row or a group to the group at a path, or remove what stands there; the path to go on at."""
    node = at(root, path)
    if what in ("add", "group") and isinstance(node, Group):
        node.parts.append(Row() if what == "add" else Group("any", [Row()]))
        return f"{path}.{len(node.parts) - 1}" + (".0" if what == "group" else "")
    above = at(root, path.rpartition(".")[0])
    if what == "remove" and node is not None and isinstance(above, Group):
        above.parts.pop(int(path.rpartition(".")[2]))
        return path.rpartition(".")[0]
    return None


# ---------- To a document ----------


class Written:
    """A form's conditions as a document, and where in the form each of its places stands."""

    def __init__(self, root: Group, zone: str) -> None:
        self.zone = zone
        self.places: dict[str, Node] = {}
        self.refused = False
        self.when: dict[str, Any] | None = self._root(root)

    def _root(self, root: Group) -> dict[str, Any] | None:
        self.places["when"] = root
        return self._group(root, "when") if root.parts else None

    def _any(self, node: Node, path: str) -> dict[str, Any]:
        self.places[path] = node
        if isinstance(node, Row):
            return self._row(node)
        if not node.parts:
            self._refuse(node, "Add a condition to this group, or remove it.")
        return self._group(node, path)

    def _group(self, group: Group, path: str) -> dict[str, Any]:
        if group.match == "none":
            return {"not": self._none(group, f"{path}.not")}
        parts, last = list(group.parts), group.parts[-1] if group.parts else None
        without = group.match == "all" and isinstance(last, Group) and last.match == "none"
        if without and sum(isinstance(p, Group) and p.match == "none" for p in parts) == 1 and len(parts) > 1:
            kept = [self._any(part, f"{path}.all.{n}") for n, part in enumerate(parts[:-1])]
            assert isinstance(last, Group)
            return {"all": kept, "not": self._none(last, f"{path}.not")}
        return {group.match: [self._any(part, f"{path}.{group.match}.{n}") for n, part in enumerate(parts)]}

    def _none(self, group: Group, path: str) -> dict[str, Any]:
        self.places[path] = group
        if len(group.parts) == 1:
            return self._any(group.parts[0], path)
        if not group.parts:
            self._refuse(group, "Add a condition to this group, or remove it.")
        return {"any": [self._any(part, f"{path}.any.{n}") for n, part in enumerate(group.parts)]}

    def _row(self, row: Row) -> dict[str, Any]:
        if not row.field:
            self._refuse(row, "Choose a field, or remove this condition.")
        elif row.field == CUSTOM and not row.custom.strip():
            self._refuse(row, "Give the name of your own field.")
        base = {"field": row.name, "op": row.op}
        if row.shape == "none":
            return base
        if row.shape == "one":
            return {**base, "value": self._value(row, row.text)}
        given = [row.low, row.high] if row.shape == "two" else row.values
        return {**base, "value": [self._value(row, text) for text in given]}

    def _refuse(self, node: Node, sentence: str) -> None:
        node.errors.append(sentence)
        self.refused = True

    def _value(self, row: Row, text: str) -> Any:
        if row.field in INSTANT:
            at = _instant(text)
            local = at.replace(tzinfo=ZoneInfo(self.zone)) if at and at.tzinfo is None else at
            return local.astimezone(UTC).isoformat().replace("+00:00", "Z") if local else text
        if row.field == "country" and text:
            return _country(text)
        if row.field in NUMBER or (row.field == CUSTOM and row.kind == "number"):
            return _number(text)
        if row.field == CUSTOM and row.kind == "flag":
            return {"yes": True, "true": True, "no": False, "false": False}.get(text.casefold(), text)
        return _json(text) if row.field == CUSTOM and row.kind == "json" else text

    def refuse(self, errors: Sequence[tuple[str, str]]) -> Iterator[str]:
        """Put refusals by path (``when.all.0.value``) on their rows; gives back those that name no place."""
        for path, sentence in errors:
            place = path
            while place and place not in self.places:
                place = place.rpartition(".")[0]
            if place and place != "when":
                self._refuse(self.places[place], sentence)
            else:
                yield sentence


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> Any:
    """The number that was typed, decimal point or comma; the text itself where it is none."""
    plain = text.replace(" ", "").replace(",", ".") if text.count(",") == 1 else text.replace(" ", "")
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _country(text: str) -> str:
    """A country's two letters, by them or by its name; else what was typed."""
    if len(text) == 2 or ":" in text:
        return text.upper() if len(text) == 2 else text
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return text


def numbered(group: Group, path: str = ROOT) -> Iterator[tuple[str, Node]]:
    """Every node with its path, the whole first."""
    yield path, group
    for n, part in enumerate(group.parts):
        if isinstance(part, Group):
            yield from numbered(part, f"{path}.{n}")
        else:
            yield f"{path}.{n}", part
