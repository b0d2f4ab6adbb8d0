"""A change of standing as facts for those who are told of it. Pure.

Who reads it and in which zone is known only later, so instants stand in the sentences as ISO 8601 in UTC and
obligations as their ids in braces.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from portal.compliance import sentences
from portal.compliance.facts import LadderVersion, Mark, ladder_at
from portal.compliance.fold import tally_at
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State
from portal.compliance.way_back import way_back
from portal.vocabulary import Standing


def standing_facts(
    state: State, marks: Iterable[Mark], ladders: Sequence[LadderVersion], business_days: BusinessDays, t: datetime
) -> dict[str, Any]:
    """What the standing after ``t`` means and the way back from it. ``state`` is folded up to ``t``.

    ``sentence``: where the partner stands. ``headline``: the way back in one sentence, ``way_back``: its steps.
    ``because``: what warned or reduced. ``overdue``: how many are now. ``until``: when it ends, where that is known.
    """
    marks = list(marks)
    steps, tally = way_back(state, marks, ladders, business_days, t), tally_at(state, marks, ladders, t)
    ladder, overdue = ladder_at(ladders, t), len(tally.overdue)
    lowered = state.shown in (Standing.WARNED, Standing.REDUCED)
    return {
        "sentence": sentences.standing_sentence(state, ladder, steps, _iso),
        "headline": sentences.way_back_headline(state, steps, _iso),
        "way_back": [sentences.step_sentence(step, "{{{}}}".format, _iso) for step in steps],
        "because": sentences.because_sentence(overdue, tally.rate, ladder) if lowered else "",
        "overdue": overdue,
        "until": _iso(state.shown_until) if state.shown_until else None,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
