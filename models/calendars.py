"""Days on which the vendor is closed: no deadline of any partner counts them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import IdType, Model, UTCDateTime, primary_key


class VendorDay(Model):
    """One day off for all, as each partner's own clocks show it. Rows go when a day is withdrawn."""

    __tablename__ = "vendor_day"
    __table_args__ = (CheckConstraint("name <> ''", name="name"),)

    id: Mapped[str] = primary_key()
    day: Mapped[date] = mapped_column(Date, unique=True)
    name: Mapped[str] = mapped_column(String(100))
    declared_at: Mapped[datetime] = mapped_column(UTCDateTime)
    declared_by: Mapped[str | None] = mapped_column(IdType)
    declared_by_name: Mapped[str | None] = mapped_column(String(200))
