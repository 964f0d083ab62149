"""What goes wrong, how often, and whether anything goes wrong now: every fault is drawn from the day's seed.

Knows no meaning: whoever could fail asks ``strikes("its name")``. In the quiet phase nothing strikes.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random

CALM, RAIN, STORM = 0.3, 1.0, 2.5
"""How a day's weather multiplies the odds."""

ODDS: Mapping[str, float] = {
    # The program dies, at a commit or while a provider is being asked.
    "crash before commit": 0.003,
    "crash after commit": 0.003,
    "crash before the provider has it": 0.01,
    "crash after the provider has it": 0.02,
    # The database fails in the middle of a transaction, or takes it and does not say so.
    "commit refused": 0.003,
    "commit unanswered": 0.002,
    # The provider, asked for something.
    "refused": 0.02,
    "unreachable": 0.05,
    "answer lost": 0.03,
    "lost on the way": 0.02,
    "cannot be asked": 0.05,
    # The provider, telling something.
    "webhook lost": 0.02,
    "webhook twice": 0.05,
    "callback lost": 0.05,
    "callback twice": 0.08,
    "callback late": 0.1,
    "callback first": 0.08,
    # The engine looks late: people are faster than the machine.
    "engine late": 0.15,
}


class Weather:
    """The faults of one day."""

    def __init__(self, chance: Random, severity: float, tell: Callable[[str], None]) -> None:
        self._chance = chance
        self._severity = severity
        self._tell = tell
        self.is_quiet = False
        self.struck: Counter[str] = Counter()

    def strikes(self, fault: str) -> bool:
        """Whether *fault* happens now."""
        if self.is_quiet or self._chance.random() >= ODDS[fault] * self._severity:
            return False
        self.note(fault)
        return True

    def note(self, fault: str) -> None:
        """Count *fault*, which happened for a reason of its own."""
        self.struck[fault] += 1
        self._tell(f"FAULT {fault}")
