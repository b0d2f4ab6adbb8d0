"""Cells of a file: which ones a spreadsheet would run, and what text and numbers they hold (pure)."""

import re
from collections.abc import Mapping

from portal.intake.facts import Scalar

#: How a column of a file names a custom field: ``custom.segment``.
CUSTOM = "custom."
NUMBERS = ("employees", "budget")
GROUPED = re.compile(r"[1-9][0-9]{0,2}(?P<group>[.,])[0-9]{3}((?P=group)[0-9]{3})*((?!(?P=group))[.,][0-9]{1,2})?")
PLAIN = re.compile(r"[0-9]{1,15}([.,][0-9]{1,15})?")
#: What a spreadsheet takes for the beginning of a formula, and the wide forms that some take for the same.
STARTERS = "=+-@\t\r＝＋－＠"
#: They begin like a formula but only ever are a number: a phone, a negative amount, a dash for "nothing".
HARMLESS = re.compile(r"\+[0-9 ().\u00a0/-]+|-[0-9]+([.,][0-9]+)*|-+")


def runs(text: str) -> bool:
    """Whether a spreadsheet would take ``text`` for a formula (OWASP, "CSV Injection").

    1. It begins with ``=``, ``+``, ``-``, ``@`` (or their wide forms), a tab or a carriage return.
    2. It is not a phone number with its country code, a negative number, or dashes alone.
    """
    return text[:1] != "" and text[0] in STARTERS and not HARMLESS.fullmatch(text)


def escape_cell(text: str) -> str:
    """``text`` for a cell of an export: behind an apostrophe where a spreadsheet would run it.

    ``unescape_cell`` gives back exactly ``text``, so a file that was exported can be imported.
    """
    return "'" + text if runs(text.lstrip("'")) else text


def unescape_cell(text: str) -> str:
    """Takes off the apostrophe that ``escape_cell``, or a careful person, put before what would run."""
    return text[1:] if text[:1] == "'" and runs(text.lstrip("'")) else text


def facts_of_row(row: Mapping[str, Scalar]) -> dict[str, object]:
    """A row of a file or a sent form, field to cell, as ``parse_lead`` takes it; empty cells are left out.

    1. ``custom.<name>`` goes into ``custom`` as it stands.
    2. ``employees`` and ``budget`` are read as numbers.
    3. Everything else is text: a postcode that a spreadsheet kept as the number 10115 is "10115".
    """
    facts: dict[str, object] = {}
    custom: dict[str, object] = {}
    for name, cell in row.items():
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        if name.startswith(CUSTOM):
            custom[name.removeprefix(CUSTOM)] = cell
        else:
            facts[name] = number_of(cell) if name in NUMBERS else text_of(cell)
    return facts | {"custom": custom} if custom else facts


def text_of(cell: Scalar) -> str:
    """A cell as it would be typed: 10115.0 is "10115", True is "true", None is empty."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def number_of(cell: Scalar) -> Scalar:
    """A number as people write it: "1 200", "1'200", "1,200", "1.200" are 1200, "12,5" and "12.5" are 12.5.

    One separator before exactly three digits groups them: nobody gives a head count or a budget to the
    thousandth. What cannot be read is given back as it is, for the field to refuse.
    """
    if not isinstance(cell, str):
        return cell
    text = re.sub(r"[\s'’]", "", cell)
    if grouped := GROUPED.fullmatch(text):
        text = text.replace(grouped["group"], "")
    if not PLAIN.fullmatch(text):
        return cell
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() else number
