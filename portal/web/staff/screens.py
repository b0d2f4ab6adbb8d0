"""The screens of the vendor's people and its admins, and the mail to read while developing."""

from flask import Blueprint

from portal.web.admin.audit import audit
from portal.web.admin.health import health
from portal.web.admin.lists import lists
from portal.web.admin.partners import partners
from portal.web.admin.people import people
from portal.web.admin.policies import policies
from portal.web.admin.policy_drafts import policy_drafts
from portal.web.admin.policy_whatif import policy_whatif
from portal.web.admin.rules import rules
from portal.web.admin.rules_edit import rules_edit
from portal.web.admin.rules_text import rules_text
from portal.web.admin.rules_try import rules_try
from portal.web.admin.rules_whatif import rules_whatif
from portal.web.admin.vendor_days import vendor_days
from portal.web.admin.vendor_hours import vendor_hours
from portal.web.dev import dev
from portal.web.staff.ahead import ahead
from portal.web.staff.appeals import appeals
from portal.web.staff.board import board
from portal.web.staff.board_acts import board_acts
from portal.web.staff.by_hand import by_hand
from portal.web.staff.coverage import cover
from portal.web.staff.definition import definition
from portal.web.staff.due_times import due_times
from portal.web.staff.fairness import fair
from portal.web.staff.lead_actions import lead_actions
from portal.web.staff.leads import leads
from portal.web.staff.morning import morning
from portal.web.staff.outages import outages
from portal.web.staff.partner import partner
from portal.web.staff.queue import queue
from portal.web.staff.scoreboard import figures
from portal.web.staff.signals import signals_screen
from portal.web.staff.why_none import partner_why

SCREENS: tuple[Blueprint, ...] = (
    morning,
    ahead,
    signals_screen,
    board,
    board_acts,
    partner,
    partner_why,
    fair,
    cover,
    queue,
    by_hand,
    appeals,
    outages,
    lead_actions,
    leads,
    definition,
    figures,
    rules,
    rules_edit,
    rules_text,
    rules_try,
    rules_whatif,
    lists,
    vendor_hours,
    policies,
    policy_drafts,
    policy_whatif,
    vendor_days,
    due_times,
    partners,
    people,
    audit,
    health,
    dev,
)
