"""What mails carry beside words: links that act for their reader, and what a reader has turned off."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import MailAct, NoticeKind


class MailLink(Model):
    """One link of one mail: who may do what with which assignment, once, until when.

    What makes its address a key is not here: that is signed when the mail is sent, and kept nowhere.
    ``ended_at``: its reader was switched off.
    """

    __tablename__ = "mail_link"
    __table_args__ = (
        CheckConstraint(one_of("act", MailAct), name="act"),
        CheckConstraint("expires_at > created_at", name="lifetime"),
        Index("ix_mail_link_user_id", "user_id"),
        Index("ix_mail_link_expires_at", "expires_at"),
    )

    id: Mapped[str] = primary_key()
    user_id: Mapped[str] = mapped_column(IdType, ForeignKey("user_account.id"))
    assignment_id: Mapped[str] = mapped_column(IdType, ForeignKey("assignment.id"))
    act: Mapped[MailAct] = mapped_column(WordType(MailAct))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class MutedNotice(Model):
    """A kind of notice that a user does not want by mail."""

    __tablename__ = "muted_notice"
    __table_args__ = (UniqueConstraint("user_id", "kind"),)

    id: Mapped[str] = primary_key()
    user_id: Mapped[str] = mapped_column(IdType, ForeignKey("user_account.id"))
    kind: Mapped[NoticeKind] = mapped_column(WordType(NoticeKind))
    since: Mapped[datetime] = mapped_column(UTCDateTime)
