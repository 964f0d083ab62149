"""What of the record a foreign format has no place for: listed, so that nobody takes silence for absence."""

from collections import Counter


class Unmapped:
    """Collects what was left out of one export, and how often."""

    def __init__(self) -> None:
        """Nothing was left out yet."""
        self._counts: Counter[str] = Counter()

    def add(self, what: str) -> None:
        """Something was left out once more; *what* names the field of the record and the reason."""
        self._counts[what] += 1

    def lines(self) -> list[str]:
        """Each thing with its number of incidents, in the order of the alphabet."""
        return [f"{what} ({count})" for what, count in sorted(self._counts.items())]
