"""A fence: whatever a test starts in this process reaches this machine and nothing beyond."""

import ipaddress
import socket
from typing import Any

import pytest

#: Names that never leave this machine. The resolver is asked for nothing else.
LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}


class OutsideWorld(AssertionError):
    """The code under test tried to reach another machine."""


@pytest.fixture(autouse=True)
def no_outside_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses connections, datagrams and look-ups to anything but loopback and Unix sockets."""
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _fenced(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_outside(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def is_local(host: object) -> bool:
    """Whether ``host`` (name, address, or nothing for any) is this machine."""
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback or name in ("0.0.0.0", "::")
    except ValueError:
        return name.lower() in LOCAL_NAMES


def _fenced(original: Any) -> Any:
    def call(self: socket.socket, *args: Any) -> Any:
        # The address comes last: sendto(data, flags?, address).
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_outside(args[-1][0])
        return original(self, *args)

    return call


def _refuse_outside(host: object) -> None:
    if not is_local(host):
        raise OutsideWorld(f"A test tried to reach {host!r}. Tests stay on this machine.")
