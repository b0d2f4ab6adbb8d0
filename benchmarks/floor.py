"""The bare floor: the rows that one placed lead writes, by plain SQL, one transaction a lead, nothing decided."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, insert, select, update

from models.base import new_id

#: What placing one lead writes once, in the order of its foreign keys.
TABLES = ("lead", "lead_event", "lead_event", "audit", "assignment", "obligation", "outbox", "decision")


def samples(engine: Engine) -> list[tuple[Table, dict[str, Any]]]:
    """The latest row of each table, as the product wrote it: the floor writes the same, with ids of its own."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return [(metadata.tables[name], _latest(connection, metadata.tables[name])) for name in TABLES]


def _latest(connection: Connection, table: Table) -> dict[str, Any]:
    row = connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).mappings().one()
    return dict(row)


def place(engine: Engine, rows: Sequence[tuple[Table, dict[str, Any]]], partner: Table, rotation: Table) -> None:
    """One lead's worth of rows, the partner's counter and the rotation, in one transaction."""
    lead_id, assignment_id = new_id(), new_id()
    own = {"lead_id": lead_id, "assignment_id": assignment_id, "once": f"floor:{lead_id}", "external_id": None}
    with engine.begin() as connection:
        for table, row in rows:
            ids = {"lead": lead_id, "assignment": assignment_id}
            values = {**row, **{k: v for k, v in own.items() if k in row}, "id": ids.get(table.name, new_id())}
            connection.execute(insert(table), values)
        partner_id = rows[4][1]["partner_id"]
        connection.execute(update(partner).where(partner.c.id == partner_id).values(freed_at=datetime.now(UTC)))
        connection.execute(update(rotation).values(turns=rotation.c.turns + 1))
