"""What happens in the demo: everyday leads for all, and what brings each partner where it stands.

Deadlines end with a partner's days, so a plan keeps or misses one by days, whatever weekday the story ends on.
"""

import random
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.assignments import Assignment, Obligation
from portal.accounts.actor import Actor
from portal.cli.demo_cast import CALL_BACK, PILOT, WEBINAR, enquiry
from portal.cli.demo_story import DAY, HOUR, IGNORED, NO_FEEDBACK, Act, Plan, Story
from portal.enforcement import acts
from portal.vocabulary import AssignmentState, DeclineReason, ObligationKind, ObligationState

#: Country or postcode area, leads, from and to how many days before the end.
EVERYDAY = (
    ("DE 1", 7, 112, 16), ("DE 6", 6, 84, 2), ("DE 8", 5, 80, 3), ("AT", 6, 112, 2), ("GB", 11, 115, 1),
    ("US", 13, 115, 1), ("CA", 3, 100, 8), ("FR", 4, 90, 4), ("ES", 2, 70, 6), ("BR", 4, 110, 30), ("JP", 5, 112, 48),
    ("NL", 4, 112, 40),
    ("SE", 3, 108, 50), ("NO", 3, 100, 16), ("MX", 5, 110, 2),
)  # fmt: skip
LATE, LOST = 21 * 24, "lost"
#: Dealt with at once, and for good.
PROMPT = Plan(answer=3, contact=8, again=60, feedback=140, ending=LOST, exact=True)
DECLINED = Plan(answer=4, decline=DeclineReason.NO_CAPACITY)


def plot(story: Story, manager: Actor) -> None:
    """Fill the story's queue."""
    everyday(story)
    released(story, manager)
    warned(story, manager)
    reduced(story)
    stopped(story)
    probation(story)
    measures(story, manager)
    pool(story)
    queue(story, manager)
    others(story)


def everyday(story: Story) -> None:
    """Leads that come in and are dealt with, each as its partner does by habit."""
    rng = random.Random("everyday")
    for place, leads, first, last in EVERYDAY:
        country, _, area = place.partition(" ")
        for n in range(leads):
            days = first - (first - last) * (n + rng.random()) / leads
            postcode = f"{area}{rng.randrange(1000, 9999)}" if area else None
            story.lead(story.ago(days), country=country, postcode=postcode)


def released(story: Story, manager: Actor) -> None:
    """Three answers owed stopped Isartal early on; the manager released it, and it has kept everything since."""
    plan = Plan(answer=3, contact=8, again=60, feedback=25 * 24, ending=LOST, exact=True)
    for _ in range(3):
        story.lead(story.ago(113), {"isartal": plan}, country="DE", postcode="50667")
    reason = "Their office moved; feedback is promised for this week."
    by_hand(story, 91, lambda now: acts.release(story.session, manager, story.ids["isartal"], reason, now))


def warned(story: Story, manager: Actor) -> None:
    """Ostwind: two answers overdue, a third due in hours, a call due in hours, offers to answer."""
    facts = {"country": "DE", "postcode": "10115"}
    answer = Plan(answer=3, contact=8, again=60, feedback=None, exact=True)
    first = story.lead(story.ago(30), {"ostwind": answer}, **facts)
    story.lead(story.ago(27), {"ostwind": answer}, **facts)
    third = story.lead(story.ago(20), {"ostwind": answer}, **facts)
    story.at(story.ago(8), lambda now: extend(story, manager, third, now))
    calling = Plan(answer=1, contact=None, again=None, feedback=None, exact=True)
    story.lead(story.ago(hours=22), {"ostwind": calling}, source=CALL_BACK, employees=140, **facts)
    story.lead(story.ago(hours=6), {"ostwind": IGNORED}, source=CALL_BACK, employees=85, **facts)
    story.lead(story.ago(hours=3), {"ostwind": IGNORED}, **facts)
    deal = Plan(answer=3, contact=8, again=60, feedback=100, ending="deal", exact=True)
    story.lead(story.ago(34), {"ostwind": deal}, employees=410, **facts)
    again(story, story.ago(2), first, message="I wrote before: are you still there?")


def extend(story: Story, manager: Actor, number: str, now: datetime) -> None:
    """The manager gives until five hours after the story's end for one answer."""
    lead_id = story.lead_id(number)
    owed = select(Obligation.id).where(
        Obligation.lead_id == lead_id, Obligation.kind == ObligationKind.FEEDBACK,
        Obligation.state == ObligationState.OPEN,
    )  # fmt: skip
    ids = list(story.session.scalars(owed))
    reason = "The customer meets you this week: tell us after that."
    story.attempt(lambda: acts.extend(story.session, manager, ids, reason, story.end + 5 * HOUR, now))


def reduced(story: Story) -> None:
    """Limmatwerk calls everyone in time and answers every time too late: three of four kept."""
    habit = Plan(answer=4, contact=10, again=70, feedback=LATE, ending=LOST)
    for days in (116, 110):
        story.lead(story.ago(days), {"limmat": PROMPT}, country="CH", postcode="8004")
    for n, days in enumerate((70, 58, 46, 34, 22)):
        ending = ("lost", "nurture", "lost", "unqualified", "lost")[n]
        plan = Plan(habit.answer, None, habit.contact, habit.again, LATE, ending)
        story.lead(story.ago(days), {"limmat": plan}, country="CH", postcode="3011")
    story.lead(story.ago(10), {"limmat": Plan(feedback=None)}, country="CH", postcode="8004")


def stopped(story: Story) -> None:
    """Vale Azul let three offers in a row run out; Polder owes three answers at once."""
    story.lead(story.ago(27), {"valeazul": NO_FEEDBACK}, country="BR")
    for _ in range(3):
        story.lead(story.ago(10), {"valeazul": IGNORED}, country="BR")
    story.lead(story.ago(8.4), {"valeazul": IGNORED}, country="BR")
    for _ in range(3):
        owing = Plan(answer=3, contact=8, again=60, feedback=None, exact=True)
        story.lead(story.ago(23), {"polder": owing}, country="NL")


def probation(story: Story) -> None:
    """Hoshizora let three offers run out, said that it is ready, and has kept everything since."""
    for _ in range(3):
        story.lead(story.ago(28), {"hoshizora": IGNORED}, country="JP")

    def ready(now: datetime) -> None:
        partner_id = story.ids["hoshizora"]
        story.attempt(lambda: acts.ready(story.session, story.reps[partner_id], partner_id, now))

    story.at(story.ago(5), ready)
    for days in (4, 2.5):
        story.lead(story.ago(days), {"hoshizora": Plan(answer=3, contact=8, feedback=None, again=None, exact=True)},
                   country="JP")  # fmt: skip


def measures(story: Story, manager: Actor) -> None:
    """Prairie Signal is held, Fjordlys exempt; one of Fjordlys's deadlines was waived."""
    session, ids = story.session, story.ids
    held = Plan(answer=3, contact=None, again=None, feedback=None, exact=True)
    number = story.lead(story.ago(6.8), {"prairie": held}, country="ZA")

    def assign(now: datetime) -> None:
        why = "They serve this customer's head office."
        acts.assign(session, manager, story.lead_id(number), ids["prairie"], why, now)

    by_hand(story, 6.6, assign)
    until = story.end + 9 * DAY
    by_hand(story, 6, lambda now: acts.hold(session, manager, ids["prairie"], "Contract under renewal.", until, now))
    late = Plan(answer=3, contact=8, again=60, feedback=26 * 24, ending=LOST, exact=True)
    story.lead(story.ago(47), {"fjordlys": late}, country="DK")
    by_hand(story, 26, lambda now: waive(story, manager, now))
    until, why = story.end + 20 * DAY, "Their CRM is being connected to ours."
    by_hand(story, 10, lambda now: acts.exempt(session, manager, ids["fjordlys"], why, until, now))
    by_hand(story, 5.9, lambda now: recall(story, manager, now))


def waive(story: Story, manager: Actor, now: datetime) -> None:
    """The manager takes one missed deadline off Fjordlys."""
    missed = select(Obligation.id).where(
        Obligation.partner_id == story.ids["fjordlys"], Obligation.state == ObligationState.BREACHED
    )
    ids = list(story.session.scalars(missed))
    acts.waive(story.session, manager, ids, "The customer asked for a pause until the first of the month.", now)


def recall(story: Story, manager: Actor, now: datetime) -> None:
    """What the held partner had not called yet goes to another."""
    held = select(Assignment.id).where(
        Assignment.partner_id == story.ids["prairie"], Assignment.state == AssignmentState.ACCEPTED,
        Assignment.touches == 0,
    )  # fmt: skip
    for assignment_id in list(story.session.scalars(held)):
        acts.recall(story.session, manager, assignment_id, "While your contract is renewed.", now)


def by_hand(story: Story, days: float, act: Act) -> None:
    """A measure by the manager, that many days before the end; passed over where things stand otherwise."""

    def measure(now: datetime) -> None:
        story.attempt(lambda: act(now))
        story.look(now)

    story.at(story.ago(days), measure)


def pool(story: Story) -> None:
    """Webinar guests: claimed, left over, and waiting to be claimed now."""
    guests: dict[str, Any] = {"source": WEBINAR}
    claim(story, story.lead(story.ago(41), country="GB", **guests), "kestrel", 40)
    claim(story, story.lead(story.ago(29), country="DE", postcode="80331", **guests), "donaublick", 28.5)
    story.lead(story.ago(20), country="US", **guests)
    claim(story, story.lead(story.ago(3.4), country="DE", postcode="20095", **guests), "ostwind", 3)
    for hours, country, postcode in ((60, "US", None), (30, "DE", "10407"), (5, "GB", None), (2, "DE", "04109")):
        story.lead(story.ago(hours=hours), country=country, postcode=postcode, **guests)


def claim(story: Story, number: str, key: str, days: float) -> None:
    """Let a partner take a lead from the pool, and work it."""

    def take(now: datetime) -> None:
        rep, lead_id = story.reps[story.ids[key]], story.lead_id(number)
        plan = Plan(answer=0, contact=6, again=60, feedback=140, ending="won", exact=True)

        def taken() -> None:
            story.work(acts.claim(story.session, rep, lead_id, now).id, rep, plan, number, now)

        story.attempt(taken)

    story.at(story.ago(days), take)


def queue(story: Story, manager: Actor) -> None:
    """Leads with nobody: no rule, nobody who may, handed over too often; and one assigned by hand."""
    story.lead(story.ago(1.2), country="AU")
    story.lead(story.ago(hours=4), country="ZA")
    for days in (1.5, 0.4):
        story.lead(story.ago(days), country="BR", product=PILOT)
    story.lead(story.ago(9), {"*": DECLINED}, country="DE", postcode=None)
    number = story.lead(story.ago(33), {"quill": IGNORED, "kestrel": PROMPT}, country="FR")

    def assign(now: datetime) -> None:
        lead_id, why = story.lead_id(number), "They know this customer from another project."
        acts.assign(story.session, manager, lead_id, story.ids["kestrel"], why, now)

    by_hand(story, 26, assign)


def others(story: Story) -> None:
    """A key account; nurture, early, disqualified and returned leads; a late answer; people who write again."""
    story.lead(story.ago(44), country="GB", employees=2400, budget=120_000.0)
    bare: dict[str, Any] = {"product": None, "employees": 8, "budget": None, "source": "Newsletter"}
    story.lead(story.ago(24), country="MX", **bare)
    for days in (37, 12, 1.1):
        story.lead(story.ago(days), country="FR", **bare)
    for days in (52, 7):
        story.lead(story.ago(days), country="GB", message="I am a student and write my thesis on stock.", **bare)
    for days, ending in ((39, "unqualified"), (14, "unqualified"), (19, "nurture"), (60, "won"), (25, "won")):
        plan = Plan(answer=3, contact=8, again=60, feedback=130, ending=ending, exact=True)
        story.lead(story.ago(days), {"kestrel": plan}, country="GB")
    late = Plan(answer=3, contact=8, again=60, feedback=LATE, ending=LOST, exact=True)
    story.lead(story.ago(55), {"kestrel": late}, country="GB")
    live = story.lead(story.ago(5), {"kestrel": Plan(answer=3, contact=8, feedback=None, exact=True)}, country="GB")
    again(story, story.ago(1.4), live, message="One more question: what does it cost for 80 people?")
    for hours, country in ((9, "CA"), (4, "AT"), (3, "NO"), (1, "GB"), (0.5, "US")):
        story.lead(story.ago(hours=hours), {"*": IGNORED}, country=country)
    gone = story.lead(story.ago(75), {"kestrel": PROMPT}, country="GB")
    again(story, story.ago(1.3), gone, message="We spoke in spring. Now we have a budget.")


def again(story: Story, when: datetime, number: str, message: str) -> None:
    """The same person writes once more."""
    same = {name: value for name, value in enquiry(int(number.partition("-")[2])).items() if name != "external_id"}
    story.lead(when, None, **{**same, "message": message, "country": "GB", "source": "Website form"})
