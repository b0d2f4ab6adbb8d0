"""What is installed is what was reviewed: pinned, hashed, from nowhere in particular."""

import re
import tomllib
from itertools import pairwise

import pytest

from tests.support.sources import ROOT

FILES = ("requirements.txt", "requirements-dev.txt")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>[^ ;]+)( ; .+)? \\$", re.MULTILINE)


def text_of(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def pins(file: str) -> dict[str, str]:
    return {match["name"]: match["version"] for match in PIN.finditer(text_of(file))}


def declared(group: str | None) -> set[str]:
    """The names that pyproject.toml asks for, normalised as in the lists."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    asked = project["optional-dependencies"][group] if group else project["dependencies"]
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in asked}


@pytest.mark.parametrize("file", FILES)
def test_every_pin_has_its_hashes(file: str) -> None:
    starts = [match.start() for match in PIN.finditer(text_of(file))]
    blocks = [text_of(file)[start:end] for start, end in pairwise([*starts, len(text_of(file))])]
    assert len(blocks) > 50
    assert [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("file", FILES)
def test_every_line_is_a_pin_a_hash_or_a_remark(file: str) -> None:
    """No index, no address, no path: nothing that holds on one machine only."""
    lines = [line for line in text_of(file).splitlines() if line and not line.lstrip().startswith("#")]
    strange = [line for line in lines if not PIN.match(line) and not HASH.match(line)]
    assert strange == []
    assert "/" not in "".join(line for line in text_of(file).splitlines() if "#" in line)


def test_tests_run_on_the_versions_that_run() -> None:
    developing = pins("requirements-dev.txt")
    assert {name: developing.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def test_what_is_declared_is_pinned() -> None:
    assert declared(None) - set(pins("requirements.txt")) == set()
    assert declared("dev") - set(pins("requirements-dev.txt")) == set()
