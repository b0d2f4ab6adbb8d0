"""What accounts refuse with: a field of the form and the sentence to show beside it."""

from portal.errors import Invalid


class AccountError(Invalid):
    """An account, password or key that cannot be had this way."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__([(field, message)])
        self.field = field
        self.message = message
