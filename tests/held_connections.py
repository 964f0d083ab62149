"""Holds whoever got a connection of a pool: so is seen how many threads can have one at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, QueuePool
from sqlalchemy.event import listen

from tests.fakes.telephony import WAIT_S


class Held:
    """The connections of one pool that are held, each by the thread that asked for it."""

    def __init__(self, database: Engine, places: int, *threads: str) -> None:
        self._database = database
        self._threads = threads
        self._places = threading.Semaphore(places)
        self._held = threading.Semaphore(0)
        self._goes_on = threading.Event()
        self._closed = 0
        # They stay: while they are called, the list of them must not change.
        listen(database, "checkout", self._hold)
        listen(database, "close", self._count_closed)

    def also(self, *threads: str) -> None:
        """From now on these keep what they get, too."""
        self._threads += threads

    def come(self, number: int) -> bool:
        """Whether so many, beside those who were counted before, get a connection and hold it."""
        return all(self._held.acquire(timeout=WAIT_S) for _ in range(number))

    def let_go(self) -> None:
        self._goes_on.set()

    def closed(self) -> int:
        """How many connections were not kept for the next one, when all have been given back."""
        pool = self._database.pool
        assert isinstance(pool, QueuePool)
        for _ in range(int(WAIT_S / 0.01)):
            if not pool.checkedout() or threading.Event().wait(0.01):
                break
        return self._closed

    def _hold(self, *_: object) -> None:
        is_meant = not self._threads or threading.current_thread().name.startswith(self._threads)
        if is_meant and not self._goes_on.is_set() and self._places.acquire(blocking=False):
            self._held.release()
            self._goes_on.wait(2 * WAIT_S)

    def _count_closed(self, *_: object) -> None:
        self._closed += 1


@contextmanager
def connections_held(database: Engine, places: int, *threads: str) -> Iterator[Held]:
    """In the block the first *places* who get a connection keep it; of those only whose names begin so."""
    held = Held(database, places, *threads)
    try:
        yield held
    finally:
        held.let_go()
