"""House-keeping: what every module says about itself, what it may not do, and how large it may grow."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import flask_bootstrap
import pytest

from tests.support.sources import ROOT, module_name, parsed, product_modules, project_files

#: Where to look for a cut. The habit is far below: 50 to 300 lines a module, about 8 a function.
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
#: Spelled apart, or this file would be the first to break the rule.
REGISTRIES = tuple(".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")))
CLOCKS = {"now", "utcnow", "today"}

BOOTSTRAP = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5" / "css" / "bootstrap.min.css"

PYTHON = tuple(path for path in project_files() if path.suffix == ".py")
#: Migrations are records of a day, not code to keep short.
WRITTEN = tuple(path for path in product_modules() if "versions" not in path.parts)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(parsed(path)), "a module begins with a docstring"


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of whoever installs."""
    found = [name(path) for path in project_files() if any(host in _text(path) for host in REGISTRIES)]
    assert found == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def test_no_hidden_clock() -> None:
    """Only portal.clock asks the system for the time of day."""
    calls = [
        f"{name(path)}:{node.lineno}"
        for path in WRITTEN if module_name(path) != "portal.clock"
        for node in ast.walk(parsed(path)) if _reads_the_clock(node)
    ]  # fmt: skip
    assert calls == []


def _reads_the_clock(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    owner_name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    return owner_name in ("datetime", "date") and node.func.attr in CLOCKS


def test_modules_stay_readable() -> None:
    long = {name(path): lines for path in WRITTEN if (lines := _text(path).count("\n")) > LONGEST_MODULE}
    assert long == {}


def test_functions_stay_readable() -> None:
    assert {where: lines for where, lines in _functions() if lines > LONGEST_FUNCTION} == {}


def _functions() -> Iterator[tuple[str, int]]:
    for path in WRITTEN:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (
                    f"{name(path)}:{node.lineno} {node.name}",
                    (node.end_lineno or node.lineno) - node.lineno + 1,
                )


def test_no_page_asks_for_a_picture_in_an_address() -> None:
    """The browser is told to load pictures from here alone, so a ``data:`` picture of Bootstrap would stay blank."""
    pictured, used = _pictured(), _used_classes()
    for known in ("form-select", "form-check-input", "btn-close", "accordion", "navbar", "carousel-control-next-icon"):
        assert frozenset({known}) in pictured, f"where is {known}? Bootstrap's file is read wrongly"
    assert {frozenset({"form-control", state}) for state in ("is-valid", "is-invalid")} <= pictured
    assert {"form-control", "btn", "card"} <= used, "templates are read wrongly"
    assert [sorted(classes) for classes in pictured if classes <= used] == []
    assert [name(path) for path in project_files() if path.suffix == ".css" and "data:" in _text(path)] == []


def _pictured() -> set[frozenset[str]]:
    """The classes that together bring one of Bootstrap's pictures, straight or in a variable."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", _text(BOOTSTRAP))
    selectors = [re.sub(r":not\([^)]*\)", "", selector) for selector, body in rules if 'url("data:' in body]
    return {frozenset(re.findall(r"\.([a-z][\w-]*)", each)) for selector in selectors for each in selector.split(",")}


def _used_classes() -> set[str]:
    """Every word of templates and scripts that may be a class, comments left out."""
    written = [path for path in project_files() if path.suffix in (".html", ".js")]
    pages = [path for path in written if path.relative_to(ROOT).parts[0] in ("templates", "static")]
    return {word for path in pages for word in re.findall(r"[\w-]+", re.sub(r"(?s)\{#.*?#\}", "", _text(path)))}
