"""Files of leads: how CSV and XLSX are read, which columns are which fields, and every refusal."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from portal.errors import Invalid
from portal.intake import table
from portal.intake.cells import escape_cell, facts_of_row, number_of, runs, unescape_cell
from portal.intake.columns import KNOWN
from portal.intake.table import Row, Table, TableError, map_header, read_table


def read(content: str | bytes, mapping: dict[str, str] | None = None) -> Table:
    data = content.encode() if isinstance(content, str) else content
    return read_table(io.BytesIO(data), "leads.csv", mapping)


def rows(content: str | bytes, mapping: dict[str, str] | None = None) -> list[Row]:
    return list(read(content, mapping).rows)


def xlsx(*lines: Sequence[Any]) -> bytes:
    book = Workbook()
    for line in lines:
        book.active.append(list(line))
    return saved(book)


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def refusal(content: str | bytes, mapping: dict[str, str] | None = None) -> str:
    with pytest.raises(TableError) as refused:
        rows(content, mapping)
    assert isinstance(refused.value, Invalid)
    assert refused.value.errors == [("file", str(refused.value))]
    return str(refused.value)


# CSV


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_separator_and_any_line_end(mark: str, end: str) -> None:
    content = end.join([mark.join(["email", "company"]), mark.join(["a@b.co", '"Acme, Sons; Co"']), ""])
    assert rows(content) == [Row(2, {"email": "a@b.co", "company": "Acme, Sons; Co"}, [])]


def test_excel_may_say_its_separator_itself() -> None:
    assert rows("sep=;\r\nemail;company\r\na@b.co;A,B\r\n") == [Row(3, {"email": "a@b.co", "company": "A,B"}, [])]


@pytest.mark.parametrize(
    ("encoding", "notes"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        ("utf-16", ()),
        ("cp1252", (table.NOTE_1252,)),
    ],
)
def test_encodings(encoding: str, notes: tuple[str, ...]) -> None:
    found = read("email,city\na@b.co,K\u00f6ln\n".encode(encoding))
    assert found.notes == notes
    assert found.header == ("email", "city")
    assert list(found.rows) == [Row(2, {"email": "a@b.co", "city": "K\u00f6ln"}, [])]


def test_a_row_in_another_encoding_is_an_error_of_that_row() -> None:
    good = "a@b.co,K\u00f6ln\n".encode()
    found = rows(b"email,city\n" + good + "c@d.co,M\u00fcnchen\n".encode("cp1252") + b"e@f.co,Bonn\n")
    assert [(row.line, bool(row.errors)) for row in found] == [(2, False), (3, True), (4, False)]
    assert "not in the encoding of the file (UTF-8)" in found[1].errors[0][1]


def test_a_row_of_utf8_in_a_windows_file_is_not_garbled_in_silence() -> None:
    windows = "a@b.co,M\u00fcnchen \u00e4\u00f6\u00fc\n".encode("cp1252")
    found = read(b"email,city\n" + windows + "c@d.co,K\u00f6ln\n".encode())
    first, second = found.rows
    assert found.notes == (table.NOTE_1252,)
    assert first.facts["city"] == "M\u00fcnchen \u00e4\u00f6\u00fc"
    assert "UTF-8 in a file that is Windows-1252" in second.errors[0][1]


def test_a_byte_that_windows_1252_lacks() -> None:
    found = rows(b"email,city\na@b.co,M\xfcnchen\nc@d.co,K\x81ln\n")
    assert [bool(row.errors) for row in found] == [False, True]
    assert "Windows-1252" in found[1].errors[0][1]


def test_lines_are_counted_where_a_row_starts() -> None:
    content = 'email,message\n\na@b.co,"one\ntwo\n\nthree"\n\n,\nc@d.co,x\n'
    assert [(row.line, row.facts.get("message")) for row in rows(content)] == [
        (3, "one\ntwo\n\nthree"),
        (9, "x"),
    ]


def test_a_quotation_mark_never_closed_is_told_with_its_lines() -> None:
    found = rows('email,company\na@b.co,A\nc@d.co,"B\ne@f.co,C\n')
    assert found[0].errors == []
    assert (found[1].line, found[1].facts) == (3, {})
    assert found[1].errors[0][1].startswith("Lines 3 to 4 cannot be read: a quotation mark")


def test_a_quotation_mark_out_of_place_costs_its_row_alone() -> None:
    found = rows('email,company\na@b.co,"A" x\nc@d.co,C\n')
    assert found[0].errors[0][1].startswith("Line 2 cannot be read")
    assert found[1] == Row(3, {"email": "c@d.co", "company": "C"}, [])


def test_a_short_row_has_nothing_in_the_rest() -> None:
    assert rows("email,company,city\na@b.co,Acme\n") == [Row(2, {"email": "a@b.co", "company": "Acme"}, [])]


def test_a_cell_too_many_is_an_error() -> None:
    (row,) = rows("email,company\na@b.co,Acme,Berlin\n")
    assert row.errors == [("", "Column 3 has no name in the header, but this row has 'Berlin' there.")]


def test_a_column_without_a_name_must_be_empty() -> None:
    first, second = rows("email,,city\na@b.co,,Bonn\nc@d.co,x,Bonn\n")
    assert (first.errors, len(second.errors)) == ([], 1)


# Whole files refused


@pytest.mark.parametrize("content", ["", "\n\n", " , \n", "\ufeff"])
def test_an_empty_file(content: str) -> None:
    assert refusal(content) == "leads.csv is empty."


@pytest.mark.parametrize("content", ["email,company\n", "email\n\n,\n", xlsx(["email", "company"])])
def test_a_header_alone(content: str | bytes) -> None:
    assert refusal(content) == "leads.csv has a header and no rows."


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 2)
    assert len(rows("email\na@b.co\n\nb@b.co\n")) == 2
    assert refusal("email\na@b.co\nb@b.co\nc@b.co\n") == "There are more than 2 rows: divide the file."


def test_the_limit_of_rows() -> None:
    assert table.MOST_ROWS == 200_000


def test_too_large_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LARGEST_FILE", 12)
    assert "larger than" in refusal("email\na@b.co\n")


def test_an_archive_that_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LARGEST_UNPACKED", 100)
    assert "too large once unpacked" in refusal(xlsx(["email"], ["a@b.co"]))


@pytest.mark.parametrize("content", [b"PK\x03\x04 not an archive", xlsx(["email"], ["a@b.co"])[:-200]])
def test_a_broken_archive(content: bytes) -> None:
    assert refusal(content) == "leads.csv is not a table that can be read: save it as XLSX or CSV."


def test_a_sheet_that_breaks_off() -> None:
    whole, broken = io.BytesIO(xlsx(["email"], ["a@b.co"], ["c@d.co"], ["e@f.co"])), io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: content.index(b'<row r="4"')] if "sheet1" in name else content)
    assert refusal(broken.getvalue()) == "leads.csv is damaged: save it again as XLSX or CSV."


def test_an_old_excel_file() -> None:
    assert "old Excel file or has a password" in refusal(b"\xd0\xcf\x11\xe0 and more")


def test_a_header_that_cannot_be_read() -> None:
    assert refusal('email,"company\na@b.co,Acme\n').startswith("The header of leads.csv cannot be read. Lines 1 to 2")


# The header


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["E-mail", "First name", "Last Name", "ZIP"], ("email", "first_name", "last_name", "postcode")),
        (["EMAIL ADDRESS", "Surname", "Postal code"], ("email", "last_name", "postcode")),
        (["E-Mail", "Vorname", "Firma", "PLZ"], ("email", "first_name", "company", "postcode")),
        (["Telephone", "utm_source", "UTM Medium", "Ort"], ("phone", "utm_source", "utm_medium", "city")),
        (["email", "Custom.Segment", "custom. seats "], ("email", "custom.Segment", "custom.seats")),
        (["email", "", "External ID"], ("email", None, "external_id")),
        (["email", "Pr\u00e9nom"], ("email", "first_name")),
    ],
)  # fmt: skip
def test_columns_by_their_names(header: list[str], fields: tuple[str | None, ...]) -> None:
    assert map_header(header) == fields


def test_every_field_is_a_column_of_its_own_name() -> None:
    assert map_header(KNOWN) == KNOWN


def test_columns_by_a_mapping() -> None:
    mapping = {"Contact": "email", "notes": "", "Seg": "custom.segment", "City": "region"}
    assert map_header(["contact", "Notes", "Seg", "City"], mapping) == (
        "email",
        None,
        "custom.segment",
        "region",
    )


@pytest.mark.parametrize(
    ("header", "mapping", "said"),
    [
        (["name", "company"], {}, "is needed, such as email or phone. This file has: name, company."),
        (["email", "Shoe size"], {}, "No field for: Shoe size. Map"),
        (["email", "custom."], {}, "No field for: custom.."),
        (["email", "custom." + "k" * 65], {}, "No field for: custom.kkk"),
        (["email", "E-mail"], {}, "all read as email: email, E-mail"),
        (["email", "x"], {"x": "email"}, "all read as email: email, x"),
        (["email"], {"Mail": "email"}, "The mapping names Mail; this file has: email."),
        (["email", "x"], {"x": "shoe_size"}, "The mapping of x names no field: shoe_size."),
        (["email", "x"], {"x": "custom"}, "The mapping of x names no field: custom."),
        (["email"], {"email": ""}, "is needed"),
        (["", ""], {}, "This file has: no names at all."),
        ([f"c{n}" for n in range(40)], {}, "c29 and 10 more."),
    ],
)  # fmt: skip
def test_a_wrong_header(header: list[str], mapping: dict[str, str], said: str) -> None:
    with pytest.raises(TableError) as refused:
        map_header(header, mapping)
    assert said in str(refused.value)


def test_a_column_left_out_may_hold_anything() -> None:
    assert rows("email,notes\na@b.co,=1+1\n", {"notes": ""}) == [Row(2, {"email": "a@b.co"}, [])]


# Cells


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-cmd|x", "@SUM(A1)", "=", "@", "+", "+1+HYPERLINK(1)", "- item", "\uff1d1"]
)
def test_what_a_spreadsheet_would_run_is_refused(text: str) -> None:
    (row,) = rows(f'email,company\na@b.co,"{text}"\n')
    assert row.errors == [
        (
            "company",
            f"This starts with '{text[0]}', which a spreadsheet would run: put the plain value there.",
        )
    ]


@pytest.mark.parametrize("text", ["+49 30 1234567", "+49 (0)30/12-34.5", "-5", "-1,200.50", "-", "--", "a=b", "5-6"])
def test_what_only_looks_like_a_formula_is_taken(text: str) -> None:
    (row,) = rows(f'email,company\na@b.co,"{text}"\n')
    assert (row.facts["company"], row.errors) == (text, [])


def test_space_does_not_hide_a_formula() -> None:
    (row,) = rows("email,company\na@b.co,  =1+1\n")
    assert len(row.errors) == 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("@x", "'@x"), ("'=1", "''=1"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("-x", "'-x"),
        ("+49 30 1", "+49 30 1"), ("-5", "-5"), ("Acme", "Acme"), ("'tis", "'tis"), ("", ""),
    ],
)  # fmt: skip
def test_escaping_for_an_export(text: str, cell: str) -> None:
    assert escape_cell(text) == cell


@given(st.text(alphabet="'=+-@a1 \t", max_size=6))
@example("''=1")
def test_an_escaped_cell_comes_back_and_never_runs(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text
    assert not runs(escape_cell(text))


def test_an_exported_cell_can_be_imported() -> None:
    (row,) = rows(f"email,company\na@b.co,{escape_cell('=1+1')}\n")
    assert (row.facts["company"], row.errors) == ("=1+1", [])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250", 250), ("1 200", 1200), ("1\u00a0200", 1200), ("1'200", 1200), ("1,200", 1200),
        ("1.200", 1200), ("1.200.000", 1_200_000), ("1,200.50", 1200.5), ("1.200,50", 1200.5), ("12,5", 12.5),
        ("12.50", 12.5), ("0.125", 0.125), ("1234.567", 1234.567), ("007", 7), (5, 5), (2.5, 2.5),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str | float, number: float) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["50-100", "1,200,50", "1,2,3", "12k", "1e3", "-5", "EUR 5", "9" * 16, "\u0663"])
def test_what_is_no_number_stays_for_the_field_to_refuse(text: str) -> None:
    assert number_of(text) == text


def test_a_row_as_a_lead_takes_it() -> None:
    row = {
        "email": "a@b.co", "postcode": 10115, "phone": 4930123.0, "city": " ", "company": True,
        "employees": "1,200", "budget": 5, "custom.seats": 5, "custom.segment": "SMB",
        "custom.empty": "", "region": None,
    }  # fmt: skip
    assert facts_of_row(row) == {
        "email": "a@b.co", "postcode": "10115", "phone": "4930123", "company": "true", "employees": 1200,
        "budget": 5, "custom": {"seats": 5, "segment": "SMB"},
    }  # fmt: skip


# Rows that repeat


def test_a_known_external_id_names_the_line_it_repeats() -> None:
    found = rows("external_id,email\nx-1,a@b.co\nx-2,a@b.co\n x-1 ,c@d.co\n")
    assert [row.errors for row in found] == [[], [], [("", "This repeats line 2.")]]


def test_the_same_row_twice_without_an_external_id() -> None:
    found = rows("email,city\na@b.co,Bonn\na@b.co,Berlin\na@b.co,Bonn\n")
    assert [row.errors for row in found] == [[], [], [("", "This repeats line 2.")]]


def test_a_row_that_is_wrong_is_not_what_others_repeat() -> None:
    found = rows("external_id,company,email\nx-1,=1,a@b.co\nx-1,Acme,a@b.co\n")
    assert [len(row.errors) for row in found] == [1, 0]


# XLSX


def test_a_sheet_of_text_numbers_truth_and_dates() -> None:
    content = xlsx(
        ["Email", "ZIP", "Employees", "custom.new", "custom.seats", "Received at", "custom.day"],
        ["a@b.co", 10115, 250, True, 2.5, datetime.fromisoformat("2026-03-02T10:00"), date(2026, 3, 2)],
        [],
        ["c@d.co"],
    )
    first, second = rows(content)
    assert first == Row(
        2,
        {
            "email": "a@b.co", "postcode": "10115", "employees": 250, "received_at": "2026-03-02T10:00:00",
            "custom": {"new": True, "seats": 2.5, "day": "2026-03-02T00:00:00"},
        },
        [],
    )  # fmt: skip
    assert second == Row(4, {"email": "c@d.co"}, [])


def test_a_length_of_time_is_text() -> None:
    (row,) = rows(xlsx(["email", "custom.wait"], ["a@b.co", timedelta(hours=30)]))
    assert row.facts["custom"] == {"wait": "1 day, 6:00:00"}


@pytest.mark.parametrize("value", ["=1+1", "=A1", ArrayFormula("B2:B2", "=A1"), "@x"])
def test_a_formula_in_a_sheet_is_refused(value: object) -> None:
    (row,) = rows(xlsx(["email", "company"], ["a@b.co", value]))
    assert row.errors[0][0] == "company"
    assert "which a spreadsheet would run" in row.errors[0][1]


def test_an_error_of_the_spreadsheet_is_refused() -> None:
    (row,) = rows(xlsx(["email", "company"], ["a@b.co", "#N/A"]))
    assert row.errors == [("company", "This holds the spreadsheet's error #N/A: put the plain value there.")]


def test_the_first_sheet_is_read_and_the_note_names_it() -> None:
    book = Workbook()
    book.active.title = "Fair"
    book.active.append(["email"])
    book.active.append(["a@b.co"])
    book.create_sheet("Other").append(["x"])
    found = read(saved(book))
    assert found.notes == ("Only the first sheet is read: Fair.",)
    assert [row.facts for row in found.rows] == [{"email": "a@b.co"}]


def test_a_sheet_may_start_further_down() -> None:
    book = Workbook()
    book.active["A3"], book.active["B3"] = "email", "city"
    book.active["A5"], book.active["B5"] = "a@b.co", "Bonn"
    assert rows(saved(book)) == [Row(5, {"email": "a@b.co", "city": "Bonn"}, [])]
