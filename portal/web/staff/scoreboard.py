"""The scoreboard: the figures that marketing and channel read the same way, of any period; also as a file."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.reporting import queries
from portal.reporting.measures import Chart, Figure, Part, day_words, gathered, scoreboard
from portal.reporting.period import Period, period
from portal.web import gate
from portal.web.shell import zone
from portal.web.staff.forms import day_of
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


def _computed() -> tuple[Period, tuple[Figure, ...]]:
    asked = period(day_of(request.args.get("from")), day_of(request.args.get("to")), now(), zone())
    return asked, scoreboard(queries.facts(db.session, actor(), asked, now()), asked)


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
        "rows_url": url_for("leads.index", **_address(asked)),
        "export_url": url_for("scoreboard.export", figure=figure.key, **_address(asked)),
        "table": {"head": _head(figure), "rows": [_line(part) for part in figure.parts]},
        "items": _marks(figure),
        "ticks": _ticks(figure),
    }


def _head(figure: Figure) -> list[str]:
    if len(figure.series) == 1:
        return [figure.kind, figure.series[0].capitalize(), "Before"]
    return [figure.kind, *(each.capitalize() for each in figure.series), *(f"{each} before" for each in figure.series)]


def _line(part: Part) -> list[str]:
    return [part.label, *(f"{number:,}" for number in (*part.values, *part.before))]


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
