"""``python -m benchmarks [SECTION ...]``: measure, print a table a section, keep all of it under var/bench."""

import argparse
import importlib
import json
import sys
from pathlib import Path

from benchmarks import results
from benchmarks.house import house
from benchmarks.options import Options
from benchmarks.results import Row
from tests.support import databases, servers

SECTIONS = ("place", "bulk", "decide", "http", "sweep", "pages", "start")
#: Only where they are named: they take minutes and measure no speed.
NAMED = ("year",)


def main(arguments: list[str] | None = None) -> int:
    """Run the sections that are named, or all; 0."""
    given = parse(arguments)
    if given.markdown is not None:
        print(results.markdown(json.loads(given.markdown.read_text())), end="")
        return 0
    options = Options(
        tuple(given.sections or SECTIONS), (given.database,) if given.database else databases.KINDS, given.quick
    )
    servers.open_run()
    try:
        rows, versions = measured(options)
    finally:
        servers.close_run()
    print(f"Kept in {results.keep(rows, versions, quick=options.quick)}")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("benchmarks", description="Measure Fairlead beside the bare floor.")
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS, *NAMED], help="which; left out: all but year")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how quickly")
    parser.add_argument("--database", choices=databases.KINDS, help="this one only")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a kept run as a Markdown table instead")
    return parser.parse_args(arguments)


def measured(options: Options) -> tuple[list[Row], dict[str, str]]:
    """The rows of every section, each shown when it is there, and the databases' versions."""
    versions = {}
    for kind in options.databases:
        with house(kind, "version") as made:
            versions[kind] = made.version()
    found: list[Row] = []
    for name in options.sections:
        rows = list(importlib.import_module(f"benchmarks.{name}").run(options))
        results.show(name, rows)
        found += rows
    return found, versions


if __name__ == "__main__":
    sys.exit(main())
