"""What belongs to the vendor and rules read: its hours and quiet periods, the lists that rules name."""

from typing import Any

from sqlalchemy import select

from models.lists import NamedList
from portal.allocation import lists, vendor
from portal.api import answers, bodies, rule_answers
from portal.api.call import ADMIN, call
from portal.api.cursors import Page, page
from portal.api.edge import Call

RULES = "Rules"


def list_json(row: NamedList) -> dict[str, Any]:
    """One list."""
    names = ("id", "name", "items", "revision", "changed_at")
    return {**{name: getattr(row, name) for name in names}, "changed_by": row.changed_by_name}


@call("GET", "/rule-lists", ADMIN, {200: answers.ListOf(rule_answers.RuleList)}, tag=RULES, query=Page)
def list_rule_lists(this: Call) -> tuple[int, Any]:
    """List the lists that rules can name, as `list:NAME`."""
    rows, following = page(this.session, select(NamedList), [NamedList.name], this.query, name="rule-lists")
    return 200, {"items": [list_json(row) for row in rows], "next": following}


@call("POST", "/rule-lists", ADMIN, {200: rule_answers.RuleList}, tag=RULES, body=bodies.RuleListIn)
def save_rule_list(this: Call) -> tuple[int, Any]:
    """Make a list, or put other values in the one of that name.

    It counts from the next lead on, in the live rules too. Give `revision` as you read it, so that nobody else's
    change is overwritten: another one is 409.
    """
    sent = this.body
    row = this.write(
        lambda: lists.save(this.session, sent.name, sent.items, this.now, this.actor, sent.revision)
    )  # fmt: skip
    return 200, list_json(row)


@call("GET", "/vendor", ADMIN, {200: rule_answers.Vendor}, tag=RULES)
def show_vendor(this: Call) -> tuple[int, Any]:
    """Show the vendor's hours and quiet periods."""
    return 200, vendor.settings(this.session)


@call("PATCH", "/vendor", ADMIN, {200: rule_answers.Vendor}, tag=RULES, body=bodies.VendorChange, raw=True)
def change_vendor(this: Call) -> tuple[int, Any]:
    """Change the vendor's hours and quiet periods.

    Rules ask by these hours whether a lead `arrived` in_hours or out_of_hours; a quiet period binds every partner.
    """
    return 200, this.write(lambda: vendor.change(this.session, this.body, this.now, this.actor))
