"""The state of the machinery in Prometheus's words. Ages in seconds; nothing about partners, leads or people."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from portal.jobs.status import QueueStatus, Status, Waiting

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition(found: Status) -> bytes:
    """``found`` as a scraper reads it. An age is left out where there is nothing to be old."""
    registry = CollectorRegistry()
    registry.register(_Found(found))
    return generate_latest(registry)


class _Found:
    """A collector of one reading."""

    def __init__(self, found: Status) -> None:
        self.found = found

    def collect(self) -> Iterator[Metric]:
        """The measures, each with its meaning."""
        found = self.found
        yield _age("fairlead_clock_age_seconds", "Since a clock last renewed its lead", found.clock_beat_at, found.at)
        yield from _waits("fairlead_outbox", "notices that wait to become mails", found.notices, found.at)
        yield from _waits("fairlead_mail_waiting", "mails that wait to be sent or tried again", found.waiting, found.at)
        yield from _waits("fairlead_mail_due", "mails that should be on their way", found.due, found.at)
        yield _number("fairlead_mail_retrying", "Mails that a server did not take at least once", found.retrying)
        yield _number("fairlead_mail_undeliverable", "Mails given up, of the last seven days", found.undeliverable)
        yield from _waits("fairlead_sweep_problems", "rows that the sweep set aside", found.sweep_problems, found.at)
        if found.queue is not None:
            yield from _of_queue(found.queue, found.at)


def _of_queue(queue: QueueStatus, at: datetime) -> Iterator[Metric]:
    yield _number("fairlead_redis_up", "Whether Redis answers", int(queue.answers))
    jobs = GaugeMetricFamily("fairlead_jobs", "Jobs in the queue, at work, and given up", labels=["state"])
    for state in ("queued", "running", "given_up"):
        jobs.add_metric([state], getattr(queue, state))
    yield jobs
    yield _number("fairlead_workers", "Workers heard of lately", sum(not it.is_silent(at) for it in queue.workers))
    beats = GaugeMetricFamily("fairlead_worker_age_seconds", "Since a worker was last heard of", labels=["worker"])
    for worker in queue.workers:
        if worker.beat_at is not None:
            beats.add_metric([worker.name], (at - worker.beat_at).total_seconds())
    yield beats


def _waits(name: str, what: str, waiting: Waiting, at: datetime) -> Iterator[Metric]:
    yield _number(name, f"How many {what}", waiting.count)
    yield _age(f"{name}_age_seconds", f"Age of the oldest of the {what}", waiting.oldest_at, at)


def _number(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _age(name: str, meaning: str, since: datetime | None, at: datetime) -> Metric:
    found = GaugeMetricFamily(name, meaning)
    if since is not None:
        found.add_metric([], max(0.0, (at - since).total_seconds()))
    return found
