"""The measurements, each on a running program: what is sent, what is timed, what is compared.

What is a ratio is measured in turns (A, B, A, B), so that whatever else the machine does meets both sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, func, select

from bench.figures import Figure, of_rates, of_rounds, percentile, ratio
from bench.sites import Generator, Server, ServerFailedError, Site, limits
from models.incident import Call, Incident
from models.traffic import Delivery

AT_ONCE = 20
ANSWER_AFTER_MS = 50
_QUIET_S = 0.5
_ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured: rounds, and how many calls each of them has."""

    rounds: int = 5
    calls: int = 200
    idle_calls: int = 25
    paced_s: int = 10
    burst: int = 500
    lifecycles: int = 100
    backlog: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every measurement needs."""

    generator: Generator
    site: Site
    scale: Scale
    fallbacks: list[int] = field(default_factory=list)
    """How many calls of each order were answered with the fallback: connected to a person, but too late."""
    failures: list[str] = field(default_factory=list)
    """Lives that went another way than they should."""

    def calls(self, **order: object) -> dict[str, Any]:
        """Ring as ordered."""
        answer: dict[str, Any] = self.generator.ask(
            "calls", **{"url": self.site.url, "at_once": AT_ONCE, **order}
        )
        self.fallbacks.append(answer["fallbacks"])
        if answer["fallbacks"]:
            # Their requests wait in the journal, which is looked at every five seconds.
            self.generator.ask("quiet", for_s=6)
        return answer

    def clear(self) -> None:
        """Let everybody who rang press 9, and wait until nothing leaves any more."""
        self.generator.ask("quiet", for_s=_QUIET_S)
        self.generator.ask("hang_up", url=self.site.url)
        self.generator.ask("quiet", for_s=_QUIET_S)
        self.generator.ask("forget")


def webhook_latency(bench: Bench, folder: Path, *, commit_bytes: int, name: str) -> list[Figure]:
    """Webhook to first byte of its answer, without pause, beside the two limits."""
    size = int(bench.calls(count=AT_ONCE)["body"])
    bench.clear()
    found: dict[str, list[list[float]]] = {"bare": [], "durable": [], "program": []}
    with limits(folder, document_bytes=size, commit_bytes=commit_bytes) as url:
        for number in range(bench.scale.rounds + 1):
            for kind, address in (("bare", url), ("durable", f"{url}/durable"), ("program", bench.site.url)):
                taken = bench.calls(url=address, count=bench.scale.calls)["ms"]
                if number:  # The first is for warming up.
                    found[kind].append(taken)
            bench.clear()
    program, durable = found["program"], found["durable"]
    what = f"webhook → first byte, {AT_ONCE} at once, {name}"
    return [
        of_rounds(what, "ms", program, limit=percentile([ms for one in durable for ms in one], 0.5)),
        of_rounds(f"limit: bare signed route, {AT_ONCE} at once", "ms", found["bare"]),
        of_rounds(f"limit: the same with one durable commit of {commit_bytes} bytes", "ms", durable),
        *(
            ratio(
                f"{what}: {label} to that of the limit with a commit",
                [percentile(one, share) for one in program],
                [percentile(one, share) for one in durable],
                at_most=5,
            )
            for label, share in (("median", 0.5), ("p99", 0.99))
        ),
    ]


def alert_latency(bench: Bench, *, name: str) -> list[Figure]:
    """Webhook to the first request for an alert: at idle, and while 20 calls come in each second."""
    idle, busy = [], []
    for _ in range(bench.scale.rounds):
        taken: list[float] = []
        for _ in range(bench.scale.idle_calls):
            taken += _first_alerts_ms(bench, bench.calls(count=1, at_once=1))
            bench.clear()
        idle.append(taken)
        paced = bench.calls(count=20 * bench.scale.paced_s, at_once=200, per_s=20)
        busy.append(_first_alerts_ms(bench, paced))
        bench.clear()
    what = "webhook → first alert request leaves"
    quiet, under = [ms for one in idle for ms in one], [ms for one in busy for ms in one]
    return [
        of_rounds(
            f"{what}, idle, {name}",
            "ms",
            idle,
            target="median ≤ 15, p95 ≤ 40",
            met=percentile(quiet, 0.5) <= 15 and percentile(quiet, 0.95) <= 40,
        ),
        of_rounds(
            f"{what}, 20 calls/s, {name}", "ms", busy, target="p95 ≤ 250", met=percentile(under, 0.95) <= 250
        ),
    ]


def burst(bench: Bench, *, name: str) -> list[Figure]:
    """How long after the last of many calls without pause the last of them is alerted for."""
    last, pace = [], []
    for _ in range(max(1, bench.scale.rounds // 2)):
        rung = bench.calls(count=bench.scale.burst, at_once=50)
        first = _first_alerts_at(bench, rung)
        sent = _sent_at(rung)
        last.append(max(first.values()) - max(sent.values()))
        pace.append(len(first) / (max(first.values()) - min(sent.values())))
        bench.clear()
    middle = percentile(last, 0.5)
    what = f"burst of {bench.scale.burst} calls, 50 at once, {name}"
    return [
        Figure(
            name=f"{what}: last first alert after the last call",
            unit="s",
            median=middle,
            rounds=tuple(last),
            target="≤ 4",
            met=middle <= 4,
        ),
        of_rates(f"{what}: calls alerted for", "/s", pace),
    ]


def handing_over(bench: Bench, *, name: str) -> list[Figure]:
    """Alerts handed to a provider that takes its time, out of a backlog of calls that no engine has seen."""
    rates = []
    for _ in range(max(1, bench.scale.rounds // 2)):
        bench.generator.ask("forget")
        with bench.site.serving(engine=False):
            bench.calls(count=bench.scale.backlog, at_once=8)
        bench.generator.ask("answer_after", ms=ANSWER_AFTER_MS)
        with bench.site.serving():
            bench.generator.ask("quiet", for_s=2)
            came = sorted(at for _, _, at in bench.generator.ask("alerts"))
            bench.generator.ask("answer_after", ms=0)
            bench.clear()
        if len(came) != 2 * bench.scale.backlog:
            raise ServerFailedError(f"{len(came)} alerts left for {bench.scale.backlog} calls")
        rates.append((len(came) - 1) / (came[-1] - came[0]))
    what = f"alerts handed to a provider that answers in {ANSWER_AFTER_MS} ms, {name}"
    return [of_rates(what, "/s", rates, at_least=150)]


def lifecycles(bench: Bench, server: Server, *, name: str, at_least: float | None) -> list[Figure]:
    """Whole calls from the first ring to the closed incident, every callback included."""
    rates, took, webhooks, requests = [], [], 0, 0
    for number in range(bench.scale.rounds + 1):
        count = bench.scale.lifecycles if number else 2 * AT_ONCE
        lived = bench.generator.ask("lifecycles", url=bench.site.url, count=count, at_once=AT_ONCE)
        bench.failures.extend(lived["failures"])
        if number:
            rates.append(len(lived["ms"]) / lived["seconds"])
            took.append(lived["ms"])
            webhooks, requests = webhooks + lived["webhooks"], requests + lived["requests"]
    memory = server.memory_mib()
    if not bench.failures:
        _all_closed(bench.site)
    lives = bench.scale.rounds * bench.scale.lifecycles
    what = f"whole lifecycles, {AT_ONCE} at a time, {name}"
    print(
        f"  each lifecycle: {webhooks / lives:.1f} webhooks, {requests / lives:.1f} requests to the provider"
    )
    return [
        of_rates(what, "/s", rates, at_least=at_least),
        of_rounds(f"one of them, begin to end, {name}", "ms", took),
        Figure(
            name=f"memory (PSS) after that load, {name}",
            unit="MiB",
            median=memory,
            target=None if name != "SQLite" else "≤ 200",
            met=None if name != "SQLite" else memory <= 200,
        ),
    ]


def _all_closed(site: Site) -> None:
    """Whoever lived was helped: no incident is open, none without a response."""
    engine = create_engine(site.database_url, poolclass=NullPool)
    with engine.connect() as connection:
        left = connection.scalar(select(func.count()).where(Incident.status != "closed"))
        unanswered = connection.scalar(
            select(func.count()).where(Incident.outcome == "treated", Incident.on_scene_at.is_(None))
        )
    engine.dispose()
    if left or unanswered:
        raise ServerFailedError(
            f"after the lifecycles {left} incidents are open, {unanswered} without response"
        )


def _first_alerts_ms(bench: Bench, rung: Mapping[str, Any]) -> list[float]:
    sent = _sent_at(rung)
    return [(at - sent[sid]) * 1000 for sid, at in _first_alerts_at(bench, rung).items()]


def _first_alerts_at(bench: Bench, rung: Mapping[str, Any]) -> dict[str, float]:
    """When the first alert of each call left, by the call's identifier; every call must have one."""
    bench.generator.ask("quiet", for_s=_QUIET_S)
    came = {delivery_id: at for _, delivery_id, at in bench.generator.ask("alerts")}
    engine = create_engine(bench.site.database_url, poolclass=NullPool)
    first: dict[str, float] = {}
    for sid, delivery_id in _calls_of(engine, list(came)):
        first[sid] = min(first.get(sid, came[delivery_id]), came[delivery_id])
    engine.dispose()
    missing = _sent_at(rung).keys() - first.keys()
    if missing:
        raise ServerFailedError(f"nobody was alerted for {len(missing)} calls")
    return {sid: at for sid, at in first.items() if sid in _sent_at(rung)}


def _calls_of(engine: Engine, deliveries: Sequence[str]) -> list[tuple[str, str]]:
    """The call behind each delivery."""
    found: list[tuple[str, str]] = []
    with engine.connect() as connection:
        for begin in range(0, len(deliveries), _ASKED_AT_ONCE):
            some = deliveries[begin : begin + _ASKED_AT_ONCE]
            query = (
                select(Call.provider_sid, Delivery.id)
                .join(Delivery, Delivery.incident_id == Call.incident_id)
                .where(Delivery.id.in_(some), Delivery.purpose == "alert")
            )
            found += [(sid, delivery_id) for sid, delivery_id in connection.execute(query)]
    return found


def _sent_at(rung: Mapping[str, Any]) -> dict[str, float]:
    sent: dict[str, float] = rung["sent_at"]
    return sent
