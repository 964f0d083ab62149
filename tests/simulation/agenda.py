"""What is going to happen and when, in one thread: the simulated day's own time.

Two clocks are kept apart. The agenda runs on true time, which only moves forward; the machine's clock shows
it with an error that jumps when somebody, or a time server, sets it.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


class MachineClock:
    """The clock of the server's machine: true time, plus whatever somebody did to it."""

    def __init__(self, beginning: datetime) -> None:
        self._beginning = beginning
        self.true_ms = 0
        self.error_s = 0

    def now(self) -> datetime:
        """What the machine believes."""
        return self.true_now() + timedelta(seconds=self.error_s)

    def true_now(self) -> datetime:
        """What it really is."""
        return self._beginning + timedelta(milliseconds=self.true_ms)

    def true_ms_of(self, shown: datetime) -> int:
        """When, in true time, this clock will show *shown* unless it is set again."""
        return -(-(shown - self._beginning - timedelta(seconds=self.error_s)) // timedelta(milliseconds=1))


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One thing that happens; *place* keeps those of the same instant in the order of their making."""

    at_ms: int
    place: int
    label: str = field(compare=False)
    act: Callable[[], None] = field(compare=False)


class Agenda:
    """Steps in order of time."""

    def __init__(self, clock: MachineClock) -> None:
        self._clock = clock
        self._steps: list[Step] = []
        self._made = 0

    def after(self, seconds: float, label: str, act: Callable[[], None]) -> None:
        """Let *act* happen in so many seconds of true time."""
        self._made += 1
        at_ms = self._clock.true_ms + max(0, round(seconds * 1000))
        heapq.heappush(self._steps, Step(at_ms, self._made, label, act))

    @property
    def next_ms(self) -> int | None:
        """When something happens next."""
        return self._steps[0].at_ms if self._steps else None

    def take(self) -> Step:
        """The next step, which is not in the agenda any more."""
        return heapq.heappop(self._steps)
