"""A circuit breaker for each provider: whether asking it now is worth an alert's time.

In the memory of one engine's process, on its clock. It decides the order in which providers are asked and
spaces the attempts at one that is silent. It never has the last word: the first alert of an incident is tried
whatever the breakers say, and nothing that waits is ever given up because of one.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.ports import Clock, ProviderRefusedError, TelephonyError

OPEN_AFTER = 3
"""Failures in a row that open it: one request lost on a bad line says nothing, three have cost up to half a
minute of waiting already."""

PROBE_EVERY_S = 5.0
"""A silent provider is left alone this long after each attempt: short enough to notice its return before a
batch of the ladder is over. The next attempt begins when the last one has ended, because requests that hang
would gather until no sender is left."""


@dataclass(slots=True)
class _Line:
    """How it has gone with one provider lately."""

    failures: int = 0
    open_since: datetime | None = None
    probe_at: datetime | None = None
    told: "Change | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A breaker opened, failed another probe, or closed (``open_since`` is None)."""

    provider: str
    open_since: datetime | None
    code: str


class Breakers:
    """One breaker for each provider, by name."""

    def __init__(self, clock: Clock, told: Callable[[Change], None], *, request_s: float) -> None:
        """All closed; *told* hears of every change, outside any lock.

        *request_s* is the longest that one request may take.
        """
        self._clock = clock
        self._told = told
        self._probe_lasts = timedelta(seconds=max(PROBE_EVERY_S, request_s))
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}

    def is_open(self, provider: str) -> bool:
        """Whether it has been silent too often."""
        with self._lock:
            return self._lines.setdefault(provider, _Line()).open_since is not None

    def lets_through(self, provider: str) -> bool:
        """Whether it may be asked now; where the breaker is open, that takes the one probe of its time."""
        now = self._clock.now()
        with self._lock:
            line = self._lines.setdefault(provider, _Line())
            if line.open_since is None:
                return True
            # A probe further away than one lasts was set by a clock that has since been put back.
            if line.probe_at is not None and now < line.probe_at <= now + self._probe_lasts:
                return False
            line.probe_at = now + self._probe_lasts
            return True

    def silent(self) -> Mapping[str, Change]:
        """The providers whose breakers are open now, with what was told of each last."""
        with self._lock:
            return {name: line.told for name, line in self._lines.items() if line.told is not None}

    def answered(self, provider: str) -> None:
        """It answered, whatever it said."""
        with self._lock:
            line = self._lines.setdefault(provider, _Line())
            was_open = line.open_since is not None
            self._lines[provider] = _Line()
        if was_open:
            self._told(Change(provider=provider, open_since=None, code=""))

    def failed(self, provider: str, error: TelephonyError) -> None:
        """A request to it ended in *error*; that it refused is an answer too."""
        if isinstance(error, ProviderRefusedError):
            self.answered(provider)
            return
        now = self._clock.now()
        with self._lock:
            line = self._lines.setdefault(provider, _Line())
            line.failures += 1
            if line.failures < OPEN_AFTER:
                return
            line.open_since = line.open_since or now
            line.probe_at = now + timedelta(seconds=PROBE_EVERY_S)
            change = Change(provider=provider, open_since=line.open_since, code=error.code)
            line.told = change
        self._told(change)
