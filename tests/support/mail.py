"""A post box on this machine: real SMTP in, messages to look at, refusals on demand."""

import email.policy
import socket
import time
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Takes every message sent to ``url``. Addresses in ``refused`` are answered with the reply given there.

    ``mailbox.refused["gone@x.example"] = "550 5.1.1 No such user"`` is a permanent failure, a reply that
    begins with 4 a passing one. ``mailbox.down = True`` answers every sender with 421.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refused: dict[str, str] = {}
        self.down = False
        self._controller = _OwnPort(self)

    @property
    def url(self) -> str:
        """What ``FAIRLEAD_SMTP_URL`` is set to."""
        return f"smtp://127.0.0.1:{self._controller.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """The messages that came for ``address``, oldest first."""
        return [message for message in self.messages if address in message["X-RcptTo"].split(", ")]

    def wait_for(self, count: int, seconds: float = 10) -> list[EmailMessage]:
        """The messages, once ``count`` are there; AssertionError when they do not come in time."""
        end = time.monotonic() + seconds
        while len(self.messages) < count:
            assert time.monotonic() < end, f"{len(self.messages)} of {count} messages came within {seconds} s"
            time.sleep(0.01)
        return self.messages

    def open(self) -> None:
        """Starts to listen."""
        self._controller.start()

    def close(self) -> None:
        """Stops listening and lets go of the port."""
        self._controller.stop(no_assert=True)
        self._controller.socket.close()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Greets a sender, or sends it away while the post box is down."""
        if self.down:
            return "421 4.3.2 Closed for now"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes a recipient, or answers with its refusal."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps a message, with the recipients of its envelope in ``X-RcptTo``."""
        content = envelope.content or b""
        message: Any = BytesParser(policy=email.policy.default).parsebytes(
            bytes(content, "utf-8") if isinstance(content, str) else content
        )
        message["X-RcptTo"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 OK"


class _OwnPort(Controller):
    """Listens on a port that the system chose and that nobody else can take in between."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        super().__init__(mailbox, hostname="127.0.0.1", port=self.socket.getsockname()[1])

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.socket)
