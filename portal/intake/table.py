"""A file of leads, read row by row: CSV in the ways that spreadsheets write it, and XLSX (pure)."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain, zip_longest
from typing import Any, BinaryIO, NamedTuple

from portal.intake.cells import facts_of_row, runs, text_of, unescape_cell
from portal.intake.columns import TableError, map_header
from portal.intake.facts import Errors, Scalar

__all__ = ["Row", "Table", "TableError", "map_header", "read_table"]

MOST_ROWS = 200_000
LARGEST_FILE = 100_000_000
LARGEST_UNPACKED = 500_000_000
OLE = b"\xd0\xcf\x11\xe0"
ZIP = b"PK\x03\x04"
NOTE_1252 = "Read as Windows-1252, because it is not UTF-8."


class Row(NamedTuple):
    """One row: the line (CSV) or row (XLSX) it starts on, its facts for ``parse_lead``, what is wrong.

    Errors are (column as the file names it, sentence). A row with errors is not to be stored.
    """

    line: int
    facts: dict[str, object]
    errors: Errors


class Line(NamedTuple):
    """Cells as read, before they have names. ``error`` says why there are none."""

    number: int
    cells: Sequence[Any]
    error: str = ""


@dataclass(frozen=True)
class Table:
    """A file that can be read: what its columns are called, which fields they are, how it was read, its rows.

    ``rows`` can be gone through once and raises TableError where row 200,001 comes: read it to its end before
    anything is stored.
    """

    header: tuple[str, ...]
    fields: tuple[str | None, ...]
    notes: tuple[str, ...]
    rows: Iterator[Row]


def read_table(stream: BinaryIO, filename: str, mapping: Mapping[str, str] | None = None) -> Table:
    """The file in ``stream``, CSV or XLSX by what is in it; ``filename`` is only named in sentences.

    1. CSV is UTF-8, UTF-16 with its mark, or else Windows-1252 as a whole, which a note tells; a row whose
       bytes are not in the encoding of the file is an error of that row. It is divided by comma, semicolon or
       tab, whichever makes most columns of the header.
    2. XLSX: the first sheet; a note names it where there are others. A formula is refused, its result unread.
    3. The header is the first line that is not empty; ``map_header`` says which fields its columns are.
    4. Rows without any text are passed over.
    Raises TableError: nothing in it, a header alone, too large, not a table, a header that does not do.
    """
    data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise TableError(f"{filename} is larger than {LARGEST_FILE // 1_000_000} MB: divide it.")
    if data.startswith(OLE):
        raise TableError(f"{filename} is an old Excel file or has a password: save it as XLSX or CSV without one.")
    lines, notes = _xlsx_lines(data, filename) if data.startswith(ZIP) else _csv_lines(data)
    filled = (line for line in lines if line.error or any(not _blank(cell) for cell in line.cells))
    first, second = next(filled, None), next(filled, None)
    if first is None:
        raise TableError(f"{filename} is empty.")
    if first.error:
        raise TableError(f"The header of {filename} cannot be read. {first.error}")
    header = _header(first.cells)
    fields = map_header(header, mapping)
    if second is None:
        raise TableError(f"{filename} has a header and no rows.")
    return Table(header, fields, notes, _rows(header, fields, chain([second], filled)))


def _header(cells: Sequence[Any]) -> tuple[str, ...]:
    names = [" ".join(text_of(cell).split()) if _plain(cell) else str(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _rows(header: Sequence[str], fields: Sequence[str | None], lines: Iterator[Line]) -> Iterator[Row]:
    """Each line as a row; one that repeats an earlier one says which."""
    seen: dict[object, int] = {}
    for count, line in enumerate(lines, 1):
        if count > MOST_ROWS:
            raise TableError(f"There are more than {MOST_ROWS:,} rows: divide the file.")
        row = _row(header, fields, line)
        if not row.errors:
            earlier = seen.setdefault(_identity(row.facts), row.line)
            if earlier != row.line:
                row.errors.append(("", f"This repeats line {earlier}."))
        yield row


def _identity(facts: Mapping[str, object]) -> object:
    """What makes two rows the same: the external id, or without one all there is."""
    if external_id := facts.get("external_id"):
        return str(external_id).strip()
    return hash(repr(sorted(facts.items(), key=lambda item: item[0])))


def _row(header: Sequence[str], fields: Sequence[str | None], line: Line) -> Row:
    """The line's cells under their fields. A column left out may hold anything, a nameless one nothing."""
    if line.error:
        return Row(line.number, {}, [("", line.error)])
    errors: Errors = []
    values: dict[str, Scalar] = {}
    for name, field, cell in zip_longest(header, fields, line.cells[: len(header)]):
        if field is None or _blank(cell):
            continue
        if sentence := _cell_error(cell):
            errors.append((name, sentence))
        else:
            values[field] = unescape_cell(cell.strip()) if isinstance(cell, str) else cell
    errors += _nameless(header, line.cells)
    return Row(line.number, facts_of_row(values), errors)


def _nameless(header: Sequence[str], cells: Sequence[Any]) -> Errors:
    """Cells that stand under no name: a separator too many, most often."""
    return [
        ("", f"Column {number} has no name in the header, but this row has '{text_of(cell)[:40]}' there.")
        for number, cell in enumerate(cells, 1)
        if not _blank(cell) and (number > len(header) or not header[number - 1])
    ]


def _cell_error(cell: Any) -> str | None:
    if not _plain(cell):
        return str(cell)
    if isinstance(cell, str) and runs(cell.strip()):
        return f"This starts with '{cell.strip()[0]}', which a spreadsheet would run: put the plain value there."
    return None


class Unreadable(str):
    """Stands in a cell for what has no plain value, and says so."""


def _plain(cell: Any) -> bool:
    return not isinstance(cell, Unreadable)


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


# CSV


def _csv_lines(data: bytes) -> tuple[Iterator[Line], tuple[str, ...]]:
    text, encoding = _decoded(data)
    separator = re.match(r"sep=(.)\r?\n", text)  # Excel's own way to say it; the line stays counted.
    start = separator.end() if separator else 0
    delimiter = separator[1] if separator else _delimiter(text)
    lines = _records(text[start:], delimiter, encoding, 1 if separator else 0)
    return lines, (NOTE_1252,) if encoding == "cp1252" else ()


def _decoded(data: bytes) -> tuple[str, str]:
    """The text and its encoding. Bytes that do not belong stay as surrogates, for their row to be refused.

    What is not UTF-8 throughout is UTF-8 with bad rows where most of what is beyond ASCII is good UTF-8.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").replace("\ufffd", "\udc80"), "utf-16"
    text = data.decode("utf-8-sig", "surrogateescape")
    bad = len(re.findall("[\udc80-\udcff]", text))
    good = len(re.findall("[^\x00-\x7f\udc80-\udcff]", text))
    if bad == 0 or data.startswith(b"\xef\xbb\xbf") or good >= bad:
        return text, "utf-8"
    return data.decode("cp1252", "surrogateescape"), "cp1252"


def _delimiter(text: str) -> str:
    """The one that makes most columns of the first line that is not empty; a comma where none makes more."""
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    return max(",;\t", key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _records(text: str, delimiter: str, encoding: str, before: int) -> Iterator[Line]:
    """Each record with the line it starts on; ``before`` lines came before ``text``.

    Strict, or a quotation mark that is never closed would swallow the rest of the file without a word.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        start = before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Line(start, (), _unreadable(start, before + reader.line_num))
        else:
            yield Line(start, cells, _encoding_error("".join(cells), encoding))


def _unreadable(first: int, last: int) -> str:
    which = f"Line {first}" if last <= first else f"Lines {first} to {last}"
    return f"{which} cannot be read: a quotation mark is out of place or never closed, or a cell is too long."


def _encoding_error(text: str, encoding: str) -> str:
    """A sentence where ``text`` is not in the file's encoding: bytes it lacks, or UTF-8 inside cp1252."""
    if text.isascii():
        return ""
    if re.search("[\ud800-\udfff]", text):
        return f"This line is not in the encoding of the file ({_label(encoding)}): save the file as UTF-8."
    if encoding == "cp1252":
        try:
            text.encode("cp1252").decode("utf-8")
        except UnicodeError:
            return ""
        return "This line is UTF-8 in a file that is Windows-1252: save the file as UTF-8."
    return ""


def _label(encoding: str) -> str:
    return "Windows-1252" if encoding == "cp1252" else encoding.upper()


# XLSX


def _xlsx_lines(data: bytes, filename: str) -> tuple[Iterator[Line], tuple[str, ...]]:
    from openpyxl import load_workbook  # Half a second of imports, for who imports XLSX.

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise TableError(f"{filename} is too large once unpacked: divide it.")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
        sheet = book.worksheets[0]
    except TableError:
        raise
    except Exception as error:  # A broken archive breaks openpyxl in many ways, with errors of many kinds.
        raise TableError(f"{filename} is not a table that can be read: save it as XLSX or CSV.") from error
    others = len(book.worksheets) > 1
    notes = (f"Only the first sheet is read: {sheet.title}.",) if others else ()
    return _sheet_lines(sheet, filename), notes


def _sheet_lines(sheet: Any, filename: str) -> Iterator[Line]:
    sheet.reset_dimensions()  # What a file says of its own size is often wrong, and would cut rows off.
    try:
        for number, row in enumerate(sheet.iter_rows(), 1):
            yield Line(number, [_cell(cell) for cell in row])
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
        raise TableError(f"{filename} is damaged: save it again as XLSX or CSV.") from error


def _cell(cell: Any) -> Any:
    """A cell as text, number, truth or None; a date as ISO 8601, an error or formula object as Unreadable."""
    value = cell.value
    if value is None or (isinstance(value, str | int | float) and cell.data_type != "e"):
        return value
    if cell.data_type == "e":
        return Unreadable(f"This holds the spreadsheet's error {value}: put the plain value there.")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return Unreadable("This starts with '=', which a spreadsheet would run: put the plain value there.")
