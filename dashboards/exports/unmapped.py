"""What of the record a foreign format has no place for: listed, so that nobody takes silence for absence."""

from collections import Counter
from collections.abc import Mapping


class Unmapped:
    """Collects what was left out of one export, and how often."""

    def __init__(self) -> None:
        """Nothing was left out yet."""
        self._counts: Counter[str] = Counter()

    def add(self, what: str) -> None:
        """Something was left out once more; *what* names the field of the record and the reason."""
        self._counts[what] += 1

    def counts(self) -> Mapping[str, int]:
        """The number of incidents for each thing, in the order of the alphabet."""
        return dict(sorted(self._counts.items()))

    def lines(self) -> list[str]:
        """The same, a line for each."""
        return [f"{what} ({count})" for what, count in self.counts().items()]
