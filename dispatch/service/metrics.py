"""What is counted while the service works, for Prometheus and for whoever is on call.

Defines the names and labels of every metric, and nothing global: each process makes one :class:`Metrics`
and hands it around. Never touches the database or HTTP; ``dashboards.metrics`` renders it. A counter starts
at zero with its process; several processes are added up by whoever scrapes them.
"""

import math
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dispatch.domain.vocabulary import CallOutcome, IncidentStatus

LATENCY_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Finest around 50 ms, the median that is promised from a webhook's arrival to the first alert leaving."""


class Metrics:
    """The metrics of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Register every metric with *registry*, or with a new one."""
        self.registry = registry or CollectorRegistry()
        self._webhooks_refused = Counter(
            "siaga_webhooks_refused_total",
            "Webhooks that were answered 403 and left no trace",
            ["reason"],
            registry=self.registry,
        )
        self._deliveries = Counter(
            "siaga_deliveries_total",
            "Attempts to hand a call or text to a provider, by what came of each",
            ["channel", "provider", "outcome"],
            registry=self.registry,
        )
        self._calls = Counter(
            "siaga_calls_total",
            "Rings and texts of residents that are over, by how each ended",
            ["outcome"],
            registry=self.registry,
        )
        self._provider_silent = Gauge(
            "siaga_provider_silent",
            "1 while a telephony provider does not answer, as this process sees it",
            ["provider"],
            registry=self.registry,
        )
        self._engine_lag = Gauge(
            "siaga_engine_lag_seconds",
            "How late the oldest deadline or delivery is that no engine has carried out; 0 when none is",
            registry=self.registry,
        )
        self._open_incidents = Gauge(
            "siaga_open_incidents",
            "Incidents that are not closed, by status",
            ["status"],
            registry=self.registry,
        )
        self._unaccepted = Gauge(
            "siaga_unaccepted_incidents",
            "Open incidents that nobody who can own them has accepted",
            registry=self.registry,
        )
        self._unaccepted_oldest = Gauge(
            "siaga_unaccepted_oldest_seconds",
            "How long the oldest of them has waited; 0 when there is none",
            registry=self.registry,
        )
        self._ages = Gauge(
            "siaga_heartbeat_age_seconds",
            "Since the last sign of life of a part (engine, watchdog, backup); absent when it never gave one",
            ["part"],
            registry=self.registry,
        )
        self._watchdog_findings = Gauge(
            "siaga_watchdog_findings",
            "What the watchdog found in its last round, by check",
            ["check"],
            registry=self.registry,
        )
        self._alert_latency = Histogram(
            "siaga_alert_latency_seconds",
            "From a webhook's arrival to the first alert being handed to a provider",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._add_journal()
        for outcome in CallOutcome:
            self._calls.labels(outcome=str(outcome))

    def _add_journal(self) -> None:
        self._journal_waiting = Gauge(
            "siaga_journal_waiting",
            "Requests that wait in the journal until the database takes them",
            registry=self.registry,
        )
        self._journal_laid_aside = Gauge(
            "siaga_journal_laid_aside",
            "Requests of the journal that can never be applied and wait for a person",
            registry=self.registry,
        )
        self._journal_failures = Counter(
            "siaga_journal_failures_total",
            "Requests that neither the database nor the journal took in time",
            registry=self.registry,
        )

    def webhook_refused(self, reason: str) -> None:
        """Count a webhook that was refused; *reason* is a word of a fixed list, never a sender's text."""
        self._webhooks_refused.labels(reason=reason).inc()

    def delivery_tried(self, *, channel: str, provider: str, outcome: str) -> None:
        """Count one attempt; *outcome* is a delivery state, or the kind of refusal."""
        self._deliveries.labels(channel=channel, provider=provider, outcome=outcome).inc()

    def provider_silent(self, provider: str, *, is_silent: bool) -> None:
        """Say whether a provider has stopped answering."""
        self._provider_silent.labels(provider=provider).set(int(is_silent))

    def call_ended(self, outcome: CallOutcome) -> None:
        """Count a ring whose ending is known."""
        self._calls.labels(outcome=str(outcome)).inc()

    def journal_holds(self, waiting: int, laid_aside: int) -> None:
        """Set how many requests stand in the journal's files."""
        self._journal_waiting.set(waiting)
        self._journal_laid_aside.set(laid_aside)

    def journal_failed(self) -> None:
        """Count a request that could not even be kept."""
        self._journal_failures.inc()

    def engine_lags(self, seconds: float) -> None:
        """Say how late the engines are, in seconds."""
        self._engine_lag.set(seconds)

    def first_alert_left(self, seconds: float) -> None:
        """Record the seconds between a webhook's arrival and its first alert's hand-over."""
        self._alert_latency.observe(max(0.0, seconds))

    def open_incidents(self, counts: Mapping[str, int]) -> None:
        """Set how many incidents stand in each status; statuses that are not named have none."""
        for status in IncidentStatus:
            if status is not IncidentStatus.CLOSED:
                self._open_incidents.labels(status=str(status)).set(counts.get(status, 0))

    def unaccepted_incidents(self, count: float, oldest_s: float) -> None:
        """Set how many open incidents have no owner, and how long the oldest of them has waited."""
        self._unaccepted.set(count)
        self._unaccepted_oldest.set(oldest_s)

    def heartbeats(self, ages_s: Mapping[str, float]) -> None:
        """Set how long ago each part last gave a sign of life; a part that is not named never did."""
        self._ages.clear()
        for part, age_s in ages_s.items():
            self._ages.labels(part=part).set(age_s)

    def watchdog_findings(self, counts: Mapping[str, int]) -> None:
        """Set how many findings each check has."""
        for check, count in counts.items():
            self._watchdog_findings.labels(check=check).set(count)

    def standing_unknown(self) -> None:
        """Leave out what only the database knows rather than repeat what was true once."""
        for gauge in (self._open_incidents, self._ages, self._watchdog_findings):
            gauge.clear()
        self.unaccepted_incidents(math.nan, math.nan)
        self.engine_lags(math.nan)
