"""What-ifs: past leads replayed through other rules, with what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import TrialState

UNDER_WAY = "state IN ('waiting', 'running')"


class Trial(Model):
    """One replay of a past period. It keeps the rules as they were asked about: a draft changes, or is discarded.

    ``rules`` is None where the period was replayed by what was live at each moment of it. ``taken_by`` works on it
    until ``taken_until``, and renews that; another one takes it up from the beginning after that.
    """

    __tablename__ = "trial"
    __table_args__ = (
        CheckConstraint(one_of("state", TrialState), name="state"),
        CheckConstraint("to_at > from_at", name="period"),
        CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result"),
        CheckConstraint(f"({UNDER_WAY}) = (ended_at IS NULL)", name="ended_at"),
        Index("ix_trial_rule_version_id", "rule_version_id"),
        Index("ix_trial_under_way", "asked_at", postgresql_where=text(UNDER_WAY), sqlite_where=text(UNDER_WAY)),
    )

    id: Mapped[str] = primary_key()
    rule_version_id: Mapped[str] = mapped_column(IdType)
    number: Mapped[int]
    #: Of a draft, which of its revisions was asked about.
    revision: Mapped[int]
    rules: Mapped[list[Any] | None] = mapped_column(Document)
    from_at: Mapped[datetime] = mapped_column(UTCDateTime)
    to_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[TrialState] = mapped_column(WordType(TrialState), default=TrialState.WAITING)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_by: Mapped[str | None] = mapped_column(IdType)
    asked_by_name: Mapped[str | None] = mapped_column(String(200))
    begun_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Steps done, of how many; 0 of 0 before it began.
    done: Mapped[int] = mapped_column(default=0)
    whole: Mapped[int] = mapped_column(default=0)
    taken_by: Mapped[str | None] = mapped_column(String(64))
    taken_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    result: Mapped[dict[str, Any] | None] = mapped_column(Document)
    problem: Mapped[str | None] = mapped_column(Text)
