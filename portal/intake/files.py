"""Leads from a file: every row checked first, then stored in batches; what is wrong is told by line."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import select

from models.leads import Lead
from models.session import AnySession, unit
from portal.accounts.actor import Actor
from portal.intake.bulk import BATCH, receive_all
from portal.intake.policy import IntakeError, LeadIn, parse_lead
from portal.intake.table import Row, read_table
from portal.vocabulary import LeadStatus

#: So many ids are looked up by one query.
IDS_AT_ONCE = 500


@dataclass
class Report:
    """What an import did, or with ``dry_run`` would do. ``errors``: (line, field, sentence)."""

    rows: int = 0
    created: int = 0
    known: int = 0
    duplicates: int = 0
    errors: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_leads(
    session: AnySession,
    actor: Actor,
    stream: BinaryIO,
    filename: str,
    *,
    mapping: Mapping[str, str] | None,
    dry_run: bool,
    now: datetime,
) -> Report:
    """Store every good row of a CSV or XLSX file, so many at a time in one unit of work.

    1. The whole file is read before anything is stored: a wrong header or a file too long stores nothing.
    2. A row with an error is left out and told; the others go in. Mended, the file can be sent again:
       a row whose ``external_id`` is known adds nothing, nor does one without any that is the same as before.
    Raises portal.intake.table.TableError where the file as a whole cannot be used.
    """
    table = read_table(stream, filename, mapping)
    report = Report(notes=list(table.notes))
    good = [parsed for row in table.rows if (parsed := _checked(row, now, report)) is not None]
    report.notes = list(table.notes)
    if dry_run:
        report.known = len(good) - _unknown(session, [parsed.external_id for parsed in good if parsed.external_id])
        report.created = len(good) - report.known
        return report
    for first in range(0, len(good), BATCH):
        _store(session, actor, good[first : first + BATCH], now, report)
    return report


def _unknown(session: AnySession, external_ids: Sequence[str]) -> int:
    """How many leads would come of rows with these ids: each id once, where no lead has it yet."""
    wanted = set(external_ids)
    for first in range(0, len(external_ids), IDS_AT_ONCE):
        part = external_ids[first : first + IDS_AT_ONCE]
        wanted -= set(session.scalars(select(Lead.external_id).where(Lead.external_id.in_(part))))
    return len(wanted)


def _checked(row: Row, now: datetime, report: Report) -> LeadIn | None:
    report.rows += 1
    if row.errors:
        report.errors += [(row.line, name, sentence) for name, sentence in row.errors]
        return None
    try:
        return parse_lead({"external_id": row_id(row.facts), **row.facts}, now, strict_country=False)
    except IntakeError as error:
        report.errors += [(row.line, name, sentence) for name, sentence in error.errors]
        return None


def row_id(facts: Mapping[str, object]) -> str:
    """What stands for the ``external_id`` of a row that has none: the same row, sent again, adds nothing."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return f"row-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _store(session: AnySession, actor: Actor, some: Sequence[LeadIn], now: datetime, report: Report) -> None:
    for done in unit(session, lambda: receive_all(session, some, now, actor)):
        report.known += not done.new
        report.created += done.new
        report.duplicates += done.new and done.status is LeadStatus.DUPLICATE
