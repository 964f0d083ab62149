"""Callers are answered first: while several of them wait for a word, the engine's work takes its time.

All threads of one process share one interpreter, so that whatever the engine does makes whoever waits for an
answer wait longer. With few callers nothing is held back. In a crowd one piece of work after another is let
through, each after a short pause: alerts go on leaving, and nobody is left waiting for good.
"""

import threading

CROWD = 6
"""Webhooks under way at once from which on the engine gives way; on a calm day there are one or two."""

PAUSE_S = 0.02
"""The longest that one piece of work waits: fifty a second go on even while the crowd does not end.

At 12 ms sending took a fifth of the interpreter from twenty who call at once; at 20 ms their answers come a
fourteenth sooner, and the last of a burst of five hundred is alerted for a tenth of a second later
(docs/performance.md). First alerts wait in this line too, so a longer pause is no answer to a longer crowd.
"""


class CallersFirst:
    """Counts the webhooks under way, and lets others wait while there are many."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        """Nobody calls yet."""
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._under_way = 0
        self._calm = threading.Event()
        self._calm.set()

    def __enter__(self) -> None:
        """A webhook has arrived."""
        with self._lock:
            self._under_way += 1
            if self._under_way == CROWD:
                self._calm.clear()

    def __exit__(self, *_error: object) -> None:
        """It was answered."""
        with self._lock:
            self._under_way -= 1
            if self._under_way == CROWD - 1:
                self._calm.set()

    @property
    def is_crowded(self) -> bool:
        """Whether others should give way."""
        return not self._calm.is_set()

    def give_way(self) -> None:
        """Return at once when few wait for an answer; else after a moment, one thread at a time."""
        if not self.is_crowded:
            return
        with self._turn:
            self._calm.wait(self._pause_s)
