"""The floor over HTTP: ``python -m benchmarks.bare URL PORT WORKERS ROWS`` writes a lead's rows for each request.

Flask and the server that Fairlead is served by, with its settings; JSON is read and answered, nothing is checked.
"""

import pickle
import sys
import threading
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, request
from sqlalchemy import Engine, create_engine

from benchmarks.floor import Floor
from benchmarks.written import Written
from models.session import configure_engine
from portal.cli.serve import Server
from portal.jobs.family import settle_memory


class Bare(Server):
    """The product's server around another app."""

    def forked(self, server: Any, worker: Any) -> None:
        """Nothing is open yet when a worker is forked."""


def bare_app(url: str, leads: list[Written]) -> Flask:
    """POST /leads writes what the product writes for a lead, each thread on a connection of its own."""
    app, own, engines = Flask("bare"), threading.local(), []

    def engine() -> Engine:
        if not engines:
            engines.append(create_engine(url, pool_size=16, max_overflow=16))
            configure_engine(engines[0])
        return engines[0]

    @app.post("/leads")
    def receive() -> Any:
        body = request.get_json()
        if not hasattr(own, "floor"):
            own.floor = Floor(engine(), leads)
        own.floor.once()
        return jsonify(email=body["email"]), 201

    return app


if __name__ == "__main__":
    url, port, workers, rows = sys.argv[1:]
    app = bare_app(url, pickle.loads(Path(rows).read_bytes()))
    settle_memory()
    Bare(app, "127.0.0.1", int(port), int(workers)).run()
