"""Whether the engine's loop still turns: said by the loop itself, and asked by those who speak for it.

A sign of life from another thread than the work says only that this other thread lives. So the loop makes a
mark after each step, and the sign of life and the lease are renewed only while the mark is young. Decides
when a loop counts as hanging; what is done then is its owner's.
"""

import time
from collections.abc import Callable

TURNS_WITHIN_S = 10.0
"""The longest that one step may take: a second for a connection and one for a lock or the writer, three to
connect to a server, five for a statement."""

LOOK_EVERY_S = 1.0

HANGS_AFTER_LOOKS = 60
"""So many looks in a row that find the same mark. Counted, and not measured: a process that was frozen, or a
machine that slept, did not look either, and goes on."""


class LoopWatch:
    """The mark of one loop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """A loop that has not begun counts as turning. *monotonic* is a clock that nobody sets."""
        self._monotonic = monotonic
        self._mark_s: float | None = None
        self._seen_s: float | None = None
        self._looks = 0

    def mark(self) -> None:
        """Say in the loop that a step is done, or that it begins."""
        self._mark_s = self._monotonic()

    @property
    def is_turning(self) -> bool:
        """Whether the last mark is young enough to speak for the loop."""
        return self._mark_s is None or self._monotonic() - self._mark_s < TURNS_WITHIN_S

    def hangs(self) -> bool:
        """One look, each ``LOOK_EVERY_S``: whether the loop has hung for as many looks as are too many.

        True once, and again after as many more.
        """
        if self._mark_s is None or self._mark_s != self._seen_s:
            self._seen_s, self._looks = self._mark_s, 0
            return False
        self._looks += 1
        return self._looks % HANGS_AFTER_LOOKS == 0
