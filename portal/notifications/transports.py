"""Ways out for a message. A mail server's answer becomes one of three: try later, never, nobody for now."""

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Protocol
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 10
#: RFC 5321 and 3463: no such mailbox, not local, name not allowed; some servers send 511 for a bad address.
NO_SUCH_ADDRESS = (511, 550, 551, 553)
#: A longer address in a header would be folded into encoded words, which a mail program does not read as an address.
UNFOLDED = SMTP.clone(max_line_length=998)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Deferred(Exception):
    """This message was not taken now; another try later may do."""


class Bounced(Exception):
    """The server says that this address never takes mail."""


class Unavailable(Exception):
    """The server takes nothing from us now, whoever it is for."""


@dataclass(frozen=True)
class Letter:
    """What goes over the wire. ``message_id`` stays the same however often it is sent.

    ``unsubscribe``: the address that turns such mails off, where that can be done. It and the words hold links that
    act for their reader, so neither is shown where a letter is.
    """

    message_id: str
    sender: str
    address: str
    subject: str
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    date: datetime
    unsubscribe: str | None = field(default=None, repr=False)


class Transport(Protocol):
    """Hands a letter over. Raises Deferred, Bounced or Unavailable; returning means the other side has it."""

    def send(self, letter: Letter) -> None: ...


@dataclass
class MemoryTransport:
    """Keeps what it is given. ``refusals``: what to raise for an address."""

    sent: list[Letter] = field(default_factory=list)
    refusals: dict[str, Exception] = field(default_factory=dict)

    def send(self, letter: Letter) -> None:
        """Keep the letter, or refuse it as told to."""
        if letter.address in self.refusals:
            raise self.refusals[letter.address]
        self.sent.append(letter)


class SmtpTransport:
    """One SMTP conversation for each letter. ``url``: smtp://user:password@host:25 or smtps://…:465.

    STARTTLS is used where the server offers it, with its certificate checked, except on this machine.
    A silent server is left after 10 seconds.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        self.tls = parts.scheme == "smtps"
        self.host = parts.hostname or "localhost"
        self.port = parts.port or (465 if self.tls else 25)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.timeout = timeout

    def send(self, letter: Letter) -> None:
        """Hand ``letter`` over; see Transport."""
        server = self._connect(letter.sender)
        try:
            server.send_message(compose(letter), parseaddr(letter.sender)[1], [letter.address])
        except (smtplib.SMTPException, OSError) as error:
            raise _meaning(error, letter.address) from error
        finally:
            _leave(server)

    def _connect(self, sender: str) -> smtplib.SMTP:
        here = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        try:
            if self.tls:
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    self.host, self.port, here, timeout=self.timeout, context=secure_context()
                )
            else:
                server = smtplib.SMTP(self.host, self.port, here, timeout=self.timeout)
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(_words(error)) from error
        try:
            self._introduce(server)
        except (smtplib.SMTPException, OSError) as error:
            _leave(server)
            raise Unavailable(_words(error)) from error
        return server

    def _introduce(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if not self.tls and self.host not in LOOPBACK and server.has_extn("starttls"):
            server.starttls(context=secure_context())
            server.ehlo()
        if self.user:
            server.login(self.user, self.password)


@cache
def secure_context() -> ssl.SSLContext:
    """What checks a server's certificate. Made once, and where it is needed: reading the authorities takes long."""
    return ssl.create_default_context()


def compose(letter: Letter) -> EmailMessage:
    """The message with its headers; the words as text and, where there is some, as HTML beside it."""
    message = EmailMessage(policy=UNFOLDED)
    message["Message-ID"] = letter.message_id
    message["Date"] = format_datetime(letter.date)
    message["From"] = letter.sender
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = letter.subject
    # Absence replies to a machine help nobody (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        # One click asks for HTTPS (RFC 8058, section 3.1); over anything else the page asks first.
        if letter.unsubscribe.startswith("https://"):
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message


def _meaning(error: Exception, address: str) -> Exception:
    """What a refusal in the middle of the conversation means.

    1. About the recipient, or the message once the recipient was taken, with a code for no such address:
       Bounced. An enhanced code 5.7 says policy, not address, and 5.2 a mailbox full or off (RFC 3463): later.
    2. About us as a sender, the server closing, silence, a broken line: Unavailable.
    3. Everything else: Deferred.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = error.recipients.get(address, (451, b""))
        return _by_code(code, _decoded(text))
    if isinstance(error, smtplib.SMTPDataError):
        return _by_code(error.smtp_code, _decoded(error.smtp_error))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Deferred(_words(error))
    return Unavailable(_words(error))


def _by_code(code: int, text: str) -> Exception:
    words = f"{code} {text}"
    if code == 421:
        return Unavailable(words)
    if code in NO_SUCH_ADDRESS and not text.startswith(("5.7.", "5.2.")):
        return Bounced(words)
    return Deferred(words)


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; what goes wrong now changes nothing about what was handed over."""
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _decoded(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_decoded(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"
