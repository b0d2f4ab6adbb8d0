"""``python -m benchmarks``: leads placed a second beside the floor, on SQLite and PostgreSQL; JSON under var/bench."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import MetaData, text

from benchmarks import floor
from tests.support import databases, servers, world

OUT = Path(__file__).resolve().parent.parent / "var" / "bench"
PARTNERS = (40, 400)
LEADS = 300


def main() -> int:
    """Measure, print a table, write what was measured."""
    results = [measure(kind, partners) for kind in databases.KINDS for partners in PARTNERS]
    columns = ("database", "partners", "floor, leads/s", "product, leads/s", "ratio")
    shown = Shown(*columns, title="One lead, one transaction")
    for r in results:
        figures = (f"{r['floor']:.0f}", f"{r['product']:.0f}", f"{r['ratio']:.2f}")
        shown.add_row(str(r["database"]), str(r["partners"]), *figures)
    Console().print(shown)
    OUT.mkdir(parents=True, exist_ok=True)
    name = f"place-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    (OUT / name).write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(kind: str, partners: int) -> dict[str, float | int | str]:
    """Placed leads a second: the product's whole intake, and the same rows by plain SQL."""
    from app import create_app
    from models.base import db

    database = databases.new_database(kind)
    database.reset()
    app = create_app(databases.settings_for(database.url))
    with app.app_context():
        for number in range(partners):
            world.make_partner(db.session, weight=number % 4 + 1, open_lead_cap=100_000)
        world.publish_rules(db.session)
        world.receive_lead(db.session)
        _analyze(db.engine)
        product = _rate(lambda: world.receive_lead(db.session))
        db.session.remove()
        metadata = MetaData()
        metadata.reflect(db.engine, only=("partner", "rotation"))
        rows = floor.samples(db.engine)
        bare = _rate(lambda: floor.place(db.engine, rows, metadata.tables["partner"], metadata.tables["rotation"]))
        db.engine.dispose()
    database.close()
    return {"database": kind, "partners": partners, "floor": bare, "product": product, "ratio": product / bare}


def _analyze(engine) -> None:  # type: ignore[no-untyped-def]
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def _rate(once: Callable[[], object]) -> float:
    for _ in range(20):
        once()
    started = time.perf_counter()
    for _ in range(LEADS):
        once()
    return LEADS / (time.perf_counter() - started)


if __name__ == "__main__":
    servers.open_run()
    try:
        sys.exit(main())
    finally:
        servers.close_run()
