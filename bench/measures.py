"""The figures: which rounds make each of them, beside what, and what is to be reached.

What is a ratio is measured in turns (A, B, A, B), so that whatever else the machine does meets both sides.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from bench import rounds
from bench.figures import Figure, of_rates, of_rounds, percentile, ratio
from bench.rounds import ANSWER_AFTER_MS, AT_ONCE, BURST_AT_ONCE, Bench
from bench.sites import Server, limits

COMMIT_BYTES = 11_800
"""What the rows of one new call hold, counted with 18 people on duty."""

MEMORY_MIB_MAX = 200
GROWTH_MAX = 1.2
"""How many times as slow a database with a million incidents may be."""


def webhook_latency(bench: Bench, folder: Path, name: str, *, judged: bool) -> Iterator[Figure]:
    """Webhook to the first byte of its answer, beside the two limits; *judged* by five times the second."""
    document_bytes = int(bench.calls(count=AT_ONCE)["body"])
    bench.clear()
    bare: list[list[float]] = []
    durable: list[list[float]] = []
    program: list[list[float]] = []
    with limits(folder, document_bytes=document_bytes, commit_bytes=COMMIT_BYTES) as url:
        for warm in (False, *[True] * bench.scale.rounds):
            took = [rounds.webhooks_ms(bench, address) for address in (url, f"{url}/durable", None)]
            if warm:
                for kept, one in zip((bare, durable, program), took, strict=True):
                    kept.append(one)
    what = f"webhook → first byte, {AT_ONCE} at once, {name}"
    yield of_rounds(what, "ms", program, limit=percentile([ms for one in durable for ms in one], 0.5))
    yield of_rounds("  limit: bare signed route", "ms", bare)
    yield of_rounds(f"  limit: the same with one durable commit of {COMMIT_BYTES} bytes", "ms", durable)
    for label, share in (("median", 0.5), ("p99", 0.99)):
        above = [percentile(one, share) for one in program]
        below = [percentile(one, share) for one in durable]
        at_most = 5 if judged else None
        yield ratio(f"  its {label} ÷ that of the limit with a commit", above, below, at_most=at_most)


def alert_latency(bench: Bench, name: str) -> Iterator[Figure]:
    """Webhook to the first request for an alert: at idle, and while 20 calls come in each second."""
    idle = [rounds.idle_alerts_ms(bench) for _ in range(bench.scale.rounds)]
    quiet = [ms for one in idle for ms in one]
    met = percentile(quiet, 0.5) <= 15 and percentile(quiet, 0.95) <= 40
    what = "webhook → first alert request leaves"
    yield of_rounds(f"{what}, idle, {name}", "ms", idle, target="median ≤ 15, p95 ≤ 40", met=met)
    busy = [rounds.busy_alerts_ms(bench) for _ in range(bench.scale.rounds)]
    met = percentile([ms for one in busy for ms in one], 0.95) <= 250
    yield of_rounds(f"{what}, 20 calls/s, {name}", "ms", busy, target="p95 ≤ 250", met=met)


def bursts(bench: Bench, name: str) -> Iterator[Figure]:
    """How long after the last of many calls without pause the last of them is alerted for."""
    found = [rounds.burst(bench) for _ in range(bench.scale.few_rounds)]
    last = tuple(one.last_s for one in found)
    middle = percentile(last, 0.5)
    what = f"burst of {bench.scale.burst} calls, {BURST_AT_ONCE} at once, {name}"
    yield Figure(
        name=f"{what}: last first alert after the last call",
        unit="s",
        median=middle,
        rounds=last,
        target="≤ 4",
        met=middle <= 4,
    )
    yield of_rates(f"{what}: calls alerted for", "/s", [one.per_s for one in found])


def handing_over(bench: Bench, name: str) -> Iterator[Figure]:
    """How fast alerts leave when the provider takes its time and has no limit; no program runs meanwhile."""
    rates = [rounds.handed_over_per_s(bench) for _ in range(bench.scale.few_rounds)]
    yield of_rates(
        f"alerts handed to a provider that answers in {ANSWER_AFTER_MS} ms, {name}", "/s", rates, at_least=150
    )


def lifecycles(
    bench: Bench,
    server: Server,
    name: str,
    *,
    at_least: float | None = None,
    memory_mib_max: float | None = None,
) -> Iterator[Figure]:
    """Whole calls from the first ring to the closed incident, and the memory that they took."""
    # A server that has just started is warmed up gently.
    rounds.lives(bench, 2 * AT_ONCE, at_once=4)
    found = [rounds.lives(bench) for _ in range(bench.scale.rounds)]
    memory = server.memory_mib()
    left = 0 if bench.tally.failures else rounds.still_open(bench.site)
    if left:
        bench.tally.failures.append(f"{left} incidents are open that were lived to their end")
    rates = [one.per_s for one in found]
    yield of_rates(f"whole lifecycles, {AT_ONCE} at a time, {name}", "/s", rates, at_least=at_least)
    yield of_rounds("  one of them, begin to end", "ms", [one.taken_ms for one in found])
    webhooks, requests = bench.tally.per_life[-1]
    yield Figure(name="  webhooks in each", unit="", median=webhooks)
    yield Figure(name="  requests to the provider in each", unit="", median=requests)
    yield Figure(
        name=f"memory (PSS) after that load, {name}",
        unit="MiB",
        median=memory,
        target=None if memory_mib_max is None else f"≤ {memory_mib_max:g}",
        met=None if memory_mib_max is None else memory <= memory_mib_max,
    )


def growth(small: Bench, large: Bench, name: str) -> Iterator[Figure]:
    """The large database held against the small one, in turns."""
    webhooks: tuple[list[float], list[float]] = ([], [])
    alerts: tuple[list[float], list[float]] = ([], [])
    life: tuple[list[float], list[float]] = ([], [])
    for warm in (False, *[True] * small.scale.rounds):
        for side, bench in enumerate((large, small)):
            took = (
                percentile(rounds.webhooks_ms(bench), 0.5),
                percentile(rounds.idle_alerts_ms(bench), 0.5),
                1000 / rounds.lives(bench).per_s,
            )
            if warm:
                for kept, one in zip((webhooks, alerts, life), took, strict=True):
                    kept[side].append(one)
    for what, (above, below) in (
        (f"webhook → first byte, {AT_ONCE} at once", webhooks),
        ("webhook → first alert, idle", alerts),
        ("ms for each whole lifecycle", life),
    ):
        yield ratio(f"{what}: {name}", above, below, at_most=GROWTH_MAX)


def after_a_kill(bench: Bench, server: Server, name: str) -> Iterator[Figure]:
    """From ``kill -9`` in the middle of calls, and a start at once, to the next call that is answered."""
    taken: list[float] = []
    for _ in range(bench.scale.rounds):
        bench.calls(count=AT_ONCE)
        server.kill()
        killed_at = time.perf_counter()
        server.start(ready=False)
        answered = bench.generator.ask("first_answer", url=bench.site.url)
        # Both processes read the same clock of this machine.
        taken.append(answered["at"] - killed_at)
        server.await_ready()
        bench.clear()
    middle = percentile(taken, 0.5)
    yield Figure(
        name=f"kill -9 → next call answered, {name}",
        unit="s",
        median=middle,
        p95=percentile(taken, 0.95),
        rounds=tuple(taken),
        target="≤ 3",
        met=middle <= 3,
    )
