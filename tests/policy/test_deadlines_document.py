"""The policy document: what the default says, what is left out means, and every refusal."""

import json
from typing import Any

import pytest

from portal.calendars.policy import Clock, Span, Unit
from portal.deadlines.document import DEFAULT_POLICY, PolicyDocument, PolicyError, Reader, parse_policy
from portal.deadlines.policy import entry_for
from portal.vocabulary import ObligationKind

TWO_DAYS = {"value": 2, "unit": "days", "clock": "business"}
RESPOND = {"kind": "respond", "within": TWO_DAYS, "on_breach": {"reassign": True, "notify": ["partner"]}}


def days(value: int) -> Span:
    return Span(value, Unit.DAYS, Clock.BUSINESS)


def hours(value: int, clock: Clock = Clock.BUSINESS) -> Span:
    return Span(value, Unit.HOURS, clock)


def policy(*obligations: dict[str, Any], **parts: Any) -> PolicyDocument:
    return parse_policy({"obligations": [RESPOND, *obligations], **parts})


def refused(data: object) -> dict[str, str]:
    with pytest.raises(PolicyError) as error:
        parse_policy(data)
    return dict(error.value.errors)


def test_the_default_policy_is_the_one_in_use_in_the_field() -> None:
    document = parse_policy(DEFAULT_POLICY)
    read = [(e.kind.value, e.when is None, e.within, e.reassign) for e in document.obligations]
    assert read == [
        ("respond", True, days(2), True),
        ("first_contact", False, days(2), True),
        ("first_contact", True, days(5), True),
        ("feedback", True, days(10), False),
    ]
    assert document.obligations[3].repeat == days(30)
    assert (document.hand_overs, document.grace_minutes) == (5, 0)
    assert document.ladder == {
        "window_days": 90,
        "minimum_sample": 5,
        "warn_below": 0.9,
        "reduce_below": 0.8,
        "stop_below": 0.6,
        "stop_on_overdue": 3,
        "breaches_in_a_row": 3,
        "stop_days": 5,
        "probation": {"days": 10, "open_lead_cap": 2},
        "decay_days": 180,
        "severity": {},
    }


@pytest.mark.parametrize(
    ("facts", "within"),
    [({"grade": "A"}, 2), ({"grade": "B"}, 5), ({"grade": "D"}, 5), ({}, 5), ({"grade": None}, 5)],
)
def test_by_default_an_a_lead_is_contacted_within_2_days_and_every_other_within_5(
    facts: dict[str, object], within: int
) -> None:
    entry = entry_for(parse_policy(DEFAULT_POLICY), ObligationKind.FIRST_CONTACT, facts)
    assert entry is not None
    assert entry.within == days(within)


def test_the_first_entry_that_matches_applies() -> None:
    first = {"kind": "feedback", "within": {**TWO_DAYS, "value": 3}}
    entry = entry_for(policy(first, {"kind": "feedback", "within": TWO_DAYS}), ObligationKind.FEEDBACK, {"grade": "A"})
    assert entry is not None
    assert (entry.index, entry.within) == (1, days(3))


def test_a_kind_that_the_policy_does_not_name_or_whose_condition_fails_is_not_asked() -> None:
    only_a = {"all": [{"field": "grade", "op": "eq", "value": "A"}]}
    document = policy({"kind": "feedback", "within": TWO_DAYS, "when": only_a})
    assert entry_for(document, ObligationKind.UPDATE, {"grade": "A"}) is None
    assert entry_for(document, ObligationKind.FEEDBACK, {"grade": "B"}) is None
    assert entry_for(document, ObligationKind.FEEDBACK, {"grade": "A"}) is document.obligations[1]


def test_what_is_left_out_is_the_default_policys() -> None:
    document = parse_policy({"obligations": [{"kind": "respond", "within": TWO_DAYS}]})
    default = parse_policy(DEFAULT_POLICY)
    assert document.ladder == default.ladder
    assert (document.hand_overs, document.grace_minutes) == (default.hand_overs, default.grace_minutes)
    assert document.obligations[0] == default.obligations[0]
    assert (document.hand_over_within, document.appeal_within) == (None, None)


@pytest.mark.parametrize(
    ("entry", "warning"),
    [
        ({"kind": "first_contact", "within": TWO_DAYS}, hours(4)),
        ({"kind": "feedback", "within": TWO_DAYS}, days(1)),
        ({"kind": "feedback", "within": {**TWO_DAYS, "value": 1}}, hours(4)),
        ({"kind": "update", "within": {"value": 5, "unit": "hours", "clock": "business"}}, hours(4)),
        ({"kind": "first_contact", "within": {"value": 4, "unit": "hours", "clock": "business"}}, None),
        (
            {"kind": "first_contact", "within": {"value": 5, "unit": "hours", "clock": "calendar"}},
            hours(4, Clock.CALENDAR),
        ),
        ({"kind": "first_contact", "within": TWO_DAYS, "warn_before": None}, None),
        ({"kind": "first_contact", "within": TWO_DAYS, "warn_before": {**TWO_DAYS, "value": 1}}, days(1)),
    ],
)
def test_when_a_deadline_is_warned_of(entry: dict[str, Any], warning: Span | None) -> None:
    assert policy(entry).obligations[1].warn_before == warning


def test_feedback_is_asked_for_again_unless_null_says_otherwise() -> None:
    feedback = {"kind": "feedback", "within": TWO_DAYS}
    assert policy(feedback).obligations[1].repeat == days(30)
    assert policy({**feedback, "repeat": TWO_DAYS}).obligations[1].repeat == days(2)
    assert policy({**feedback, "repeat": None}).obligations[1].repeat is None


def test_readers_of_a_breach_are_named_once_in_a_fixed_order() -> None:
    told = {"kind": "update", "within": TWO_DAYS, "on_breach": {"notify": ["admin", "partner", "admin"]}}
    entry = policy(told).obligations[1]
    assert (entry.notify, entry.reassign) == ((Reader.PARTNER, Reader.ADMIN), False)
    assert policy({**told, "on_breach": {"notify": []}}).obligations[1].notify == ()


def test_the_vendors_own_promises_are_durations() -> None:
    day = {"value": 1, "unit": "days", "clock": "business"}
    document = policy(vendor={"hand_over_within": TWO_DAYS, "appeal_within": day})
    assert (document.hand_over_within, document.appeal_within) == (days(2), days(1))


@pytest.mark.parametrize(
    "data",
    [
        DEFAULT_POLICY,
        {"obligations": [{"kind": "respond", "within": TWO_DAYS}]},
        {
            "obligations": [
                {**RESPOND, "warn_before": None},
                {"kind": "next_touch", "within": TWO_DAYS, "touches": 3},
                {"kind": "feedback", "within": TWO_DAYS, "repeat": None},
            ],
            "ladder": {"severity": {"respond": 2, "feedback": 0.5}, "stop_days": 0, "probation": {"days": 0}},
            "grace_minutes": 15,
            "vendor": {"appeal_within": TWO_DAYS},
        },
    ],
)
def test_the_body_with_every_value_written_out_reads_back_the_same(data: dict[str, Any]) -> None:
    document = parse_policy(data)
    stored = json.loads(json.dumps(document.body))
    assert parse_policy(stored).body == document.body
    assert parse_policy(stored).ladder == document.ladder


@pytest.mark.parametrize("sent", [None, [], "policy", 5])
def test_what_is_no_object_is_refused(sent: object) -> None:
    assert "obligations" in refused(sent)[""]


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({}, "obligations", "list of 1 to 100"),
        ({"obligations": []}, "obligations", "list of 1 to 100"),
        ({"obligations": [RESPOND] * 101}, "obligations", "list of 1 to 100"),
        ({"obligations": {"0": RESPOND}}, "obligations", "list of 1 to 100"),
        ({"obligations": ["respond"]}, "obligations.0", "Give an object"),
        ({"obligations": [{"kind": "feedback", "within": TWO_DAYS}]}, "obligations", "respond deadline"),
        (
            {"obligations": [{**RESPOND, "when": {"all": [{"field": "grade", "op": "eq", "value": "A"}]}}]},
            "obligations.0.when",
            "every lead",
        ),
        ({"obligations": [RESPOND], "deadlines": []}, "deadlines", "Unknown field"),
    ],
)
def test_a_policy_as_a_whole_is_refused(data: dict[str, Any], field: str, words: str) -> None:
    assert words in refused(data)[field]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"kind": "reply"}, "kind", "respond, first_contact, next_touch, feedback or update"),
        ({"kind": None}, "kind", "respond"),
        ({"due": 5}, "due", "Unknown field"),
        ({"within": None}, "within", "how long"),
        ({"within": 2}, "within", "value, unit and clock"),
        ({"within": {**TWO_DAYS, "value": 0}}, "within.value", "1 to 10,000"),
        ({"within": {**TWO_DAYS, "unit": "weeks"}}, "within.unit", "minutes, hours or days"),
        ({"warn_before": TWO_DAYS}, "warn_before", "before the deadline"),
        ({"warn_before": 4}, "warn_before", "value, unit and clock"),
        ({"on_breach": None}, "on_breach", "Give an object"),
        ({"on_breach": {"reassign": "yes"}}, "on_breach.reassign", "true or false"),
        ({"on_breach": {"notify": ["rival"]}}, "on_breach.notify", "partner, manager, admin"),
        ({"on_breach": {"notify": [["partner"]]}}, "on_breach.notify", "partner, manager, admin"),
        ({"on_breach": {"notify": "partner"}}, "on_breach.notify", "partner, manager, admin"),
        ({"on_breach": {"mail": True}}, "on_breach.mail", "Unknown field"),
        ({"touches": 3}, "touches", "Only next_touch"),
        ({"repeat": TWO_DAYS}, "repeat", "Only feedback"),
        ({"kind": "next_touch"}, "touches", "from 1 to 100"),
        ({"kind": "next_touch", "touches": 0}, "touches", "1 to 100"),
        ({"kind": "next_touch", "touches": True}, "touches", "1 to 100"),
        ({"kind": "feedback", "repeat": 30}, "repeat", "value, unit and clock"),
    ],
)
def test_a_deadline_that_cannot_be_used_is_refused(change: dict[str, Any], field: str, words: str) -> None:
    entry = {"kind": "first_contact", "within": TWO_DAYS, **change}
    assert words in refused({"obligations": [RESPOND, entry]})[f"obligations.1.{field}"]


def test_a_condition_that_cannot_be_used_is_refused_at_its_place() -> None:
    unknown = {"all": [{"field": "colour", "op": "eq", "value": "red"}]}
    told = refused({"obligations": [RESPOND, {"kind": "feedback", "within": TWO_DAYS, "when": unknown}]})
    assert len(told) == 1
    assert next(iter(told)).startswith("obligations.1.when")


@pytest.mark.parametrize(
    ("parts", "field", "words"),
    [
        ({"hand_overs": -1}, "hand_overs", "0 to 100"),
        ({"hand_overs": 101}, "hand_overs", "0 to 100"),
        ({"hand_overs": None}, "hand_overs", "0 to 100"),
        ({"grace_minutes": 10_081}, "grace_minutes", "0 to 10,080"),
        ({"grace_minutes": 1.5}, "grace_minutes", "whole number"),
        ({"vendor": {"answer_within": TWO_DAYS}}, "vendor.answer_within", "Unknown field"),
        ({"vendor": {"appeal_within": 2}}, "vendor.appeal_within", "value, unit and clock"),
        ({"ladder": []}, "ladder", "Give an object"),
        ({"ladder": {"window": 90}}, "ladder.window", "Unknown field"),
        ({"ladder": {"window_days": 0}}, "ladder.window_days", "1 to 3,650"),
        ({"ladder": {"window_days": 3_651}}, "ladder.window_days", "1 to 3,650"),
        ({"ladder": {"minimum_sample": 0}}, "ladder.minimum_sample", "from 1"),
        ({"ladder": {"stop_on_overdue": 0}}, "ladder.stop_on_overdue", "from 1"),
        ({"ladder": {"breaches_in_a_row": 0}}, "ladder.breaches_in_a_row", "from 1"),
        ({"ladder": {"decay_days": 0}}, "ladder.decay_days", "from 1"),
        ({"ladder": {"stop_days": -1}}, "ladder.stop_days", "from 0"),
        ({"ladder": {"stop_below": -0.1}}, "ladder.stop_below", "from 0 to 1"),
        ({"ladder": {"warn_below": 90}}, "ladder.warn_below", "from 0 to 1"),
        ({"ladder": {"warn_below": float("nan")}}, "ladder.warn_below", "from 0 to 1"),
        ({"ladder": {"warn_below": True}}, "ladder.warn_below", "from 0 to 1"),
        ({"ladder": {"stop_below": 0.85}}, "ladder.stop_below", "at most reduce_below (0.8)"),
        ({"ladder": {"warn_below": 0.7}}, "ladder.reduce_below", "at most warn_below (0.7)"),
        ({"ladder": {"probation": {"days": 366}}}, "ladder.probation.days", "0 to 365"),
        ({"ladder": {"probation": {"open_lead_cap": 0}}}, "ladder.probation.open_lead_cap", "from 1"),
        ({"ladder": {"severity": {"reply": 1}}}, "ladder.severity.reply", "Unknown field"),
        ({"ladder": {"severity": {"respond": -1}}}, "ladder.severity.respond", "from 0 to 100"),
    ],
)
def test_values_out_of_range_are_refused(parts: dict[str, Any], field: str, words: str) -> None:
    assert words in refused({"obligations": [RESPOND], **parts})[field]


def test_every_complaint_is_told_at_once() -> None:
    told = refused({"obligations": [{"kind": "reply"}], "hand_overs": "5", "ladder": {"window_days": 0}})
    assert set(told) == {"obligations.0.kind", "obligations.0.within", "hand_overs", "ladder.window_days"}
