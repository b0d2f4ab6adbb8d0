"""Rules as a YAML text and back, exactly: what is exported and imported again says the very same. Pure.

Read more strictly than YAML 1.1 allows, since a rule is full of short words: only ``true`` and ``false`` are not text
(``NO`` is Norway), a number begins with no zero (``01067`` is a postcode), dates and times stay text, a key may stand
once only, and no part refers to another.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml  # type: ignore[import-untyped]

LONGEST = 2_000_000
KEYS = ("rules", "note", "version")


class YamlError(ValueError):
    """A text that cannot be read; ``str()`` is the sentence."""


class _Writer(yaml.SafeDumper):  # type: ignore[misc]
    """Writes every part out, even where two are alike."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: _Writer, text: str) -> Any:
    """Breaks and what cannot be seen are written as escapes: no reader of YAML folds those."""
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Writer.add_representer(str, _text)


class _Reader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads what the writer writes, and what people type, with fewer surprises."""

    #: One for this class alone: the library's own is shared by all its loaders.
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark
            raise YamlError(f"Line {mark.line + 1} refers to another part: write it out instead.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (at, _) in zip(keys, node.value, strict=True):
            if not isinstance(key, str) or keys.count(key) > 1:
                line = at.start_mark.line + 1
                told = f"says {key} twice" if isinstance(key, str) else "has a key that is no text"
                raise YamlError(f"Line {line} {told}: leave one out.")
        return dict(super().construct_mapping(node, deep=deep))


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?", "-0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Reader.add_constructor("tag:yaml.org,2002:float", lambda reader, node: float(reader.construct_scalar(node)))
_Reader.add_constructor("tag:yaml.org,2002:int", lambda reader, node: int(reader.construct_scalar(node)))


def to_yaml(
    rules: Sequence[Any], note: str = "", number: int | None = None, names: Mapping[str, str] | None = None
) -> str:
    """The rules as text. ``names``: partners by id, told in remarks beside the ids that the rules use."""
    head = ["# Allocation rules of Fairlead. The order counts: the first rule that matches a lead wins."]
    used = [id_ for id_ in (names or {}) if f'"{id_}"' in _quoted(rules)]
    head += (
        ["# Partners by their ids:", *(f"#   {id_}  {_one_line((names or {})[id_])}" for id_ in used)] if used else []
    )
    document = {**({"version": number} if number is not None else {}), "note": note, "rules": list(rules)}
    text = yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False)
    return "\n".join([*head, text])


def _quoted(rules: Sequence[Any]) -> set[str]:
    """Every text in the rules, in quotes."""
    found: set[str] = set()
    waiting: list[Any] = [rules]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.add(f'"{part}"')
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return found


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def from_yaml(text: str) -> tuple[list[Any], str]:
    """The rules and the note of a text: the whole export, or a bare list of rules; JSON is read as well.

    Whether the rules can be used is asked when they are drafted. Raises YamlError.
    """
    if len(text) > LONGEST:
        raise YamlError(f"This is too long: at most {LONGEST:,} characters.")
    try:
        document = _Reader(text).get_single_data()
    except YamlError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"Line {mark.line + 1}, column {mark.column + 1}" if mark else "This"
        raise YamlError(f"{where} cannot be read as YAML: {error.problem}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError("This cannot be read as YAML.") from error
    return _rules_of(document)


def _rules_of(document: Any) -> tuple[list[Any], str]:
    if isinstance(document, list):
        return document, ""
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise YamlError("Give a list of rules, or an object with rules and, if you like, a note.")
    for key in document:
        if key not in KEYS:
            raise YamlError(f"There is no {key!r} beside rules: use {', '.join(KEYS)}.")
    note = document.get("note")
    if not (note is None or isinstance(note, str)):
        raise YamlError("The note is a text: put it in quotes.")
    return document["rules"], note or ""
