"""Clients that post as fast as they are answered, each on a connection that it keeps."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TIMEOUT = 30.0


class Line:
    """One kept connection. Requests are written and answers read by hand, since a client library would cost more."""

    def __init__(self, port: int, path: str, secret: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self.rest = b""

    def post(self, body: dict[str, Any]) -> int:
        """Send it and read the whole answer; its status."""
        data = json.dumps(body).encode()
        self.socket.sendall(f"{self.head}{len(data)}\r\n\r\n".encode() + data)
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            self._more()
        head, length = self.rest[:end], end + 4 + _length(self.rest[:end])
        while len(self.rest) < length:
            self._more()
        self.rest = self.rest[length:]
        return int(head[9:12])

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        self.rest += data


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ConnectionError("an answer without its length")


@dataclass
class Load:
    """What the clients saw: seconds of each answer, the answers' statuses, and how long all of it took."""

    latencies: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    seconds: float = 0.0


def load(lines: list[Line], body: Callable[[], dict[str, Any]], seconds: float) -> Load:
    """Every line posts without a pause for so long."""
    done, start = Load(), time.perf_counter()
    workers = [threading.Thread(target=_post_on, args=(line, body, start + seconds, done)) for line in lines]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done.seconds = time.perf_counter() - start
    return done


def _post_on(line: Line, body: Callable[[], dict[str, Any]], until: float, done: Load) -> None:
    while (began := time.perf_counter()) < until:
        done.statuses.add(line.post(body()))
        done.latencies.append(time.perf_counter() - began)
