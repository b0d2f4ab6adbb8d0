"""The scoreboard: the figures that marketing and channel read the same way, of any period; also as a file."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from models.base import db
from models.leads import Lead
from models.partners import Partner
from portal.accounts import access
from portal.reporting import queries
from portal.reporting.measures import Chart, Facts, Figure, Part, day_words, gathered, scoreboard
from portal.reporting.period import Period, period
from portal.reporting.rows import Behind, behind
from portal.web import gate
from portal.web.shell import since, zone
from portal.web.staff import lead_reading, paging
from portal.web.staff.forms import day_of
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

figures = Blueprint("scoreboard", __name__, url_prefix="/scoreboard")
gate.only(figures, *gate.STAFF)
COLUMNS = (
    "figure", "part", "counts", "from", "to", "number", "from_before", "to_before", "number_before", "definition",
)  # fmt: skip
LABEL = 13
WHOLE = "whole period"
SPANS = (7, 30, 90, 365)


@figures.get("")
def index() -> ResponseReturnValue:
    """All figures of a period; the period stays in the address."""
    asked, found = _computed()
    return render_template(
        "scoreboard/index.html",
        asked=asked,
        before=asked.before,
        days=asked.days,
        words=[_day(asked.first), _day(asked.last), _day(asked.before.first), _day(asked.before.last)],
        figures=[_shown(figure, asked) for figure in found],
        spans=_spans(asked),
        some=actor().portfolio is not None,
        export_url=url_for("scoreboard.export", **_address(asked)),
    )


@figures.get("/figures.csv")
def export() -> Response:
    """The same numbers as a file; ``figure=`` for one of them."""
    asked, found = _computed()
    wanted = request.args.get("figure", "")
    chosen = [figure for figure in found if figure.key == wanted] or found
    name = f"fairlead-{wanted if len(chosen) == 1 else 'scoreboard'}-{asked.first}-{asked.last}.csv"
    return Response(
        _csv(chosen, asked),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@figures.get("/rows/<name>")
def rows(name: str) -> ResponseReturnValue:
    """The leads that one figure counts, the latest first; ``part=`` for those under one of its marks."""
    asked, facts = _asked()
    figure = next((each for each in scoreboard(facts, asked) if each.key == name), None)
    if figure is None:
        abort(404)
    part, every = request.args.get("part", ""), behind(figure, facts, asked)
    chosen = [row for row in every if row.part == part] if part else every
    first = (paging.page_number() - 1) * paging.SIZE
    shown, more = paging.cut(chosen[first : first + paging.SIZE + 1])
    return render_template(
        "scoreboard/rows.html",
        figure=figure,
        words=[_day(asked.first), _day(asked.last)],
        some=actor().portfolio is not None,
        part=part,
        parts=[] if figure.chart is Chart.LINE else _parts(figure, every, part),
        all_url=paging.here(part=None, page=None),
        total=len(chosen),
        rows=_leads(shown),
        board_url=url_for("scoreboard.index", **_address(asked)),
        export_url=url_for("scoreboard.export", figure=figure.key, **_address(asked)),
        **paging.numbered(more),
    )


def _parts(figure: Figure, every: Sequence[Behind], on: str) -> list[dict[str, Any]]:
    """A filter for each mark that has rows."""
    counts = Counter(row.part for row in every)
    return [
        {"label": f"{part.label} {counts[part.label]:,}", "url": paging.here(part=part.label, page=None),
         "on": part.label == on}
        for part in figure.parts if counts[part.label]
    ]  # fmt: skip


def _leads(shown: Sequence[Behind]) -> list[dict[str, Any]]:
    """Each row with its lead, in two queries."""
    ids = [row.lead_id for row in shown]
    found = {lead.id: lead for lead in db.session.scalars(access.leads(actor()).where(Lead.id.in_(ids)))}
    held = lead_reading.holders(db.session, actor(), ids)
    return [_lead(row, found[row.lead_id], held.get(row.lead_id)) for row in shown if row.lead_id in found]


def _lead(row: Behind, lead: Lead, holder: Partner | None) -> dict[str, Any]:
    return {
        "name": lead_name(lead),
        "url": url_for("lead.page", lead_id=lead.id),
        "grade": lead.grade,
        "told": row.told,
        "status": lead.status.label,
        "holder": holder.name if holder else "",
        "source": lead.source or "",
        "received": since(lead.received_at),
    }


def _asked() -> tuple[Period, Facts]:
    asked = period(day_of(request.args.get("from")), day_of(request.args.get("to")), now(), zone())
    return asked, queries.facts(db.session, actor(), asked, now())


def _computed() -> tuple[Period, tuple[Figure, ...]]:
    asked, facts = _asked()
    return asked, scoreboard(facts, asked)


def _address(asked: Period) -> dict[str, Any]:
    return {"from": asked.first.isoformat(), "to": asked.last.isoformat()}


def _day(day: date) -> str:
    return f"{day_words(day)} {day.year}"


def _spans(asked: Period) -> list[dict[str, Any]]:
    """The usual lengths, up to today."""
    today = period(None, None, now(), zone()).last
    spans = [(days, Period(today - timedelta(days=days - 1), today, zone())) for days in SPANS]
    return [
        {"label": f"{days} days", "url": url_for("scoreboard.index", **_address(span)), "on": span == asked}
        for days, span in spans
    ]


def _shown(figure: Figure, asked: Period) -> dict[str, Any]:
    """A figure as its card shows it."""
    return {
        "figure": figure,
        "rows_url": url_for("scoreboard.rows", name=figure.key, **_address(asked)),
        "export_url": url_for("scoreboard.export", figure=figure.key, **_address(asked)),
        "table": {"head": _head(figure), "rows": [_line(part, figure, asked) for part in figure.parts]},
        "items": _marks(figure),
        "ticks": _ticks(figure),
    }


def _head(figure: Figure) -> list[str]:
    if len(figure.series) == 1:
        return [figure.kind, figure.series[0].capitalize(), "Before"]
    return [figure.kind, *(each.capitalize() for each in figure.series), *(f"{each} before" for each in figure.series)]


def _line(part: Part, figure: Figure, asked: Period) -> list[str]:
    """A part with its numbers; its name opens the rows behind it, where there are any."""
    label = part.label
    if any(part.values):
        url = url_for("scoreboard.rows", name=figure.key, part=part.label, **_address(asked))
        label = Markup('<a href="{}">{}</a>').format(url, part.label)
    return [label, *(f"{number:,}" for number in (*part.values, *part.before))]


def _marks(figure: Figure) -> list[dict[str, Any]]:
    """The marks of the chart. What has not ended is grey; so is what was not in time."""
    if figure.chart is Chart.STACKED:
        return [
            {"label": _cut(part.label), "parts": list(part.values), "text": f"{sum(part.values):,}"}
            for part in gathered(figure.parts)
        ]
    if figure.chart is Chart.BARS:
        return _shares(figure)
    return [
        {"label": part.label, "value": part.values[0], "text": f"{part.values[0]:,}", "before": part.before[0],
         "tone": "main" if part is not figure.parts[-1] else "grey"}
        for part in figure.parts
    ]  # fmt: skip


def _shares(figure: Figure) -> list[dict[str, Any]]:
    """Bars as shares of the whole in percent, so that periods of other sizes compare; the numbers are printed."""
    whole, was = sum(part.values[0] for part in figure.parts), sum(part.before[0] for part in figure.parts)
    return [
        {"label": part.label, "value": 100 * part.values[0] / (whole or 1), "text": f"{part.values[0]:,}",
         "before": 100 * part.before[0] / (was or 1), "tone": "main" if part is figure.parts[0] else "grey"}
        for part in figure.parts
    ]  # fmt: skip


def _cut(label: str) -> str:
    return label if len(label) <= LABEL else label[: LABEL - 1].rstrip() + "…"


def _ticks(figure: Figure) -> list[str]:
    """Three words under a line: its first, middle and last point."""
    if figure.chart is not Chart.LINE:
        return []
    labels = [part.label for part in figure.parts]
    return [labels[0], labels[len(labels) // 2], labels[-1]] if len(labels) > 2 else labels


def _csv(found: tuple[Figure, ...] | list[Figure], asked: Period) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for figure in found:
        writer.writerows(_csv_rows(figure, asked))
    return "\ufeff" + out.getvalue()


def _csv_rows(figure: Figure, asked: Period) -> Iterator[list[Any]]:
    """The figure itself first, then what it is made of."""
    days, told = ([asked.first, asked.last], [asked.before.first, asked.before.last]), figure.definition
    yield [figure.title, WHOLE, figure.unit, *days[0], _plain(figure.value), *days[1], _plain(figure.was), told]
    for part in figure.parts:
        for series, number, was in zip(figure.series, part.values, part.before, strict=True):
            yield [figure.title, _safe(part.label), series, *days[0], number, *days[1], was, told]


def _plain(value: float | None) -> str:
    return "" if value is None else str(value)


def _safe(text: str) -> str:
    """A text from outside that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
