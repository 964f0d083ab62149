"""The system's clock."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's own clock, cut to milliseconds as the record keeps them."""

    def now(self) -> datetime:
        """The current instant in UTC."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
