"""Where postcodes lie: what an admin loads so that a rule can hand a lead to the nearest partner."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Model


class Place(Model):
    """One postcode of one country, tight and in capitals ("80331", "SW1A1AA"), in degrees (WGS 84)."""

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )

    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    postcode: Mapped[str] = mapped_column(String(16), primary_key=True)
    latitude: Mapped[float]
    longitude: Mapped[float]
