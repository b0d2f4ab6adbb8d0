"""Coverage: territories by products, without a map; where leads find nobody, worst first."""

from typing import Any

import pycountry
from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.allocation.sentences import region_name
from portal.reporting import decided
from portal.reporting.coverage import WORDS, Cell, Spot
from portal.reporting.period import Period
from portal.web import gate
from portal.web.staff import days as pages
from portal.web.staff import lead_reading, paging
from portal.web.staff.lead_rows import lead_rows
from portal.web.visitor import actor, now

cover = Blueprint("coverage", __name__, url_prefix="/coverage")
gate.only(cover, *gate.STAFF)
SHOWN = {"": "Where leads came in", "gaps": "Gaps only", "all": "Every place and product"}
MOST_NAMES = 12


@cover.get("")
def index() -> ResponseReturnValue:
    """The cells of some days, worst first; filters stay in the address."""
    days, regions, show = pages.asked(), _regions(), request.args.get("show", "")
    every = _cells(days, regions, everything=show in ("gaps", "all"))
    country, product = request.args.get("country", ""), request.args.get("product", "").casefold()
    fits = [cell for cell in every if _fits(cell, country, product) and (show != "gaps" or cell.gap)]
    first = (paging.page_number() - 1) * paging.SIZE
    shown, more = paging.cut(fits[first : first + paging.SIZE + 1])
    return render_template(
        "coverage/index.html",
        days=days,
        words=[pages.day(days.first), pages.day(days.last)],
        lengths=pages.spans(days, **_kept("by", "show", "country", "product")),
        some=actor().portfolio is not None,
        regions=regions,
        show=show if show in SHOWN else "",
        shows=SHOWN,
        country=country,
        countries=sorted({(cell.spot.country, country_name(cell.spot.country)) for cell in every if cell.spot.country},
                         key=lambda pair: pair[1]),
        product=product,
        products=sorted({(cell.spot.product, cell.product) for cell in every if cell.spot.product}),
        filtered=bool(_kept("show", "country", "product")),
        rows=[_row(cell, days) for cell in shown],
        total=len(fits),
        sums={"leads": sum(len(cell.leads) for cell in fits), "nobody": sum(len(cell.nobody) for cell in fits),
              "waiting": sum(cell.waiting for cell in fits)},
        **paging.numbered(more),
    )  # fmt: skip


@cover.get("/rows")
def rows() -> ResponseReturnValue:
    """The leads of one cell; ``which=nobody``: those that found nobody. And who could take one now."""
    days, regions = pages.asked(), _regions()
    spot = Spot(*(request.args.get(name, "") for name in ("place", "region", "product")))
    cell = next((each for each in _cells(days, regions, everything=True) if each.spot == spot), None)
    if cell is None:
        abort(404)
    nobody = request.args.get("which") == "nobody"
    names = dict(lead_reading.names(db.session, actor()))
    seen = [names[id_] for id_ in cell.able if id_ in names]
    return render_template(
        "coverage/rows.html",
        cell=cell,
        place=place(spot),
        words=[pages.day(days.first), pages.day(days.last)],
        nobody=nobody,
        causes=[f"{WORDS[name]}: {count:,}" for name, count in cell.causes.items()],
        able=seen[:MOST_NAMES],
        others=len(cell.able) - len(seen[:MOST_NAMES]),
        every_url=paging.here(which=None, page=None),
        nobody_url=paging.here(which="nobody", page=None),
        back_url=url_for("coverage.index", **pages.address(days), **_kept("by")),
        **lead_rows(cell.nobody if nobody else cell.leads),
    )


def _regions() -> bool:
    return request.args.get("by") == "region"


def _kept(*names: str) -> dict[str, Any]:
    """Those filters that the address gives."""
    return {name: request.args[name] for name in names if request.args.get(name)}


def _cells(days: Period, regions: bool, *, everything: bool) -> list[Cell]:
    return decided.coverage(
        db.session, actor(), days.starts, days.ends, now(), regions=regions, everything=everything
    )  # fmt: skip


def _fits(cell: Cell, country: str, product: str) -> bool:
    return country in ("", cell.spot.country) and product in ("", cell.spot.product)


def _row(cell: Cell, days: Period) -> dict[str, Any]:
    spot = {"place": cell.spot.country, "region": cell.spot.region, "product": cell.spot.product}
    args = {**pages.address(days), **_kept("by"), **spot}
    return {
        "cell": cell,
        "place": place(cell.spot),
        "product": cell.product or "None named",
        "value": f"{cell.value:,.0f}" if cell.value else "",
        "cause": WORDS[cell.cause] if cell.cause else "",
        "rows_url": url_for("coverage.rows", **args),
        "nobody_url": url_for("coverage.rows", which="nobody", **args),
    }


def place(spot: Spot) -> str:
    """The name of a place: "Bayern, Germany", "Germany", "No country named"."""
    if not spot.country:
        return "No country named"
    region = region_name(f"{spot.country}-{spot.region}") or spot.region.capitalize() if spot.region else ""
    return ", ".join(filter(None, (region, country_name(spot.country))))


def country_name(code: str) -> str:
    """A country's usual name."""
    found = pycountry.countries.get(alpha_2=code)
    return str(getattr(found, "common_name", found.name)) if found is not None else code
