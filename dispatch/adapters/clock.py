"""The system's clock, and one that tests move by hand."""

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's own clock, cut to milliseconds as the record keeps them."""

    def now(self) -> datetime:
        """The current instant in UTC."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        """Start at *at*, an aware instant."""
        self._now = at

    def now(self) -> datetime:
        """Where the hand stands."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move the hand on (or back, for the tests of clock jumps) and return the new instant."""
        self._now += timedelta(seconds=seconds)
        return self._now
