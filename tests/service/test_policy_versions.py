"""Policy versions: edited in place, published as they were read, announced, brought back; nothing is lost."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.compliance import Policy
from models.partners import Partner
from models.platform import Outbox
from models.session import unit
from portal.compliance import partners, policies
from portal.compliance.policies import Overtaken
from portal.deadlines.document import DEFAULT_POLICY
from portal.deadlines.live import policies as timeline
from portal.deadlines.presets import STRICT
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import NoticeTopic, VersionState
from tests.support.stage import STAFF
from tests.support.world import DAY, HOUR, MONDAY, make_partner


def drafted(session: Session, body: Any = DEFAULT_POLICY) -> Policy:
    return unit(session, lambda: policies.draft(session, body, "why", MONDAY, STAFF))


def revise(session: Session, draft: Policy, revision: int, **parts: Any) -> Policy:
    body = {**DEFAULT_POLICY, **parts}
    return unit(session, lambda: policies.revise(session, draft.id, revision, body, "n", MONDAY + HOUR, STAFF))


def publish(session: Session, draft: Policy, **more: Any) -> Policy:
    start = more.pop("start", None)
    return unit(session, lambda: policies.publish(session, draft.id, start, MONDAY + HOUR, STAFF, **more))


def test_a_draft_is_one_row_however_often_it_is_saved(session: Session) -> None:
    draft = drafted(session)
    for number in (1, 2, 3):
        revise(session, draft, number, hand_overs=number)
    row = session.query(Policy).filter_by(state=VersionState.DRAFT).one()
    assert (row.revision, row.body["hand_overs"], row.changed_at) == (4, 3, MONDAY + HOUR)


@pytest.mark.parametrize("revision", [0, 1, 3])
def test_who_read_another_revision_stores_nothing(session: Session, revision: int) -> None:
    draft = drafted(session)
    revise(session, draft, 1, hand_overs=2)
    with pytest.raises(Overtaken, match="Mira Manager changed draft 2 meanwhile"):
        revise(session, draft, revision, hand_overs=9)
    with pytest.raises(Overtaken):
        publish(session, draft, revision=revision)
    row = session.query(Policy).filter_by(id=draft.id).one()
    assert (row.state, row.body["hand_overs"], row.revision) == (VersionState.DRAFT, 2, 2)


def test_what_cannot_be_published_cannot_be_stored(session: Session) -> None:
    draft = drafted(session)
    with pytest.raises(Invalid, match=r"0 to 100"):
        revise(session, draft, 1, hand_overs=-1)
    with pytest.raises(NotFound):
        unit(session, lambda: policies.revise(session, "none", 1, DEFAULT_POLICY, "", MONDAY, STAFF))
    publish(session, draft, revision=1)
    with pytest.raises(Conflict, match="published already"):
        revise(session, draft, 1, hand_overs=1)
    with pytest.raises(Conflict, match="published already"):
        publish(session, draft)


def test_one_for_a_later_date_is_announced_to_each_active_partner_once(session: Session) -> None:
    first, second, gone = (make_partner(session, name) for name in ("Nordhaven", "Weser", "Gone"))
    unit(session, lambda: partners.change(session, gone.id, {"active": False}, MONDAY, STAFF))
    publish(session, drafted(session, STRICT), start=MONDAY + 7 * DAY)
    told = session.query(Outbox).filter_by(topic=NoticeTopic.POLICY).order_by(Outbox.partner_id).all()
    assert [row.partner_id for row in told] == sorted((first.id, second.id))
    assert {row.audience for row in told} == {"partner"}
    assert told[0].facts["starts_at"] == "2026-03-09T09:00:00+00:00" and told[0].facts["number"] == 2
    assert "Answer the offer, grade is A: new, within 15 business minutes." in told[0].facts["changes"]
    assert not any(name in str(told[0].facts) for name in ("Nordhaven", "Weser", "Gone"))


def test_one_that_rules_at_once_is_not_announced(session: Session) -> None:
    make_partner(session, "Nordhaven")
    publish(session, drafted(session, STRICT))
    assert session.query(Outbox).filter_by(topic=NoticeTopic.POLICY).count() == 0


def test_an_earlier_one_comes_back_under_the_next_number(session: Session) -> None:
    make_partner(session, "Nordhaven")
    first = session.query(Policy).one()
    publish(session, drafted(session, STRICT))
    made = unit(session, lambda: policies.bring_back(session, first.id, None, "", MONDAY + DAY, STAFF))
    assert (made.number, made.note, made.body) == (3, "Back to policy 1", first.body)
    assert timeline(session).at(MONDAY + DAY).number == 3
    assert session.get_one(Partner, session.query(Partner).one().id).standing_next_at is not None
    for policy_id, error in ((made.id, Conflict), (drafted(session).id, Conflict), ("none", NotFound)):
        with pytest.raises(error):
            unit(session, lambda each=policy_id: policies.bring_back(session, each, None, "", MONDAY + DAY, STAFF))
