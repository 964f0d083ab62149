"""One round of each measurement on a running program: what is sent, and what is timed.

Rounds are put together, repeated and judged in ``bench.measures``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import NullPool, create_engine, func, select

from bench.sites import Generator, ServerFailedError, Site
from models.incident import Call, Incident
from models.traffic import Delivery

AT_ONCE = 20
BURST_AT_ONCE = 50
ANSWER_AFTER_MS = 50

_QUIET_S = 0.5
_SHORT_QUIET_S = 0.2
"""Enough after a single call."""

_PATIENCE = 200
"""How many times to look for the last alert, with a short silence before each look."""

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

    @classmethod
    def tiny(cls) -> Self:
        """Enough to see that everything runs; the figures mean nothing."""
        return cls(rounds=1, calls=20, idle_calls=2, paced_s=1, burst=20, lifecycles=5, backlog=5)

    @property
    def few_rounds(self) -> int:
        """Of what takes long."""
        return max(1, self.rounds // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What went another way than it should, of everything that was done in a run."""

    fallbacks: list[int] = field(default_factory=list)
    """Of each order, how many calls were answered with the fallback: with a person, but too late."""
    failures: list[str] = field(default_factory=list)
    """Lives that took another course."""
    per_life: list[tuple[float, float]] = field(default_factory=list)
    """Webhooks, and requests to the provider, that each life of a round had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a round needs: who rings, at which site, how often."""

    generator: Generator
    site: Site
    scale: Scale
    tally: Tally = field(default_factory=Tally)

    def calls(self, **order: object) -> dict[str, Any]:
        """Ring as ordered."""
        answer: dict[str, Any] = self.generator.ask(
            "calls", **{"url": self.site.url, "at_once": AT_ONCE, **order}
        )
        self.tally.fallbacks.append(answer["fallbacks"])
        if answer["fallbacks"]:
            # Their requests wait in the journal, which is looked at every five seconds.
            self.generator.ask("quiet", for_s=6)
        return answer

    def clear(self, *, quiet_s: float = _QUIET_S) -> None:
        """Let everybody who rang press 9, and wait until nothing leaves any more."""
        self.generator.ask("quiet", for_s=quiet_s)
        self.generator.ask("hang_up", url=self.site.url)
        self.generator.ask("quiet", for_s=quiet_s)
        self.generator.ask("forget")


def webhooks_ms(bench: Bench, url: str | None = None) -> list[float]:
    """Webhook to first byte, without pause; at *url* in place of the site's."""
    taken: list[float] = bench.calls(url=url or bench.site.url, count=bench.scale.calls)["ms"]
    if url is None:
        bench.clear()
    return taken


def idle_alerts_ms(bench: Bench) -> list[float]:
    """Webhook to first alert, one call after another, each with the house to itself."""
    taken: list[float] = []
    for _ in range(bench.scale.idle_calls):
        taken += _first_alerts_ms(bench, bench.calls(count=1, at_once=1), quiet_s=_SHORT_QUIET_S)
        bench.clear(quiet_s=_SHORT_QUIET_S)
    return taken


def busy_alerts_ms(bench: Bench) -> list[float]:
    """Webhook to first alert while twenty calls come in each second, whatever the answers do."""
    rung = bench.calls(count=AT_ONCE * bench.scale.paced_s, at_once=200, per_s=AT_ONCE)
    taken = _first_alerts_ms(bench, rung)
    bench.clear()
    return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Seconds from the last call of a burst to its last first alert, and calls alerted for in a second."""

    last_s: float
    per_s: float


def burst(bench: Bench) -> Burst:
    """Many calls without pause."""
    rung = bench.calls(count=bench.scale.burst, at_once=BURST_AT_ONCE)
    sent, first = _sent_at(rung), _first_alerts_at(bench, rung)
    bench.clear()
    last_at = max(first.values())
    return Burst(last_s=last_at - max(sent.values()), per_s=len(first) / (last_at - min(sent.values())))


def handed_over_per_s(bench: Bench) -> float:
    """Alerts out of a backlog of calls that no engine has seen, to a provider that takes its time."""
    bench.generator.ask("forget")
    with bench.site.serving(engine=False):
        bench.calls(count=bench.scale.backlog, at_once=8)
    bench.generator.ask("answer_after", ms=ANSWER_AFTER_MS)
    with bench.site.serving():
        bench.generator.ask("quiet", for_s=3)
        came = sorted(at for _, _, at in bench.generator.ask("alerts"))
        bench.generator.ask("answer_after", ms=0)
        bench.clear()
    if len(came) != 2 * bench.scale.backlog:
        raise ServerFailedError(f"{len(came)} alerts left for {bench.scale.backlog} calls")
    seconds: float = came[-1] - came[0]
    return (len(came) - 1) / seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """How many whole lives passed in a second, and how long each took."""

    per_s: float
    taken_ms: list[float]


def lives(bench: Bench, count: int | None = None, at_once: int = AT_ONCE) -> Lives:
    """Whole calls, from the first ring to the closed incident, with every callback."""
    count = count or bench.scale.lifecycles
    lived = bench.generator.ask("lifecycles", url=bench.site.url, count=count, at_once=at_once)
    bench.generator.ask("forget")
    bench.tally.failures.extend(lived["failures"])
    bench.tally.per_life.append((lived["webhooks"] / count, lived["requests"] / count))
    return Lives(per_s=len(lived["ms"]) / lived["seconds"], taken_ms=lived["ms"])


def still_open(site: Site) -> int:
    """How many incidents nobody has closed."""
    engine = create_engine(site.database_url, poolclass=NullPool)
    with engine.connect() as connection:
        left = connection.scalar(select(func.count()).where(Incident.status != "closed"))
    engine.dispose()
    return left or 0


def _first_alerts_ms(bench: Bench, rung: Mapping[str, Any], *, quiet_s: float = _QUIET_S) -> list[float]:
    sent = _sent_at(rung)
    return [(at - sent[sid]) * 1000 for sid, at in _first_alerts_at(bench, rung, quiet_s=quiet_s).items()]


def _first_alerts_at(bench: Bench, rung: Mapping[str, Any], *, quiet_s: float = _QUIET_S) -> dict[str, float]:
    """When the first alert of each call left, by the call's identifier; every call must have one."""
    sent = _sent_at(rung)
    missing = set(sent)
    for _ in range(_PATIENCE):
        bench.generator.ask("quiet", for_s=quiet_s)
        came = {delivery_id: at for _, delivery_id, at in bench.generator.ask("alerts")}
        # In the order of time, backwards: what is left standing is each call's first.
        delivered = sorted(_calls_of(bench.site, list(came)), key=lambda one: -came[one[1]])
        first = {sid: came[delivery_id] for sid, delivery_id in delivered}
        missing = set(sent) - first.keys()
        if not missing:
            return {sid: first[sid] for sid in sent}
    raise ServerFailedError(f"nobody was alerted for {len(missing)} calls")


def _calls_of(site: Site, deliveries: Sequence[str]) -> list[tuple[str, str]]:
    """The call behind each delivery."""
    found: list[tuple[str, str]] = []
    engine = create_engine(site.database_url, poolclass=NullPool)
    with engine.connect() as connection:
        for begin in range(0, len(deliveries), _ASKED_AT_ONCE):
            some = deliveries[begin : begin + _ASKED_AT_ONCE]
            query = (
                select(Call.provider_sid, Delivery.id)
                .join(Delivery, Delivery.incident_id == Call.incident_id)
                .where(Delivery.id.in_(some), Delivery.purpose == "alert")
            )
            found += [(sid, delivery_id) for sid, delivery_id in connection.execute(query)]
    engine.dispose()
    return found


def _sent_at(rung: Mapping[str, Any]) -> dict[str, float]:
    sent: dict[str, float] = rung["sent_at"]
    return sent
