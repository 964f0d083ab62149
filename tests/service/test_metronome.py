"""Regular chores go on whatever is done to the clock by which APScheduler counts.

Nobody can set the clock of the machine that runs the tests. A chore that is due in an hour, although it is to
be done every few seconds, is what a clock set back by an hour leaves.
"""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dispatch.service.metronome import Metronome
from tests.fakes.telephony import WAIT_S

HOUR_S = 3600.0


class Sleeper(Metronome):
    """Once it has begun, nothing wakes it but its own time, as nothing does when a clock is set."""

    has_begun = False

    def wakeup(self) -> None:
        """Sleep on."""
        if not self.has_begun:
            super().wakeup()


@pytest.fixture
def metronome() -> Iterator[Metronome]:
    found = Metronome()
    yield found
    found.shutdown()


def test_a_chore_that_a_set_clock_put_off_is_done_at_once(metronome: Metronome) -> None:
    done = threading.Event()
    metronome.every(5, done.set, "lease", first_after_s=HOUR_S)
    metronome.start()
    assert done.wait(WAIT_S)


def test_what_is_done_seldom_waits_for_its_time(metronome: Metronome) -> None:
    seldom, often = threading.Event(), threading.Semaphore(0)
    metronome.every(HOUR_S, seldom.set, "seldom")
    metronome.every(0.01, often.release, "often")
    metronome.start()
    for _ in range(3):
        assert often.acquire(timeout=WAIT_S)
    assert not seldom.is_set()


def test_it_looks_although_nothing_is_due_for_an_hour() -> None:
    metronome, done = Sleeper(), threading.Event()
    metronome.every(HOUR_S, done.set, "seldom")
    metronome.start()
    metronome.has_begun = True
    metronome.get_job("seldom").modify(next_run_time=datetime.now(metronome.timezone) + timedelta(hours=3))
    try:
        assert done.wait(WAIT_S)
    finally:
        metronome.shutdown()


def test_a_stop_waits_for_the_chore_that_is_under_way() -> None:
    """It may have a connection to the database, which is let go as soon as everything has stopped."""
    metronome, begun, may_end, ended = Metronome(), threading.Event(), threading.Event(), threading.Event()

    def chore() -> None:
        begun.set()
        may_end.wait(WAIT_S)
        ended.set()

    metronome.every(HOUR_S, chore, "long", first_after_s=0)
    metronome.start()
    assert begun.wait(WAIT_S)
    threading.Timer(0.1, may_end.set).start()
    metronome.stop()
    assert ended.is_set()
