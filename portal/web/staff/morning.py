"""The morning of whoever manages partners: what needs them now, most urgent first, each with its action."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.partners import Partner
from portal.calendars.describe import MONTHS, WEEKDAYS, zone_name
from portal.compliance.policy import Ladder, State
from portal.compliance.service import ladder_at
from portal.compliance.signals import Signal
from portal.compliance.signals_read import partners_named, signals_of_all
from portal.vocabulary import ObligationState, Role, Standing
from portal.web import gate
from portal.web.shell import due, since, when, zone
from portal.web.staff import appeals_reading, board_reading, lead_reading, morning_reading, partner_words
from portal.web.staff.appeals_reading import Case
from portal.web.staff.fall_words import fall_sentence
from portal.web.staff.forms import end_of_day
from portal.web.staff.lead_reading import Waiting
from portal.web.staff.morning_reading import NewlyStopped, ToBeStopped, Unanswered, Unreached
from portal.web.staff.queue import reason_of
from portal.web.visitor import actor, now

morning = Blueprint("morning", __name__, url_prefix="/morning")
gate.only(morning, *gate.MANAGERS)
#: So many rows of a section are shown; the rest is one click away.
SHOWN = 6
DAYS_AHEAD, MOST_MARKS = 7, 6
SATURDAY = 5
Action = dict[str, Any]


@morning.get("")
def index() -> ResponseReturnValue:
    """What needs the reader now, and how its partners stand."""
    every = (_stops(), _stopped(), _offers(), _nobodys(), _appeals(), _signals(), _mails())
    sections = [section for section in every if section["count"]]
    counts = board_reading.counts(db.session, actor())
    return render_template(
        "morning/index.html",
        sections=sections,
        total=sum(section["count"] for section in sections),
        partners=sum(counts.values()),
        standings=_standings(counts),
        own=actor().portfolio is not None,
        at=_now_words(),
        ahead=_ahead(),
    )


def _now_words() -> str:
    local = now().astimezone(ZoneInfo(zone()))
    day = f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {local:%H:%M} {zone_name(local)}"


def _section(
    title: str, count: int, aside: str, rows: list[dict[str, Any]], more_url: str | None = None, more: str = ""
) -> dict[str, Any]:
    """``more_url``: where the rest is; it stands in place of ``aside``."""
    more = more or f"All {count}"
    return {"title": title, "count": count, "aside": aside, "rows": rows[:SHOWN], "more_url": more_url, "more": more}


def _stops() -> dict[str, Any]:
    rows = morning_reading.to_be_stopped(db.session, actor(), now())
    more, label = url_for("ahead.index"), f"All {len(rows)}" if len(rows) > SHOWN else "The next 48 h"
    return _section("About to be stopped", len(rows), "", [_stop(row) for row in rows], more, label)


def _stop(row: ToBeStopped) -> dict[str, Any]:
    page, fall, contact = url_for("partner.page", partner_id=row.partner.id), row.fall, row.contact
    write: Action | None = (
        {"label": f"Write to {contact.name.split()[0]}", "url": morning_reading.mail_address(contact)}
        if contact
        else None
    )
    extend = url_for("partner.extend", partner_id=row.partner.id, ids=list(fall.misses))
    actions: list[Action] = [write or {"label": "See the partner", "url": page}]
    actions += [{"label": "Extend…", "url": extend, "plain": True}] if fall.misses else []
    return {
        "title": row.partner.name, "url": page, "detail": fall_sentence(row), "due": due(fall.at),
        "actions": actions,
    }  # fmt: skip


def _stopped() -> dict[str, Any]:
    rows = morning_reading.newly_stopped(db.session, actor(), now())
    more = url_for("board.index", standing=Standing.STOPPED.value) if len(rows) > SHOWN else None
    aside = f"since {when(now() - morning_reading.LATELY)}"
    ladder = ladder_at(db.session, now())
    return _section("Newly stopped", len(rows), aside, [_stopped_row(row, ladder) for row in rows[:SHOWN]], more)


def _stopped_row(row: NewlyStopped, ladder: Ladder) -> dict[str, Any]:
    partner = row.partner
    cause = partner_words.cause_sentence(State.from_json(partner.standing_state), ladder)
    went = f" {row.freed} offer{'' if row.freed == 1 else 's'} taken back for others." if row.freed else ""
    page = url_for("partner.page", partner_id=partner.id)
    return {
        "title": partner.name, "url": page, "detail": cause + went, "due": since(partner.standing_since),
        "actions": [{"label": "See what happened", "url": page}],
    }  # fmt: skip


def _offers() -> dict[str, Any]:
    until = end_of_day(now().astimezone(ZoneInfo(zone())).date())
    rows, total = morning_reading.unanswered(db.session, actor(), until, SHOWN)
    more = url_for("leads.index", status="offered") if total > SHOWN else None
    return _section("Offers without an answer", total, "due today or late", [_offer(row) for row in rows], more)


def _offer(row: Unanswered) -> dict[str, Any]:
    page, it = url_for("partner.page", partner_id=row.partner.id), row.obligation
    actions: list[Action] = [{"label": "See the partner", "url": page}]
    if it.state is ObligationState.OPEN:
        extend = url_for("partner.extend", partner_id=row.partner.id, ids=it.id)
        actions.append({"label": "Extend…", "url": extend, "plain": True})
    return {
        "title": f"{partner_words.lead_name(row.lead)} · grade {row.lead.grade}",
        "url": url_for("lead.page", lead_id=row.lead.id),
        "detail": f"{row.partner.name} has the offer since {when(row.offered_at)}",
        "due": due(it.due_at),
        "actions": actions,
    }


def _nobodys() -> dict[str, Any]:
    rows, _ = lead_reading.waiting(db.session, actor(), 1)
    total = lead_reading.waiting_count(db.session, actor())
    shown = [_nobodys_row(row) for row in rows[:SHOWN]]
    return _section("Leads nobody got", total, "best grade first", shown, url_for("queue.index"), "Open the queue")


def _nobodys_row(row: Waiting) -> dict[str, Any]:
    lead = row.lead
    place = ", ".join(filter(None, (partner_words.lead_name(lead), lead.city or lead.region or lead.country)))
    return {
        "title": f"{place} · grade {lead.grade}",
        "url": url_for("lead.page", lead_id=lead.id),
        "detail": row.sentence or reason_of(lead),
        "due": since(row.since),
        "actions": [{"label": "Assign by hand", "url": url_for("lead_actions.assign", lead_id=lead.id)}],
    }


def _appeals() -> dict[str, Any]:
    """Appeals that wait, the one whose answer is promised first at the top."""
    total = appeals_reading.waiting_count(db.session, actor())
    rows = [_appeal(row) for row in appeals_reading.waiting(db.session, actor(), SHOWN)] if total else []
    return _section("Appeals that wait", total, "the most urgent first", rows, url_for("appeals.index"), "All appeals")


def _appeal(row: Case) -> dict[str, Any]:
    page, by = url_for("appeals.page", appeal_id=row.appeal.id), row.appeal.decide_by
    return {
        "title": f"{row.partner.name}: {row.appeal.kind.label.lower()}",
        "url": page,
        "detail": f"{row.obligation.kind.label}, {partner_words.lead_name(row.lead)}",
        "due": due(by) if by else since(row.appeal.opened_at),
        "actions": [{"label": "Decide", "url": page}],
    }


def _signals() -> dict[str, Any]:
    """Partners whose rows look like the letter without the sense: for a talk, not for a penalty."""
    found = signals_of_all(db.session, actor(), now())
    partners = partners_named(db.session, actor(), list(found))
    rows = [_signal(partners[id_], each) for id_, each in found.items()]
    rows.sort(key=lambda row: (-row["many"], row["title"]))
    return _section("Worth a talk", len(rows), "", rows, url_for("signals.index"), "All signals")


def _signal(partner: Partner, found: list[Signal]) -> dict[str, Any]:
    page = url_for("signals.page", partner_id=partner.id)
    return {
        "title": partner.name, "url": url_for("partner.page", partner_id=partner.id), "many": len(found),
        "detail": " ".join(signal.sentence for signal in found), "due": None,
        "actions": [{"label": "See the rows", "url": page}],
    }  # fmt: skip


def _mails() -> dict[str, Any]:
    rows = morning_reading.unreached(db.session, actor(), now())
    return _section("Notices that do not arrive", len(rows), "mail that came back", [_mail(row) for row in rows])


def _mail(row: Unreached) -> dict[str, Any]:
    """At a partner: how many of its addresses; at the vendor: whose."""
    names = ", ".join(user.name for user in row.people[:3])
    if row.partner is None:
        return {
            "title": "Notices to our own people do not arrive", "url": None, "detail": names,
            "due": since(row.since), "actions": [{"label": "Fix addresses", "url": url_for("people.index")}],
        }  # fmt: skip
    page = url_for("partner.page", partner_id=row.partner.id)
    admin = actor().role is Role.ADMIN
    fix = {"label": "Fix addresses", "url": url_for("people.index", q=row.partner.name)}
    many, few = len(row.people), f"{row.of} address{'' if row.of == 1 else 'es'}"
    end = "" if row.partner.reachable else " No leads go there until one does."
    return {
        "title": f"Notices to {row.partner.name} do not arrive",
        "url": page,
        "detail": f"{many} of {few} take{'s' if many == 1 else ''} no mail: {names}.{end}",
        "due": since(row.since),
        "actions": [fix if admin else {"label": "See the people", "url": page}],
    }


def _standings(counts: dict[Standing, int]) -> list[dict[str, Any]]:
    """Each standing of the ladder, and those by hand that somebody has, with how many partners."""
    ladder = (Standing.GOOD, Standing.WARNED, Standing.REDUCED, Standing.STOPPED, Standing.PROBATION)
    by_hand = [each for each in (Standing.HELD, Standing.EXEMPT) if each in counts]
    return [
        {"standing": each.value, "count": counts.get(each, 0), "url": url_for("board.index", standing=each.value)}
        for each in (*ladder, *by_hand)
    ]


def _ahead() -> dict[str, Any]:
    """What is due at the partners: late, today, and day by day; weekends only where something is due."""
    today = now().astimezone(ZoneInfo(zone())).date()
    days = [today + timedelta(days=n) for n in range(DAYS_AHEAD)]
    ends = [end_of_day(day) - timedelta(microseconds=1) for day in days]
    late, *counts = morning_reading.due_counts(db.session, actor(), now(), _after(ends))
    marks = [_mark("late", late, "late"), _mark("today", counts[0], "main")]
    later = [(day, count) for day, count in zip(days[1:], counts[1:], strict=True) if _told(day, count)]
    marks += [_mark(WEEKDAYS[day.weekday()], count, "grey") for day, count in later]
    marks = marks[:MOST_MARKS]
    rows = [[mark["label"].capitalize(), mark["text"]] for mark in marks]
    return {"items": marks, "rows": rows, "any": late or any(counts)}


def _after(ends: list[datetime]) -> list[datetime]:
    """The first is never before now, which the last instant of a day can be."""
    return [max(ends[0], now()), *ends[1:]]


def _told(day: date, count: int) -> bool:
    return day.weekday() < SATURDAY or count > 0


def _mark(label: str, count: int, tone: str) -> dict[str, Any]:
    return {"label": label, "value": count, "text": str(count), "tone": tone}
