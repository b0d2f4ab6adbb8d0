"""Lists that rules name, and what each held from when on."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, primary_key


class NamedList(Model):
    """Values that conditions reach by one name, such as the strategic accounts.

    ``revision`` counts the changes: who edits it names the one it read, so that nothing is lost between two admins.
    """

    __tablename__ = "named_list"

    id: Mapped[str] = primary_key()
    name: Mapped[str] = mapped_column(String(64), unique=True)
    items: Mapped[list[Any]] = mapped_column(Document)
    revision: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_by_name: Mapped[str | None] = mapped_column(String(200))


class NamedListVersion(Model):
    """What a list held from ``valid_from`` on; nothing where it was dropped. Kept by name, beyond the list's end."""

    __tablename__ = "named_list_version"
    __table_args__ = (Index("ix_named_list_version_name_valid_from", "name", "valid_from"),)

    id: Mapped[str] = primary_key()
    name: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    items: Mapped[list[Any] | None] = mapped_column(Document)
    changed_by: Mapped[str | None] = mapped_column(IdType)
