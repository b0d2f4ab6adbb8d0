"""Finding partners by a few letters: name, tag, tier, or where they are and what they cover."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select

from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor

COLUMNS = (Partner.id, Partner.name, Partner.tier, Partner.country, Partner.tags, Partner.territories)
PARTS = ("country", "region", "postcode_prefix")


def searched(query: Select[Any], session: AnySession, actor: Actor, text: str) -> Select[Any]:
    """A query of partners, cut down to those that ``text`` finds; as it was without a text. One query."""
    if not text:
        return query
    rows = session.execute(access.partners(actor).with_only_columns(*COLUMNS))
    wanted = text.casefold()
    return query.where(Partner.id.in_([row.id for row in rows if finds(wanted, row)]))


def finds(wanted: str, partner: Any) -> bool:
    """Whether a text, in lower case, finds a partner.

    1. Its name has these letters.
    2. Or its tier, its country or one of its tags begins with them.
    3. Or a territory it covers does, whole ("DE 80") or by its region or postcode alone ("Bavaria", "80").
    """
    if wanted in partner.name.casefold():
        return True
    begun = (partner.tier, partner.country, *partner.tags, *_places(partner.territories))
    return any(str(each).casefold().startswith(wanted) for each in begun)


def _places(territories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for territory in territories:
        parts = [str(territory[name]) for name in PARTS if territory.get(name)]
        yield " ".join(parts)
        yield from parts[1:]
