"""Rule versions and policies: drafted, listed, shown, published."""

from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import select

from models.allocation import RuleVersion
from models.compliance import Policy
from models.trials import Trial
from portal.allocation import versions
from portal.allocation.replay import trials
from portal.api import answers, bodies, policy_answers, rule_answers
from portal.api.call import ADMIN, call, hidden_from_others
from portal.api.cursors import Page, page
from portal.api.edge import Call, checked
from portal.api.kinds import Line, Sent
from portal.compliance import policies
from portal.compliance.replay import Lived
from portal.compliance.replaying import Replay, replay
from portal.deadlines.document import parse_policy
from portal.errors import NotFound
from portal.vocabulary import VersionState

T = TypeVar("T")
RULES, POLICIES = "Rules", "Policies"
only_admin = hidden_from_others(ADMIN)


class NoteIn(Sent):
    """The note beside a policy's document."""

    note: Line = ""


def rules_json(row: RuleVersion) -> dict[str, Any]:
    """One version of the rules."""
    names = ("id", "number", "state", "rules", "warnings", "note", "created_at", "published_at", "retired_at")
    return {**{name: getattr(row, name) for name in names}, "created_by": row.created_by_name}


def policy_json(row: Policy) -> dict[str, Any]:
    """One version of the policy."""
    names = ("id", "number", "state", "note", "created_at", "published_at", "effective_from")
    return {**row.body, **{name: getattr(row, name) for name in names}, "created_by": row.created_by_name}


def find_rules(this: Call) -> RuleVersion:
    """The version that the path names; rules exist for admins only."""
    only_admin(this)
    return _found(this.session.get(RuleVersion, this.id("version_id")))


def find_policy(this: Call) -> Policy:
    """The policy that the path names; its versions are for admins only."""
    only_admin(this)
    return _found(this.session.get(Policy, this.id("policy_id")))


def _found(row: T | None) -> T:
    if row is None:
        raise NotFound
    return row


@call("POST", "/rule-versions", ADMIN, {201: answers.RuleVersion}, tag=RULES, body=bodies.RulesIn)
def draft_rules(this: Call) -> tuple[int, Any]:
    """Draft rules.

    It is checked whole: what is wrong is told field by field and nothing is stored; `warnings` do not hinder.
    """
    row = this.write(lambda: versions.draft(this.session, this.body.rules, this.body.note, this.now, this.actor))
    return 201, rules_json(row)


@call("GET", "/rule-versions", ADMIN, {200: answers.ListOf(answers.RuleVersion)}, tag=RULES, query=Page)
def list_rules(this: Call) -> tuple[int, Any]:
    """List rules, newest version first."""
    rows, following = page(
        this.session, select(RuleVersion), [RuleVersion.id], this.query, name="rules", newest_first=True
    )
    return 200, {"items": [rules_json(row) for row in rows], "next": following}


@call("GET", "/rule-versions/<version_id>", ADMIN, {200: answers.RuleVersion}, tag=RULES, find=find_rules)
def show_rules(this: Call) -> tuple[int, Any]:
    """Show rules."""
    return 200, rules_json(this.found)


@call(
    "GET",
    "/rule-versions/<version_id>/changes",
    ADMIN,
    {200: rule_answers.RuleChanges},
    tag=RULES,
    find=find_rules,
    query=bodies.VersionQuery,
)
def show_rule_changes(this: Call) -> tuple[int, Any]:
    """Show in plain words what a version changes, against another or the live one."""
    old = _compared_with(this)
    told = versions.changes(this.session, old, this.found)
    return 200, {"from_version": old.number if old else None, "items": [asdict(change) for change in told]}


def _compared_with(this: Call) -> RuleVersion | None:
    if this.query.from_ is not None:
        return _found(this.session.get(RuleVersion, this.query.from_))
    return this.session.scalars(select(RuleVersion).where(RuleVersion.state == VersionState.PUBLISHED)).first()


@call(
    "POST",
    "/rule-versions/<version_id>/publish",
    ADMIN,
    {200: answers.RuleVersion},
    tag=RULES,
    find=find_rules,
)
def publish_rules(this: Call) -> tuple[int, Any]:
    """Publish rules: this version decides from now on.

    A retired one is brought back under a new number.
    """
    row = this.write(lambda: versions.publish(this.session, this.id("version_id"), this.now, this.actor))
    return 200, rules_json(row)


def trial_json(row: Trial) -> dict[str, Any]:
    """One what-if: how far it is, and what came of it."""
    names = ("id", "rule_version_id", "number", "state", "asked_at", "begun_at", "ended_at", "done", "whole", "result",
             "problem")  # fmt: skip
    told = {name: getattr(row, name) for name in names}
    return {**told, "from": row.from_at, "to": row.to_at, "as_it_was": row.rules is None, "asked_by": row.asked_by_name}


def find_trial(this: Call) -> Trial:
    """The what-if that the path names, of the version that it names."""
    only_admin(this)
    return trials.found(this.session, this.id("trial_id"), this.id("version_id"))


@call(
    "POST",
    "/rule-versions/<version_id>/simulate",
    ADMIN,
    {202: rule_answers.Trial},
    tag=RULES,
    find=find_rules,
    body=bodies.PeriodIn,
)
def simulate_rules(this: Call) -> tuple[int, Any]:
    """Ask for a what-if: the decisions of a past period made again by this version.

    It runs beside everything else and changes nothing; ask for it again until its `state` is `done`. The live version
    stands for the rules as they were: each decision is made again by the version that was live then.
    """
    start, end = this.body.from_, this.body.to
    version_id = this.id("version_id")
    row = this.write(lambda: trials.ask(this.session, version_id, start, end, this.now, this.actor))
    return 202, trial_json(row)


@call(
    "GET", "/rule-versions/<version_id>/simulations", ADMIN, {200: answers.ListOf(rule_answers.Trial)}, tag=RULES,
    find=find_rules, query=Page,
)  # fmt: skip
def list_simulations(this: Call) -> tuple[int, Any]:
    """List the what-ifs of a version, newest first."""
    rows, following = page(
        this.session, select(Trial).where(Trial.rule_version_id == this.found.id), [Trial.id], this.query,
        name="simulations", newest_first=True,
    )  # fmt: skip
    return 200, {"items": [trial_json(row) for row in rows], "next": following}


@call(
    "GET", "/rule-versions/<version_id>/simulations/<trial_id>", ADMIN, {200: rule_answers.Trial}, tag=RULES,
    find=find_trial,
)  # fmt: skip
def show_simulation(this: Call) -> tuple[int, Any]:
    """Show a what-if: how far it is, and its `result` once it is done."""
    return 200, trial_json(this.found)


@call(
    "POST", "/rule-versions/<version_id>/simulations/<trial_id>/cancel", ADMIN, {200: rule_answers.Trial}, tag=RULES,
    find=find_trial,
)  # fmt: skip
def cancel_simulation(this: Call) -> tuple[int, Any]:
    """Cancel a what-if that is under way."""
    return 200, trial_json(this.write(lambda: trials.cancel(this.session, this.id("trial_id"), this.now)))


@call("POST", "/policies", ADMIN, {201: answers.PolicyVersion}, tag=POLICIES, body=bodies.PolicyIn, raw=True)
def draft_policy(this: Call) -> tuple[int, Any]:
    """Draft a policy: deadlines and ladder."""
    sent = dict(this.body)
    note = checked(NoteIn, {"note": sent.pop("note")}).note if "note" in sent else ""
    return 201, policy_json(this.write(lambda: policies.draft(this.session, sent, note, this.now, this.actor)))


@call("GET", "/policies", ADMIN, {200: answers.ListOf(answers.PolicyVersion)}, tag=POLICIES, query=Page)
def list_policies(this: Call) -> tuple[int, Any]:
    """List policies, newest version first."""
    rows, following = page(
        this.session, select(Policy), [Policy.number], this.query, name="policies", newest_first=True
    )
    return 200, {"items": [policy_json(row) for row in rows], "next": following}


@call("GET", "/policies/<policy_id>", ADMIN, {200: answers.PolicyVersion}, tag=POLICIES, find=find_policy)
def show_policy(this: Call) -> tuple[int, Any]:
    """Show a policy."""
    return 200, policy_json(this.found)


@call(
    "POST",
    "/policies/<policy_id>/publish",
    ADMIN,
    {200: answers.PolicyVersion},
    tag=POLICIES,
    find=find_policy,
    body=bodies.PublishPolicy,
)
def publish_policy(this: Call) -> tuple[int, Any]:
    """Publish a policy, at once or from a later instant; open deadlines keep the version they began under."""
    policy_id, start = this.id("policy_id"), this.body.effective_from
    return 200, policy_json(this.write(lambda: policies.publish(this.session, policy_id, start, this.now, this.actor)))


@call(
    "POST", "/policies/<policy_id>/simulate", ADMIN, {200: policy_answers.PolicySimulation}, tag=POLICIES,
    find=find_policy, body=bodies.PeriodIn,
)  # fmt: skip
def simulate_policy(this: Call) -> tuple[int, Any]:
    """Replay a past period under a policy: the same acts at their true times, deadlines and ladder otherwise.

    Nothing is stored. First order: nobody does anything otherwise because a deadline lies elsewhere. At most 20,000
    deadlines before the end of the period; an end in the future means now.
    """
    session, until = this.read(), min(this.body.to, this.now)
    policy = _found(session.get(Policy, this.id("policy_id")))
    found = replay(session, this.actor, parse_policy(policy.body), this.body.from_, until)
    return 200, {"policy_id": policy.id, **_simulation(found)}


def _simulation(found: Replay) -> dict[str, Any]:
    def leads(side: str) -> list[str]:
        return sorted({found.leads[id_] for row in found.rows for id_ in getattr(row, side)})

    rows = [
        {"partner_id": row.partner.id, "before": _side(row.was), "after": _side(row.then),
         "offers_while_stopped": row.meanwhile}
        for row in found.rows
    ]  # fmt: skip
    return {
        "from": found.since, "to": found.until, "obligations": found.deadlines, "changed": found.redated,
        "partners": rows, "leads_stayed": leads("stayed"), "leads_moved": leads("moved"),
        "left_out": list(found.unknown),
    }  # fmt: skip


def _side(lived: Lived) -> dict[str, Any]:
    return {
        "standing": lived.standing, "due": lived.due, "missed": lived.missed, "stops": lived.stops,
        "hand_overs": len(lived.moved),
    }  # fmt: skip
