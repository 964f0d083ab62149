"""An engine alone hears that it is to stop, whenever it is told."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from config.application import _rings_when_told_to_stop

WITHIN_S = 5.0


@pytest.fixture
def bell() -> Iterator[int]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    bell = _rings_when_told_to_stop()
    yield bell
    os.close(signal.set_wakeup_fd(-1))
    os.close(bell)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_came_before_anybody_listened_is_heard(bell: int, number: signal.Signals) -> None:
    signal.raise_signal(number)
    assert select.select([bell], [], [], WITHIN_S)[0] == [bell]
    assert os.read(bell, 1) == bytes([number])


def test_nothing_is_heard_before(bell: int) -> None:
    assert select.select([bell], [], [], 0)[0] == []
