"""Who may import whom: the contracts of pyproject.toml, and that they still hold what they say they hold."""

import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.support.sources import ROOT, imports_of, module_name, product_modules

EDGE = ("app", "portal.web", "portal.api", "portal.jobs", "portal.cli", "portal.clock")


def contracts() -> list[dict[str, Any]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return found


def test_the_contracts_are_kept() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_every_room_has_a_place_in_the_order() -> None:
    (layers,) = [contract["layers"] for contract in contracts() if contract["type"] == "layers"]
    placed = {name.strip(" ()") for layer in layers for name in layer.replace(":", "|").split("|")}
    rooms = {f"portal.{path.stem}" for path in (ROOT / "portal").iterdir() if _holds_code(path)}
    assert rooms - {"portal.__init__"} <= placed


def _holds_code(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))


@pytest.mark.parametrize("pattern", [c for k in contracts() for c in k.get("source_modules", []) if "*" in c])
def test_every_pattern_of_pure_modules_finds_one(pattern: str) -> None:
    """A rule file that is renamed would otherwise leave the contract without a word."""
    assert any(fnmatchcase(module_name(path), pattern) for path in product_modules())


def test_the_clock_is_read_at_the_edge_only() -> None:
    """Everything below is handed ``now``, so that a test, a sweep and a replay say what time it is."""
    readers = [
        module_name(path) for path in product_modules() if "portal.clock.utc_now" in imports_of(path)
        and not module_name(path).startswith(EDGE)
    ]  # fmt: skip
    assert readers == []
