"""A file between its check and its import: kept beside the database for an hour, for the person who sent it only."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from flask import current_app
from werkzeug.datastructures import FileStorage

from portal.config import Settings
from portal.errors import Invalid

TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
SECONDS = 3600
GONE = "The file is no longer kept here: choose it again."


def _folder() -> Path:
    settings: Settings = current_app.extensions["fairlead"]
    folder = settings.var / "imports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def keep(file: FileStorage, owner: str, now: datetime) -> str:
    """Keep an upload; the token that finds it again. Those kept for an hour by ``now`` are dropped on the way."""
    _sweep(now)
    token = secrets.token_urlsafe(24)
    file.save(_folder() / f"{token}.data")
    about = {"owner": owner, "name": (file.filename or "file")[:200]}
    (_folder() / f"{token}.json").write_text(json.dumps(about), encoding="utf-8")
    return token


@contextmanager
def opened(token: str, owner: str) -> Iterator[tuple[BinaryIO, str]]:
    """The kept file and its name. Raises Invalid where there is none of this owner."""
    name = _name(token, owner)
    with (_folder() / f"{token}.data").open("rb") as stream:
        yield stream, name


def _name(token: str, owner: str) -> str:
    if not TOKEN.fullmatch(token):
        raise Invalid([("file", GONE)])
    try:
        about = json.loads((_folder() / f"{token}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Invalid([("file", GONE)]) from None
    if about["owner"] != owner:
        raise Invalid([("file", GONE)])
    return str(about["name"])


def drop(token: str, owner: str) -> None:
    """Forget a kept file."""
    _name(token, owner)
    for ending in ("data", "json"):
        (_folder() / f"{token}.{ending}").unlink(missing_ok=True)


def _sweep(now: datetime) -> None:
    oldest = now.timestamp() - SECONDS
    for path in _folder().iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
