"""What a service refuses with. Each carries the sentence to show; the edge turns the kind into its status."""


class Refusal(Exception):
    """An act that cannot be done; ``str()`` says why and what to do."""


class NotFound(Refusal):
    """Does not exist, or may not be seen: the two are never told apart."""

    def __init__(self, sentence: str = "There is nothing here by that name.") -> None:
        super().__init__(sentence)


class Conflict(Refusal):
    """The state of things rules it out now."""


class Invalid(Refusal):
    """What was sent cannot be used; ``errors`` are (field, sentence)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in errors))
        self.errors = errors


class Forbidden(Refusal):
    """Known and visible, but not for this role."""


class Unsettled(Exception):
    """A deadline of this partner has passed unrecorded: settle it first, in its own transaction, then try again."""

    def __init__(self, partner_id: str) -> None:
        super().__init__(partner_id)
        self.partner_id = partner_id
