"""Somebody outside who is told every minute that all is well; may hang, or be away."""

import threading

from dispatch.ports import HeartbeatError
from models.unit_of_work import refuse_inside_transaction
from tests.fakes.telephony import WAIT_S


class FakeHeartbeat:
    """Counts the signs; ``begun`` is how often one was sent, ``beats`` how many came to their end."""

    def __init__(self, *, is_away: bool = False) -> None:
        self._is_away = is_away
        self._free = threading.Event()
        self._free.set()
        self._changed = threading.Condition()
        self.begun = 0
        self.beats = 0

    def hangs(self) -> None:
        self._free.clear()

    def goes_on(self) -> None:
        self._free.set()

    def beat(self) -> None:
        refuse_inside_transaction("the fake heartbeat")
        self.begun += 1
        assert self._free.wait(WAIT_S)
        with self._changed:
            self.beats += 1
            self._changed.notify_all()
        if self._is_away:
            raise HeartbeatError("connection refused")

    def waits_for(self, beats: int) -> bool:
        """Whether so many signs come before the patience of a test is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self.beats >= beats, timeout=WAIT_S)
