"""A lead over HTTP: ``fairlead serve`` as in production, beside a bare endpoint on the same server software."""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks import place, seed
from benchmarks.client import Line, Load, load
from benchmarks.house import House, house, outside
from benchmarks.options import Options
from benchmarks.processes import answered, environment, free_port, running
from benchmarks.results import Row
from benchmarks.sampling import shares
from benchmarks.timing import percentile
from portal.vocabulary import Role
from tests.support import servers, world

PATH, PARTNERS, REGIONS = "/api/v1/leads", 1000, 20
GOAL_CLIENTS, GOAL_RATE = 4, 300
WORKERS = {"sqlite": 1, "postgresql": 2}


def run(options: Options) -> Iterator[Row]:
    """A row for each database and number of clients."""
    number, regions = (12, 3) if options.quick else (PARTNERS, REGIONS)
    for kind in options.databases:
        with house(kind, "http") as made:
            seed.partners(made, number, regions)
            seed.rules(made, 5 if options.quick else place.RULES)
            leads, secret = place.samples(made, regions), _secret(made)
            made.analyze()
            rows = servers.run_folder() / "rows.pickle"
            rows.write_bytes(pickle.dumps(leads))
            yield from _served(made, secret, str(rows), regions, options.quick)


def _secret(made: House) -> str:
    return world.make_key(made.session, Role.MARKETER)[1]


def _served(made: House, secret: str, rows: str, regions: int, quick: bool) -> Iterator[Row]:
    """Both servers run all the time; the one that is not asked does nothing."""
    profile = _profile(made, secret, regions, 0.1 if quick else 3.0)
    workers, ports = WORKERS[made.kind], (free_port(), free_port())
    env = environment(
        database_url=made.url, secret_key="only-for-tests-0123456789abcdef", var_dir=str(servers.run_folder()),
        base_url="http://localhost",
    )  # fmt: skip
    commands = (
        ["portal.cli.main", "serve", "--port", str(ports[0]), "--workers", str(workers)],
        ["benchmarks.bare", made.url, str(ports[1]), str(workers), rows],
    )
    with ExitStack() as stack:
        names = ("product", "bare")
        started = [stack.enter_context(running(*each)) for each in zip(commands, (env, env), names, strict=True)]
        for process, port, name in zip(started, ports, names, strict=True):
            answered(process, port, "/", name)
        for clients in (1, 4):
            yield _measured(made, ports, clients, secret, regions, workers, quick, profile)


def _measured(
    made: House, ports: tuple[int, int], clients: int, secret: str, regions: int, workers: int, quick: bool,
    profile: dict[str, Any],
) -> Row:  # fmt: skip
    before = made.count("assignment")
    ours = [Line(ports[0], PATH, secret) for _ in range(clients)]
    bare = [Line(ports[1], "/leads", "") for _ in range(clients)]
    product, floor = Load(), Load()
    turns, seconds = (1, 0.2) if quick else (6, 1.5)
    for turn in range(turns + 1):
        for lines, total in ((ours, product), (bare, floor)):
            done = load(lines, lambda: seed.enquiry(regions), seconds)
            total.statuses |= done.statuses
            if turn:  # the first one warms up
                total.latencies += done.latencies
                total.seconds += done.seconds
    for line in (*ours, *bare):
        line.close()
    assert product.statuses == floor.statuses == {201}, f"every lead was taken: {product.statuses}, {floor.statuses}"
    assert made.count("assignment") >= before + len(product.latencies) + len(floor.latencies), "and placed"
    return _row(made, product, floor, clients, workers, profile)


def _row(made: House, product: Load, floor: Load, clients: int, workers: int, profile: dict[str, Any]) -> Row:
    rate, aimed = _rate(product), made.kind == "postgresql" and clients == GOAL_CLIENTS
    more = {"product": _spread(product), "floor": _spread(floor), "workers": workers, "profile": profile}
    words = f"{counted(clients, 'client')}, {counted(workers, 'worker')}; " + ", ".join(
        f"{name[:3]} {value:.0f} ms" for name, value in _spread(product).items() if name != "p99_ms"
    )
    return Row(
        "http", "POST /api/v1/leads", made.kind, words, "leads/s", rate, _rate(floor),
        f"{GOAL_RATE} leads/s" if aimed else "", rate >= GOAL_RATE if aimed else None, more,
    )  # fmt: skip


def counted(number: int, word: str) -> str:
    """A number of things in words."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _rate(done: Load) -> float:
    return len(done.latencies) / done.seconds


def _spread(done: Load) -> dict[str, float]:
    return {f"p{share}_ms": 1000 * percentile(done.latencies, share / 100) for share in (50, 95, 99)}


def _profile(made: House, secret: str, regions: int, seconds: float) -> dict[str, Any]:
    """Where the time of a request goes, in process; told in the JSON."""
    client = made.app.test_client()

    def post() -> None:
        answer = client.post(PATH, json=seed.enquiry(regions), headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 201, answer.get_data(as_text=True)

    made.session.close()
    act = outside(post)
    for _ in range(10):
        act()
    return shares(act, seconds)
