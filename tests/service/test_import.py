"""Importing leads from a file: what goes in, what is told by line, and what a second run does."""

import io
from datetime import UTC, datetime
from types import SimpleNamespace

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.leads import Campaign, Lead, LeadEvent
from models.platform import Audit, Outbox
from portal.accounts.actor import SYSTEM
from portal.enforcement.verify import differences
from portal.intake.files import Report, import_leads
from portal.intake.table import TableError
from portal.vocabulary import LeadStatus
from tests.support.world import MONDAY, make_partner, publish_rules

HEADER = "email,last_name,company,country,postcode,employees\n"
ANNA = "anna@brook.example,Brook,Brook Foods,DE,10115,40\n"
BENO = "beno@cliff.example,Cliff,Cliff Tools,FR,75001,12\n"


def run(
    session: Session, content: str | bytes, mapping: dict[str, str] | None = None, *, dry_run: bool = False,
    name: str = "leads.csv",
) -> Report:  # fmt: skip
    data = content.encode() if isinstance(content, str) else content
    return import_leads(session, SYSTEM, io.BytesIO(data), name, mapping=mapping, dry_run=dry_run, now=MONDAY)


def rows_of(session: Session) -> dict[str, int]:
    """How many rows there are of whatever an import may write."""
    tables = (Lead, LeadEvent, Campaign, Assignment, Outbox, Audit)
    return {table.__tablename__: session.scalars(select(func.count()).select_from(table)).one() for table in tables}


def leads_by_email(session: Session) -> dict[str | None, Lead]:
    return {lead.email: lead for lead in session.scalars(select(Lead))}


@pytest.fixture
def ready(session: Session) -> SimpleNamespace:
    """Two partners and a rule that takes every lead."""
    partners = [make_partner(session), make_partner(session)]
    publish_rules(session)
    return SimpleNamespace(partners=partners)


def test_good_rows_are_stored_scored_and_placed(session: Session, ready: SimpleNamespace) -> None:
    report = run(session, HEADER + ANNA + BENO)
    assert (report.rows, report.created, report.known, report.duplicates, report.errors) == (2, 2, 0, 0, [])
    leads = leads_by_email(session)
    assert {lead.status for lead in leads.values()} == {LeadStatus.OFFERED}
    anna = leads["anna@brook.example"]
    assert (anna.last_name, anna.country, anna.postcode, anna.employees) == ("Brook", "DE", "10115", 40)
    holders = set(session.scalars(select(Assignment.partner_id)))
    assert holders == {partner.id for partner in ready.partners}
    assert differences(session) == []


def test_running_it_again_adds_nothing(session: Session, ready: SimpleNamespace) -> None:
    """A row without an external id is known by all that it says."""
    run(session, HEADER + ANNA + BENO)
    before = rows_of(session)
    again = run(session, HEADER + ANNA + BENO)
    assert (again.rows, again.created, again.known, again.errors) == (2, 0, 2, [])
    assert rows_of(session) == before


def test_a_mended_file_adds_what_was_left_out(session: Session, ready: SimpleNamespace) -> None:
    header = HEADER.replace("email", "external_id,email", 1)
    broken = header + "A-1," + ANNA + "A-2,beno at cliff.example,Cliff,Cliff Tools,FR,75001,12\n"
    assert [error[:2] for error in run(session, broken).errors] == [(3, "email")]
    mended = run(session, header + "A-1," + ANNA + "A-2," + BENO)
    assert (mended.created, mended.known, mended.errors) == (1, 1, [])
    assert set(session.scalars(select(Lead.external_id))) == {"A-1", "A-2"}


def test_a_dry_run_stores_nothing_and_tells_the_same_errors(session: Session, ready: SimpleNamespace) -> None:
    content = HEADER + ANNA + "nobody,Reed,Reed Ltd,DE,20095,5\n" + BENO
    before = rows_of(session)
    dry = run(session, content, dry_run=True)
    assert rows_of(session) == before
    real = run(session, content)
    assert (dry.rows, dry.created, dry.errors) == (real.rows, real.created, real.errors) == (3, 2, real.errors)
    assert real.errors


def test_errors_name_line_and_field_and_the_other_rows_go_in(session: Session, ready: SimpleNamespace) -> None:
    content = (
        HEADER + ANNA
        + "not an address,Reed,Reed Ltd,DE,20095,5\n"
        + "cora@dale.example,Dale,Dale Paper,Atlantis,1,5\n"
        + "\n"
        + "dora@elm.example,Elm,Elm Toys,DE,1,many\n"
        + ",Fern,Fern Bikes,DE,1,5\n"
        + BENO
    )  # fmt: skip
    report = run(session, content)
    assert [(line, name) for line, name, _ in report.errors] == [
        (3, "email"), (4, "country"), (6, "employees"), (7, "email"),
    ]  # fmt: skip
    assert all(sentence.endswith(".") for *_, sentence in report.errors)
    assert (report.rows, report.created) == (6, 2)
    assert set(leads_by_email(session)) == {"anna@brook.example", "beno@cliff.example"}


def test_all_that_is_wrong_with_a_row_is_told_at_once(session: Session) -> None:
    report = run(session, HEADER + "anna@brook.example,Brook,Brook Foods,Atlantis,1,-3\n")
    assert {(line, name) for line, name, _ in report.errors} == {(2, "country"), (2, "employees")}


@pytest.mark.parametrize(
    ("header", "mapping", "said"),
    [
        ("name,company\n", None, "A column for the e-mail address or the phone number is needed"),
        ("email,shoe size\n", None, "No field for: shoe size."),
        ("email,mail\n", None, "These columns are all read as email"),
        ("email,size\n", {"shoes": "employees"}, "The mapping names shoes"),
        ("email,size\n", {"size": "shoes"}, "The mapping of size names no field: shoes."),
    ],
)
def test_a_wrong_header_stores_nothing(
    session: Session, header: str, mapping: dict[str, str] | None, said: str
) -> None:
    before = rows_of(session)
    with pytest.raises(TableError) as caught:
        run(session, header + "anna@brook.example,5\n", mapping)
    assert said in str(caught.value)
    assert caught.value.errors[0][0] == "file"
    assert rows_of(session) == before


def test_columns_are_mapped_left_out_and_kept_as_custom_fields(session: Session) -> None:
    content = "Kontakt,Wert,Segment,Notes\nanna@brook.example,12 500,retail,=SUM(A1)\n"
    report = run(session, content, {"Kontakt": "email", "Wert": "budget", "Segment": "custom.segment", "Notes": ""})
    assert (report.created, report.errors) == (1, [])
    lead = leads_by_email(session)["anna@brook.example"]
    assert (lead.budget, lead.custom) == (12500.0, {"segment": "retail"})


def test_what_a_spreadsheet_would_run_is_refused_by_its_column(session: Session) -> None:
    content = "email,company,phone\nanna@brook.example,=HYPERLINK(1),+49 30 1234567\nbeno@cliff.example,'=Plus,\n"
    report = run(session, content)
    assert [(line, name) for line, name, _ in report.errors] == [(2, "company")]
    assert "a spreadsheet would run" in report.errors[0][2]
    assert leads_by_email(session)["beno@cliff.example"].company == "=Plus"


def test_a_formula_in_a_sheet_is_refused_and_its_result_unread(session: Session) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["email", "employees"], ["anna@brook.example", "=1+1"], ["beno@cliff.example", 12]):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    report = run(session, out.getvalue(), name="leads.xlsx")
    assert [(line, name) for line, name, _ in report.errors] == [(2, "employees")]
    assert leads_by_email(session)["beno@cliff.example"].employees == 12


def test_a_row_in_another_encoding_is_told_and_the_others_go_in(session: Session) -> None:
    good = "email,last_name\nanna@brook.example,Müller\nödön@brook.example,Ödön\n".encode()
    report = run(session, good + "beno@cliff.example,Bäcker\n".encode("cp1252"))
    assert [line for line, *_ in report.errors] == [4]
    assert "not in the encoding of the file" in report.errors[0][2]
    assert leads_by_email(session)["anna@brook.example"].last_name == "Müller"


def test_a_file_of_an_old_spreadsheet_is_read_and_a_note_says_how(session: Session) -> None:
    report = run(session, "email;last_name\r\nanna@brook.example;Bäcker\r\n".encode("cp1252"))
    assert (report.created, report.errors) == (1, [])
    assert report.notes == ["Read as Windows-1252, because it is not UTF-8."]
    assert leads_by_email(session)["anna@brook.example"].last_name == "Bäcker"


def test_a_row_that_repeats_another_is_told(session: Session) -> None:
    report = run(session, HEADER + ANNA + BENO + ANNA)
    assert report.errors == [(4, "", "This repeats line 2.")]
    assert (report.rows, report.created) == (3, 2)


def test_the_same_person_in_another_row_joins_the_live_lead(session: Session, ready: SimpleNamespace) -> None:
    report = run(session, HEADER + ANNA + "Anna@Brook.example,Brook,Brook Foods,DE,10115,60\n")
    assert (report.created, report.duplicates, report.errors) == (2, 1, [])
    statuses = sorted(session.scalars(select(Lead.status)))
    assert statuses == [LeadStatus.DUPLICATE, LeadStatus.OFFERED]
    assert session.scalars(select(func.count()).select_from(Assignment)).one() == 1


def test_the_day_of_the_enquiry_is_kept_and_the_future_refused(session: Session) -> None:
    content = (
        "email,received_at\nanna@brook.example,2026-01-05T08:00:00+01:00\nbeno@cliff.example,2027-01-05T08:00:00Z\n"
    )
    report = run(session, content)
    assert report.errors == [(3, "received_at", "This lies in the future.")]
    assert leads_by_email(session)["anna@brook.example"].received_at == datetime(2026, 1, 5, 7, 0, tzinfo=UTC)


def test_without_rules_every_row_waits_with_its_reason(session: Session) -> None:
    make_partner(session)
    assert run(session, HEADER + ANNA + BENO).created == 2
    found = session.execute(select(Lead.status, Lead.reason)).all()
    assert set(found) == {(LeadStatus.UNALLOCATED, "no_rule")}
