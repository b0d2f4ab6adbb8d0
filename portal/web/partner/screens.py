"""The partner's screens, and the page of a lead that it shares with the vendor's people."""

from flask import Blueprint

from portal.web.account import account
from portal.web.partner.appeal import appeal
from portal.web.partner.due_times import our_due_times
from portal.web.partner.lead import lead
from portal.web.partner.our_leads import our_leads
from portal.web.partner.pool import pool
from portal.web.partner.standing import standing
from portal.web.partner.team import team
from portal.web.partner.why_none import our_why
from portal.web.partner.work import work

SCREENS: tuple[Blueprint, ...] = (work, pool, our_leads, lead, standing, our_why, appeal, team, our_due_times, account)
