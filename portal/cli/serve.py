"""The web server: gunicorn around the app, one process tree for one port."""

import os
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from models.base import db
from portal.cli.edge import load_app
from portal.config import Settings
from portal.jobs import heartbeat
from portal.jobs.family import die_with, settle_memory

if TYPE_CHECKING:
    from flask import Flask

THREADS = 8


def serve(host: str, port: int, workers: int | None = None) -> None:
    """Serve until told to stop. Raises ConfigError before any port is opened.

    One worker process on SQLite, which has one writer anyway; two on PostgreSQL. Eight threads each.
    """
    from portal.cli.supervisor import address

    settings = None if os.environ.get("FAIRLEAD_BASE_URL") else {"base_url": address(host, port)}
    run(load_app(settings, doors=True), host, port, workers)


def run(app: "Flask", host: str, port: int, workers: int | None = None) -> None:
    """Serve an app that is loaded, in worker processes that are copies of this one, until told to stop."""
    settle_memory()
    Server(app, host, port, workers or usual_workers(app.extensions["fairlead"])).run()


def usual_workers(settings: Settings) -> int:
    """How many worker processes where nobody says: SQLite has one writer at a time anyway."""
    return 1 if settings.database_url.startswith("sqlite") else 2


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with this product's settings around an app that is loaded."""

    def __init__(self, app: "Flask", host: str, port: int, workers: int) -> None:
        self.app = app
        self.options: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "threads": THREADS,
            "worker_class": "gthread",
            "preload_app": True,
            "timeout": 60,
            "graceful_timeout": 10,
            "keepalive": 5,
            "loglevel": "warning",
            "proc_name": "fairlead",
            "control_socket_disable": True,
            "post_fork": self.forked,
        }
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks for its settings; nothing is read from files or its own variables."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> "Flask":
        """What gunicorn asks for the app: made before any worker, so that each starts at once."""
        return self.app

    def forked(self, server: Any, worker: Any) -> None:
        """A worker must not share the connections of the process it came from, nor outlive it; it has a heartbeat."""
        with self.app.app_context():
            db.engine.dispose(close=False)
        die_with(worker.ppid)
        heartbeat.start(self.app)
