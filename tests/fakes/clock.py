"""A clock that tests move by hand."""

from datetime import datetime, timedelta


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        """Start at *at*, an aware instant."""
        self._now = at
        self._steady_s = 0.0

    def now(self) -> datetime:
        """Where the hand stands."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move the hand on (or back, for the tests of clock jumps) and return the new instant."""
        self._now += timedelta(seconds=seconds)
        self._steady_s += seconds
        return self._now

    def steady_s(self) -> float:
        """What a counter shows that nobody sets."""
        return self._steady_s

    def is_set(self, seconds: float) -> datetime:
        """Somebody sets the clock, so many seconds beside what it showed; no time passes."""
        self._now += timedelta(seconds=seconds)
        return self._now
