"""Looking for cycles of garbage seldom, while much is read that holds none.

The interpreter looks for them after so many new objects, and now and then at all that there are: in a server
that is a tenth of a second, twice while a month's incidents are read.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 10_000
"""Before it looks among the youngest; the interpreter's own number is 700."""


class _Seldom:
    """The setting is the whole process's: the first to enter changes it, the last to leave restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = gc.get_threshold()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                self._before = gc.get_threshold()
                gc.set_threshold(NEW_OBJECTS, *self._before[1:])
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    gc.set_threshold(*self._before)


seldom_looking_for_cycles = _Seldom()
"""``with seldom_looking_for_cycles(): …``, in any number of threads at once."""
