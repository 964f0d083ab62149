"""Whether the clock was set forward: wall time against a counter that nobody sets.

What is taken for granted when nobody says otherwise in time (``escalation.CONFIRMATIONS``) must not come to
pass because a clock jumped: a board without a clock of its own starts in the past and steps forward when it
finds a time server.
"""

import time
from collections.abc import Callable
from datetime import datetime

import structlog

from dispatch.service import waiting
from dispatch.service.services import Services

log = structlog.get_logger(__name__)

GAINED_S = 2.0
"""More than any time server slews between two rounds of the engine; the shortest grace is as long."""


class Stride:
    """Compares both clocks each time that the engine is about to look at what is due."""

    def __init__(self, services: Services, *, steady: Callable[[], float] | None = None) -> None:
        """*steady* counts seconds whatever the clock is set to."""
        self._services = services
        self._steady = steady or since_boot_s
        self._last: tuple[datetime, float] | None = None

    def look(self) -> None:
        """Put off what must not come early, if the clock has gained since the last look.

        When that fails the jump is found again by the next look, and nothing has been fired meanwhile.
        """
        now, steady_s = self._services.clock.now(), self._steady()
        if self._last is not None:
            last_at, last_steady_s = self._last
            gained_s = (now - last_at).total_seconds() - (steady_s - last_steady_s)
            if gained_s > GAINED_S:
                log.warning("clock.set_forward", gained_s=round(gained_s, 1))
                waiting.put_off(self._services)
        self._last = (now, steady_s)


def since_boot_s() -> float:
    """Seconds that go on while the machine sleeps, where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
