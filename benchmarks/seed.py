"""Seeding in bulk, the same every time: a few objects are made by the product, thousands are copied from their rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import select

from benchmarks.floor import maker
from benchmarks.house import NOW, House
from benchmarks.written import Written, plain, written_by
from models.assignments import Assignment
from models.base import Model, new_id
from models.partners import Partner
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.enforcement import acts
from portal.intake.policy import parse_lead
from portal.intake.service import receive
from tests.support import world

#: So many partners are eligible for a lead where partners have territories.
ELIGIBLE = 50
CAP = 100_000
_person = count(1)


def partners(house: House, number: int, regions: int) -> None:
    """``number`` partners, spread evenly over ``regions`` regions of Germany; 1: they all cover everything.

    One of each region comes from the product's own service, with a reachable user; the others are its copies.
    """
    house.session.rollback()
    made = [_one_of(house, region if regions > 1 else None) for region in range(regions)]
    copies: list[list[Written]] = [[] for _ in made]
    for place in range(regions, number):
        copies[place % regions].append(made[place % regions])
    numbers = count(number + 1)
    for wanted in copies:
        if wanted:
            _copy(house, wanted[0], [next(numbers) for _ in wanted])


def _one_of(house: House, region: int | None) -> Written:
    territories = [{"country": "DE", "region": region_name(region)}] if region is not None else []
    settings = {"territories": territories, "weight": (region or 0) % 4 + 1, "open_lead_cap": CAP}
    return written_by(house.engine, lambda: world.make_partner(house.session, now=NOW, **settings))


def region_name(number: int) -> str:
    """The name of a region."""
    return f"Region {number}"


def _copy(house: House, made: Written, numbers: Sequence[int]) -> None:
    """The rows of ``made`` once for each number, with ids of their own and that number in what must be unique."""
    places = {old: place for place, old in enumerate(made.ids())}
    mark = "?" if house.is_sqlite else "%s"
    fresh_ids = [[new_id() for _ in places] for _ in numbers]
    with house.engine.begin() as connection:
        cursor: Any = connection.connection.cursor()
        for name, row in made.inserted:
            unique, makers = _unique(name), {column: maker(value, places) for column, value in row.items()}
            names = ", ".join(f'"{column}"' for column in row)
            cursor.executemany(
                f'INSERT INTO "{name}" ({names}) VALUES ({", ".join([mark] * len(row))})',
                [_values(row, makers, unique, ids, n) for ids, n in zip(fresh_ids, numbers, strict=True)],
            )


def _values(
    row: Mapping[str, Any], makers: Mapping[str, Any], unique: set[str], ids: list[str], number: int
) -> list[Any]:
    values = []
    for column, value in row.items():
        made = makers[column]
        if made is not None:
            values.append(made(ids))
        elif column in unique and value is not None:
            values.append(number if isinstance(value, int) else f"{value}-{number}"[-64:])
        else:
            values.append(value)
    return values


def _unique(name: str) -> set[str]:
    """The columns of a table that are unique by themselves."""
    table = Model.metadata.tables[name]
    sets = [[c.name for c in index.columns] for index in table.indexes if index.unique]
    sets += [[c.name for c in rule.columns] for rule in table.constraints if type(rule).__name__ == "UniqueConstraint"]
    return {names[0] for names in sets if len(names) == 1}


def rules(house: House, number: int) -> None:
    """Publish ``number`` rules: the leads of a bench fit the last one only, so every one is asked."""
    house.session.rollback()
    narrow = [
        {
            "name": f"Product {place}",
            "when": {"all": [{"field": "product", "op": "eq", "value": f"Product {place}"}]},
            "strategy": {"kind": "weighted_round_robin"}, "then": "queue",
        }
        for place in range(number - 1)
    ]  # fmt: skip
    world.publish_rules(house.session, *narrow, world.EVERYONE, now=NOW)


def enquiry(regions: int) -> dict[str, Any]:
    """The next enquiry, as the API takes it: a new person at a new company, in the next region."""
    number = next(_person)
    return {
        "email": f"person{number}@company{number}.example.com", "first_name": "Kim", "last_name": f"Person {number}",
        "company": f"Company {number}", "country": "DE", "region": region_name(number % regions),
        "product": "Machines", "source": "Trade fair", "message": "We need a quotation for two machines.",
    }  # fmt: skip


def place_one(house: House, regions: int, now: datetime = NOW) -> None:
    """One enquiry through the product's own intake, from parsing to commit."""
    parsed = parse_lead(enquiry(regions), now)
    unit(house.session, lambda: receive(house.session, parsed, now, SYSTEM))


def partner_ids(house: House) -> list[str]:
    """All partners, in the order in which they were made."""
    house.session.rollback()
    with house.engine.connect() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT id FROM partner ORDER BY slot")]


Expressions = Mapping[tuple[str, str], str]


def bulk(
    house: House, made: Written, tables: Sequence[str], number: int, owners: Sequence[str], changed: Expressions,
    first: int = 1,
) -> None:  # fmt: skip
    """``number`` more of the rows that ``made`` holds of ``tables``, by one INSERT ... SELECT a table.

    The n-th (from ``first``) belongs to the next of ``owners``. ``changed``: SQL for columns that differ from the
    model, over ``n``, by (table, column); a column named there keeps only the table's first row.
    """
    old = {row["id"]: place for place, (name, row) in enumerate(made.inserted) if isinstance(row.get("id"), str)}
    house.session.rollback()
    with house.engine.begin() as connection:
        cursor: Any = connection.connection.cursor()
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS owner_of (place INTEGER PRIMARY KEY, id VARCHAR(36))")
        cursor.execute("DELETE FROM owner_of")
        mark = "?, ?" if house.is_sqlite else "%s, %s"
        cursor.executemany(f"INSERT INTO owner_of VALUES ({mark})", list(enumerate(owners)))
        for name, row in _once_each(made, tables):
            columns = {c: _expression(house, name, c, v, old, changed) for c, v in row.items()}
            names = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(
                f'INSERT INTO "{name}" ({names}) SELECT {", ".join(columns.values())} FROM '
                f"{_series(house, first, number)} JOIN owner_of ON owner_of.place = n % {len(owners)}"
            )
        cursor.execute("DROP TABLE owner_of")


def _once_each(made: Written, tables: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The last row of each table, in the order of their foreign keys."""
    for name in tables:
        yield name, [row for table, row in made.inserted if table == name][-1]


def _series(house: House, first: int, number: int) -> str:
    last = first + number - 1
    if house.is_sqlite:
        counting = f"SELECT {first} AS n UNION ALL SELECT n + 1 FROM counted WHERE n < {last}"
        return f"(WITH RECURSIVE counted AS ({counting}) SELECT n FROM counted) AS counted"
    return f"generate_series({first}, {last}) AS counted(n)"


def id_of(house: House, place: int) -> str:
    """SQL for the id of the n-th copy of a model's row: sorts by n, and looks like the product's own."""
    number = "printf('%012x', n)" if house.is_sqlite else "lpad(to_hex(n), 12, '0')"
    return f"('0190{place:04x}-0000-7000-8000-' || {number})"


def _expression(house: House, table: str, column: str, value: Any, old: Mapping[str, int], changed: Expressions) -> str:
    if (table, column) in changed:
        return changed[table, column]
    if column == "partner_id":
        return "owner_of.id"
    if isinstance(value, str) and value in old:
        return id_of(house, old[value])
    if column in ("email", "email_norm", "company_domain"):
        return f"('x' || n || {literal(value)})"
    return literal(value)


def literal(value: Any) -> str:
    """A value as SQL."""
    value = plain(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def later(house: House, at: datetime, seconds: str) -> str:
    """SQL for the instant so many seconds (SQL over ``n``) after ``at``."""
    if house.is_sqlite:
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', '{at:%Y-%m-%d %H:%M:%S}', '+' || ({seconds}) || ' seconds')"
    return f"(TIMESTAMPTZ '{at.isoformat()}' + ({seconds}) * INTERVAL '1 second')"


def accepted_lead(house: House, regions: int = 1) -> Written:
    """The rows of one lead that a partner has accepted: a model for ``bulk``."""

    def act() -> None:
        place_one(house, regions)
        house.session.expire_all()
        held = house.session.scalars(select(Assignment).order_by(Assignment.id.desc())).first()
        assert held is not None
        acts.accept(house.session, world.rep_of(house.session.get_one(Partner, held.partner_id)), held.id, NOW)

    return written_by(house.engine, act)
