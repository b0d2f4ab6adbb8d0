"""Appeals: a partner states its case about a deadline, staff answer it."""

from typing import Any

from sqlalchemy import select

from models.appeals import Appeal, AppealFile
from portal.accounts import access
from portal.api import answers, bodies
from portal.api.call import MANAGERS, PARTNER, READERS, call
from portal.api.cursors import page
from portal.api.edge import Call, known_form
from portal.api.kinds import instant_json
from portal.enforcement import appeals as acts

TAG = "Appeals"


def appeal_json(row: Appeal, file: str | None) -> dict[str, Any]:
    """One appeal; ``file``: the name of its evidence."""
    return {
        "id": row.id, "kind": row.kind, "state": row.state, "partner_id": row.partner_id,
        "obligation_id": row.obligation_id, "lead_id": row.lead_id, "case": row.statement, "file": file,
        "opened_at": instant_json(row.opened_at), "opened_by": row.opened_by_name,
        "decide_by": instant_json(row.decide_by), "decided_at": instant_json(row.decided_at),
        "decided_by": row.decided_by_name, "reason": row.reason,
    }  # fmt: skip


def find_appeal(this: Call) -> Appeal:
    """The appeal that the path names, where the actor sees it."""
    return access.one(this.session, access.appeals(this.actor), Appeal.id, this.id("appeal_id"))


def may_see_appeal(this: Call, appeal_id: str) -> None:
    """A kept answer shows an appeal: the actor must still see it. Raises NotFound."""
    access.one(this.session, access.appeals(this.actor), Appeal.id, appeal_id)


@call(
    "POST", "/appeals", PARTNER, {201: answers.Appeal}, tag=TAG, body=bodies.AppealIn, replay=may_see_appeal,
)  # fmt: skip
def file_appeal(this: Call) -> tuple[int, Any]:
    """File an appeal. One may be open for a deadline, up to 30 days after it was due.

    What went wrong at the vendor (`late_hand_over`, `wrong_data`) can be said while the deadline is open, too.
    """
    body: bodies.AppealIn = this.body
    obligation_id = known_form(body.obligation_id)
    made = acts.file_appeal(this.session, this.actor, obligation_id, body.kind, body.case, None, this.now)
    this.shows = made.id
    return 201, _shown(this, made.id)


@call("GET", "/appeals", READERS, {200: answers.ListOf(answers.Appeal)}, tag=TAG, query=bodies.AppealQuery)
def list_appeals(this: Call) -> tuple[int, Any]:
    """List appeals, the newest first. A partner sees its own."""
    query, which = access.appeals(this.actor), this.query
    if which.state is not None:
        query = query.where(Appeal.state == which.state)
    if which.partner is not None:
        query = query.where(Appeal.partner_id == which.partner)
    columns = [Appeal.opened_at, Appeal.id]
    rows, following = page(this.session, query, columns, which, name="appeals", newest_first=True)
    files = _files(this, [row.id for row in rows])
    return 200, {"items": [appeal_json(row, files.get(row.id)) for row in rows], "next": following}


@call("GET", "/appeals/<appeal_id>", READERS, {200: answers.Appeal}, tag=TAG, find=find_appeal)
def show_appeal(this: Call) -> tuple[int, Any]:
    """Show an appeal."""
    return 200, appeal_json(this.found, _files(this, [this.found.id]).get(this.found.id))


@call(
    "POST", "/appeals/<appeal_id>/decide", MANAGERS, {200: answers.Appeal}, tag=TAG, find=find_appeal,
    body=bodies.AppealAnswer,
)  # fmt: skip
def decide_appeal(this: Call) -> tuple[int, Any]:
    """Answer an appeal, once. Granted: the deadline is waived, or extended where it is open and `due_at` is given."""
    body: bodies.AppealAnswer = this.body
    appeal_id = this.id("appeal_id")
    acts.decide(this.session, this.actor, appeal_id, body.granted, body.reason, body.due_at, this.now)
    return 200, _shown(this, appeal_id)


def _shown(this: Call, appeal_id: str) -> dict[str, Any]:
    session = this.read()
    row = access.one(session, access.appeals(this.actor), Appeal.id, appeal_id)
    return appeal_json(row, _files(this, [row.id]).get(row.id))


def _files(this: Call, ids: list[str]) -> dict[str, str]:
    named = select(AppealFile.appeal_id, AppealFile.name).where(AppealFile.appeal_id.in_(ids))
    return {row.appeal_id: row.name for row in this.session.execute(named)}
