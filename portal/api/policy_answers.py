"""What the API answers about policies beside their versions: a past period under another one."""

from pydantic import ConfigDict, Field

from portal.api.answers import AnId, Answer, At
from portal.vocabulary import ObligationKind, Standing


class Side(Answer):
    """One partner's period: its standing at the end, and what became of its deadlines.

    `due`: deadlines that ran out. `hand_overs`: leads that a missed deadline took away.
    """

    standing: Standing
    due: int
    missed: int
    stops: int
    hand_overs: int


class SimulatedPartner(Answer):
    """Before and after. `offers_while_stopped`: offers it got at times at which it would have been stopped."""

    partner_id: AnId
    before: Side
    after: Side
    offers_while_stopped: int


class PolicySimulation(Answer):
    """A period under another policy. `changed`: deadlines that would have been otherwise, of `obligations`.

    `leads_stayed`, `leads_moved`: leads that a missed deadline would not, or would newly, have taken away.
    `left_out`: kinds that the policy asks for and that nothing in the period was asked for.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    policy_id: AnId
    from_: At = Field(alias="from")
    to: At
    obligations: int
    changed: int
    partners: list[SimulatedPartner]
    leads_stayed: list[AnId]
    leads_moved: list[AnId]
    left_out: list[ObligationKind]
