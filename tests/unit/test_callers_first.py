"""The engine gives way to a crowd of callers, and to nobody for good."""

import threading
from contextlib import ExitStack

from dispatch.service.callers_first import CROWD, CallersFirst
from tests.fakes.telephony import WAIT_S


def test_with_few_callers_nothing_waits() -> None:
    callers = CallersFirst()
    with ExitStack() as stack:
        for _ in range(CROWD - 1):
            stack.enter_context(callers)
        assert not callers.is_crowded


def test_a_crowd_is_over_when_enough_of_it_was_answered() -> None:
    callers = CallersFirst()
    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(callers)
        assert callers.is_crowded
    assert not callers.is_crowded


def test_a_crowd_that_does_not_end_lets_the_work_go_on() -> None:
    callers, done = CallersFirst(), threading.Event()

    def work() -> None:
        for _ in range(3):
            callers.give_way()
        done.set()

    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(callers)
        threading.Thread(target=work, daemon=True).start()
        assert done.wait(WAIT_S)


def test_whoever_waits_goes_on_when_the_crowd_is_over() -> None:
    callers = CallersFirst(pause_s=WAIT_S)
    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(callers)
        worker = threading.Thread(target=callers.give_way, daemon=True)
        worker.start()
    worker.join(WAIT_S / 2)
    assert not worker.is_alive()
