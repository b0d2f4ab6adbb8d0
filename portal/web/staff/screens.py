"""The screens of the vendor's people and its admins, and the mail to read while developing."""

from flask import Blueprint

from portal.web.admin.audit import audit
from portal.web.admin.health import health
from portal.web.admin.partners import partners
from portal.web.admin.people import people
from portal.web.admin.policies import policies
from portal.web.admin.rules import rules
from portal.web.dev import dev
from portal.web.staff.board import board
from portal.web.staff.definition import definition
from portal.web.staff.lead_actions import lead_actions
from portal.web.staff.leads import leads
from portal.web.staff.morning import morning
from portal.web.staff.partner import partner
from portal.web.staff.queue import queue
from portal.web.staff.scoreboard import figures

SCREENS: tuple[Blueprint, ...] = (
    morning,
    board,
    partner,
    queue,
    lead_actions,
    leads,
    definition,
    figures,
    rules,
    policies,
    partners,
    people,
    audit,
    health,
    dev,
)
