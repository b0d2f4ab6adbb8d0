"""Adding words to a CHECK that keeps a column within a vocabulary."""

import re

from alembic import op
from sqlalchemy import text

WORD = re.compile(r"'([a-z_]+)'")


def add_words(table: str, column: str, *words: str) -> None:
    """Let ``column`` hold ``words`` too, beside whatever its CHECK (``ck_<table>_<column>``) lets it hold now.

    The words of today are read from the database, so that migrations may widen one CHECK in any order. SQLite cannot
    change a CHECK, and making the table anew would lose others and break what refers to it: the stored text of the
    table is edited instead, as SQLite's own documentation of ALTER TABLE has it for changes that touch no row.
    """
    name = f"ck_{table}_{column}"
    if op.get_bind().dialect.name == "sqlite":
        _sqlite(table, column, name, words)
    else:
        _postgresql(table, column, name, words)


def _postgresql(table: str, column: str, name: str, words: tuple[str, ...]) -> None:
    query = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
    known = WORD.findall(str(op.get_bind().execute(query, {"name": name}).scalar_one()))
    op.drop_constraint(op.f(name), table, type_="check")
    op.create_check_constraint(op.f(name), table, _check(column, known, words))


def _sqlite(table: str, column: str, name: str, words: tuple[str, ...]) -> None:
    bind = op.get_bind()
    stored = bind.execute(text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :t"), {"t": table})
    whole = str(stored.scalar_one())
    found = re.search(rf"CONSTRAINT {name} CHECK \({column} IN \(([^)]*)\)\)", whole)
    if found is None:
        raise RuntimeError(f"The table {table} has no CHECK named {name}.")
    check = _check(column, WORD.findall(found[1]), words)
    wanted = whole.replace(found[0], f"CONSTRAINT {name} CHECK ({check})")
    version = int(bind.exec_driver_sql("PRAGMA schema_version").scalar_one())
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    bind.execute(
        text("UPDATE sqlite_schema SET sql = :s WHERE type = 'table' AND name = :t"), {"s": wanted, "t": table}
    )
    bind.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=OFF")


def _check(column: str, known: list[str], words: tuple[str, ...]) -> str:
    every = list(dict.fromkeys([*known, *words]))
    return f"{column} IN ({', '.join(repr(word) for word in every)})"
