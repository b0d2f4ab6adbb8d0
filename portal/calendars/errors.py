"""What this room refuses with."""


class CalendarError(ValueError):
    """Hours or a duration that cannot be used. ``field``: dotted path; ``message``: the sentence to show."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
