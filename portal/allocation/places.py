"""Where leads and partners are, by the postcodes that an admin loaded."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Dialect, Insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from models.partners import Partner
from models.places import Place
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation.strategies import Point
from portal.deadlines.live import cached, changed

LONGEST, SHORTEST = 16, 2
BATCH = 500
Key = tuple[str, str]


def normal(postcode: str) -> str:
    """A postcode as places keep it: without spaces and dashes, in capitals."""
    return postcode.replace(" ", "").replace("-", "").upper()


def place_of(session: AnySession, country: str | None, postcode: str | None) -> Point | None:
    """Where a postcode lies; None where it is not known."""
    if not country or not postcode:
        return None
    return _places(session, [(country, postcode)]).get((country, postcode))


def partner_places(session: AnySession) -> Mapping[str, Point]:
    """Where partners are, by id, for those that gave a postcode that is known; cached by revision."""
    return cached(session, "partner places", _load)


def _load(session: AnySession) -> Mapping[str, Point]:
    rows = session.execute(
        select(Partner.id, Partner.country, Partner.postcode).where(Partner.postcode.is_not(None))
    ).all()
    known = _places(session, [(row.country, row.postcode) for row in rows])
    keys = {row.id: (row.country, row.postcode) for row in rows}
    return {partner: known[key] for partner, key in keys.items() if key in known}


def _places(session: AnySession, wanted: Sequence[Key]) -> dict[Key, Point]:
    """Points by what was asked for: of the postcode itself, else of the longest beginning of it that is listed.

    Many lists stop at the outward half of a postcode ("SW1A" of "SW1A 1AA").
    """
    begun = {key: [(key[0], part) for part in _beginnings(key[1])] for key in set(wanted)}
    asked = sorted({one for parts in begun.values() for one in parts})
    found: dict[Key, Point] = {}
    for start in range(0, len(asked), BATCH):
        part = tuple_(Place.country, Place.postcode).in_(asked[start : start + BATCH])
        for country, postcode, latitude, longitude in session.execute(
            select(Place.country, Place.postcode, Place.latitude, Place.longitude).where(part)
        ):
            found[country, postcode] = (latitude, longitude)
    firsts = {key: next((found[one] for one in parts if one in found), None) for key, parts in begun.items()}
    return {key: point for key, point in firsts.items() if point is not None}


def _beginnings(postcode: str) -> list[str]:
    """The postcode and its beginnings, the longest first."""
    tight = normal(postcode)[:LONGEST]
    return [tight[:length] for length in range(len(tight), min(SHORTEST, len(tight)) - 1, -1) if length]


def keep(session: AnySession, rows: Iterable[tuple[str, str, float, float]], now: datetime, actor: Actor) -> int:
    """Store places (country, postcode, latitude, longitude), new ones over old; how many. Others stay as they are."""
    by_key = {(country, normal(postcode)): (lat, lon) for country, postcode, lat, lon in rows}
    values = [
        {"country": country, "postcode": postcode, "latitude": lat, "longitude": lon}
        for (country, postcode), (lat, lon) in by_key.items()
    ]
    statement = _upsert(session.get_bind().dialect)
    for start in range(0, len(values), BATCH):
        session.execute(statement, values[start : start + BATCH])
    changed(session)
    record(session, actor, "places.load", "places", "places", now, facts={"places": len(values)})
    return len(values)


def _upsert(dialect: Dialect) -> Insert:
    made = postgresql.insert(Place) if dialect.name == "postgresql" else sqlite.insert(Place)
    new = {"latitude": made.excluded.latitude, "longitude": made.excluded.longitude}
    return made.on_conflict_do_update(index_elements=["country", "postcode"], set_=new)
