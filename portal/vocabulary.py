"""The field's words, as stored, sent and shown. One enumeration each; ``label`` is what a screen says."""

from enum import StrEnum


class Word(StrEnum):
    """A stored value whose label is itself in sentence case, unless a subclass says otherwise."""

    @property
    def label(self) -> str:
        return LABELS.get((type(self).__name__, self.value)) or self.value.replace("_", " ").capitalize()


class Role(Word):
    PARTNER_REP = "partner_rep"
    PARTNER_ADMIN = "partner_admin"
    CHANNEL_MANAGER = "channel_manager"
    MARKETER = "marketer"
    ADMIN = "admin"

    @property
    def is_partner(self) -> bool:
        return self in (Role.PARTNER_REP, Role.PARTNER_ADMIN)


class LeadStatus(Word):
    RECEIVED = "received"
    DUPLICATE = "duplicate"
    DISQUALIFIED = "disqualified"
    NURTURE = "nurture"
    UNALLOCATED = "unallocated"
    POOLED = "pooled"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    WON = "won"
    LOST = "lost"
    RETURNED = "returned"
    ERASED = "erased"


#: In a partner's hands, on offer to all, or waiting for one: a second enquiry joins it.
LIVE_LEAD = (
    LeadStatus.RECEIVED,
    LeadStatus.UNALLOCATED,
    LeadStatus.POOLED,
    LeadStatus.OFFERED,
    LeadStatus.ACCEPTED,
    LeadStatus.CONTACTED,
)


class QueueReason(Word):
    """Why a lead waits with nobody: ``lead.reason`` while unallocated or returned."""

    NO_RULE = "no_rule"
    NOBODY_ELIGIBLE = "nobody_eligible"
    HAND_OVER_LIMIT = "hand_over_limit"
    BEING_PLACED = "being_placed"
    UNQUALIFIED = "unqualified"


class AssignmentState(Word):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    RECALLED = "recalled"
    CLOSED = "closed"


LIVE_ASSIGNMENT = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)


class AssignmentOrigin(Word):
    """How the assignment came about; only ``rotation`` shares and uses a turn."""

    ROTATION = "rotation"
    RULE = "rule"
    RETURNING = "returning"
    SAME_COMPANY = "same_company"
    BY_HAND = "by_hand"
    CLAIM = "claim"
    REOPENED = "reopened"


class DeclineReason(Word):
    NO_CAPACITY = "no_capacity"
    WRONG_TERRITORY = "wrong_territory"
    WRONG_PRODUCT = "wrong_product"
    NOT_A_FIT = "not_a_fit"
    CONFLICT = "conflict"
    OTHER = "other"


class ObligationKind(Word):
    RESPOND = "respond"
    FIRST_CONTACT = "first_contact"
    NEXT_TOUCH = "next_touch"
    FEEDBACK = "feedback"
    UPDATE = "update"


class ObligationState(Word):
    OPEN = "open"
    MET = "met"
    BREACHED = "breached"
    CURED = "cured"
    WAIVED = "waived"
    CANCELLED = "cancelled"


class Standing(Word):
    GOOD = "good"
    WARNED = "warned"
    REDUCED = "reduced"
    STOPPED = "stopped"
    PROBATION = "probation"
    HELD = "held"
    EXEMPT = "exempt"

    @property
    def allows_leads(self) -> bool:
        return self not in (Standing.STOPPED, Standing.HELD)


class StopCause(Word):
    OVERDUE = "overdue"
    RATE = "rate"
    ROW = "row"


class LedgerKind(Word):
    """What a line of a partner's ledger records."""

    CHANGE = "change"
    BREACH = "breach"
    WAIVE = "waive"
    EXTEND = "extend"
    HOLD = "hold"
    EXEMPT = "exempt"
    RELEASE = "release"
    READY = "ready"
    APPEAL = "appeal"
    REFUSE = "refuse"


class AppealKind(Word):
    """What a partner says about a deadline: an appeal against a miss, or a fault on the vendor's side."""

    APPEAL = "appeal"
    LATE_HAND_OVER = "late_hand_over"
    WRONG_DATA = "wrong_data"


class AppealState(Word):
    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class OutageKind(Word):
    """What excuses partners for a stretch of time: the portal was away, or the vendor was closed."""

    OUTAGE = "outage"
    VENDOR_CLOSED = "vendor_closed"


class OutageOrigin(Word):
    """Found from the heartbeat, or declared by staff."""

    HEARTBEAT = "heartbeat"
    DECLARED = "declared"


class ExcuseEffect(Word):
    EXTENDED = "extended"
    WAIVED = "waived"


class AgreementKind(Word):
    """What a partner admin acknowledges, version by version."""

    POLICY = "policy"
    DEFINITION = "definition"


class ActivityKind(Word):
    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"
    DEMO = "demo"
    MESSAGE = "message"
    NOTE = "note"


class ActivityOutcome(Word):
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    REPLIED = "replied"
    BOUNCED = "bounced"
    OTHER = "other"


class Disposition(Word):
    WORKING = "working"
    WON = "won"
    LOST = "lost"
    UNQUALIFIED = "unqualified"
    NURTURE = "nurture"


class DealStage(Word):
    REGISTERED = "registered"
    QUALIFIED = "qualified"
    PROPOSAL = "proposal"
    NEGOTIATION = "negotiation"
    WON = "won"
    LOST = "lost"

    @property
    def is_open(self) -> bool:
        return self not in (DealStage.WON, DealStage.LOST)


class VersionState(Word):
    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class DecisionOutcome(Word):
    OFFERED = "offered"
    POOLED = "pooled"
    QUEUED = "queued"


class Gate(Word):
    """The gates of allocation, in the order in which they are asked and told."""

    ACTIVE = "active"
    REACHABLE = "reachable"
    STANDING = "standing"
    TERRITORY = "territory"
    CERTIFIED = "certified"
    OPEN_CAP = "open_cap"
    DAILY_CAP = "daily_cap"
    WEEKLY_CAP = "weekly_cap"
    CLOSURE = "closure"
    QUIET_PERIOD = "quiet_period"
    WANTS_KIND = "wants_kind"
    EARLIER_HOLDER = "earlier_holder"
    CONFLICT = "conflict"
    #: Last, so that decisions stored before there was such a cap keep their meaning.
    PRODUCT_CAP = "product_cap"


class StrategyKind(Word):
    WEIGHTED_ROUND_ROBIN = "weighted_round_robin"
    LEAST_LOADED = "least_loaded"
    BEST_CONVERSION = "best_conversion"
    NEAREST = "nearest"
    NAMED = "named"
    OPEN_POOL = "open_pool"


class NoticeTopic(Word):
    OFFER = "offer"
    WARNING = "warning"
    BREACH = "breach"
    MOVED_ON = "moved_on"
    STOPPED = "stopped"
    REINSTATED = "reinstated"
    STANDING = "standing"
    ENQUIRED_AGAIN = "enquired_again"
    EXTENDED = "extended"
    WAIVED = "waived"
    EXCUSED = "excused"
    APPEAL = "appeal"
    ANSWERED = "answered"
    POLICY = "policy"
    UNALLOCATED = "unallocated"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"


class NoticeKind(Word):
    """What a reader may turn off. What is not among these is always sent: offers, what is late, stops, links."""

    DIGEST = "digest"
    REMINDER = "reminder"
    STANDING = "standing"
    ENQUIRED_AGAIN = "enquired_again"
    EASED = "eased"
    QUEUE = "queue"
    RETURNS = "returns"


class MailAct(Word):
    """What a link of a mail does without signing in."""

    ACCEPT = "accept"
    DECLINE = "decline"
    LOG = "log"
    FEEDBACK = "feedback"


class TrialState(Word):
    """How far a what-if has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    BROKEN = "broken"

    @property
    def is_under_way(self) -> bool:
        return self in (TrialState.WAITING, TrialState.RUNNING)


class LeadEventKind(Word):
    """A line of a lead's timeline that is not an activity, a feedback or an obligation."""

    RECEIVED = "received"
    ENQUIRED_AGAIN = "enquired_again"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CLAIMED = "claimed"
    DECLINED = "declined"
    EXPIRED = "expired"
    RECALLED = "recalled"
    CLOSED = "closed"
    POOLED = "pooled"
    QUEUED = "queued"
    DISQUALIFIED = "disqualified"
    NURTURE = "nurture"
    REOPENED = "reopened"
    MERGED = "merged"


LABELS = {
    ("TrialState", "broken"): "Came to no end",
    ("Role", "partner_rep"): "Partner rep",
    ("Role", "partner_admin"): "Partner admin",
    ("Role", "channel_manager"): "Channel manager",
    ("QueueReason", "no_rule"): "No rule takes this lead",
    ("QueueReason", "nobody_eligible"): "No partner can take it now",
    ("QueueReason", "hand_over_limit"): "Handed over as often as the policy allows",
    ("QueueReason", "being_placed"): "On its way to the next partner",
    ("QueueReason", "unqualified"): "The partner says it is not a lead",
    ("DeclineReason", "no_capacity"): "No capacity now",
    ("DeclineReason", "wrong_territory"): "Not our territory",
    ("DeclineReason", "wrong_product"): "Not our product",
    ("DeclineReason", "not_a_fit"): "Not a fit",
    ("DeclineReason", "conflict"): "Conflict with another customer",
    ("DeclineReason", "other"): "Another reason",
    ("ObligationKind", "respond"): "Answer the offer",
    ("ObligationKind", "first_contact"): "First contact",
    ("ObligationKind", "next_touch"): "Next touch",
    ("ObligationKind", "update"): "Update the deal",
    ("ActivityKind", "email"): "E-mail",
    ("ActivityOutcome", "left_message"): "Left a message",
    ("ActivityOutcome", "no_answer"): "No answer",
    ("Disposition", "unqualified"): "Not a lead",
    ("Disposition", "nurture"): "Not yet: nurture",
    ("NoticeKind", "digest"): "The day's start",
    ("NoticeKind", "reminder"): "Reminders",
    ("NoticeKind", "standing"): "Changes of your standing",
    ("NoticeKind", "enquired_again"): "Second enquiries",
    ("NoticeKind", "eased"): "More time and waivers",
    ("NoticeKind", "queue"): "Leads in the queue",
    ("NoticeKind", "returns"): "Partners that get leads again",
    ("MailAct", "log"): "Log a touch",
    ("MailAct", "feedback"): "Give feedback",
    ("StrategyKind", "weighted_round_robin"): "Round robin by weight",
    ("StrategyKind", "named"): "Named partner",
    ("AppealKind", "late_hand_over"): "Handed over late",
    ("AppealKind", "wrong_data"): "Lead data is wrong",
    ("OutageKind", "outage"): "The portal was away",
    ("OutageKind", "vendor_closed"): "The vendor was closed",
    ("AgreementKind", "definition"): "Lead definition",
    ("Gate", "open_cap"): "Open leads",
    ("Gate", "daily_cap"): "Leads a day",
    ("Gate", "weekly_cap"): "Leads a week",
    ("Gate", "wants_kind"): "Wants this kind of lead",
    ("Gate", "product_cap"): "Open leads of the product",
}
