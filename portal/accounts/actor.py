"""Who acts: a user, a key, or Fairlead itself. Handed to every service, so that audit and ledger can name it."""

from dataclasses import dataclass

from portal.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """``kind`` is user, key or system. ``portfolio``: the partners a channel manager sees, None for all."""

    kind: str
    id: str | None
    name: str
    role: Role
    partner_id: str | None = None
    portfolio: frozenset[str] | None = None
    timezone: str = "UTC"

    @property
    def is_partner(self) -> bool:
        return self.partner_id is not None

    @property
    def is_staff(self) -> bool:
        return self.partner_id is None

    @property
    def manages_partners(self) -> bool:
        return self.role in (Role.CHANNEL_MANAGER, Role.ADMIN)


SYSTEM = Actor(kind="system", id=None, name="Fairlead", role=Role.ADMIN)
