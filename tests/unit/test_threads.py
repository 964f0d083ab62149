"""Work of webhooks in threads: what comes back, and what becomes of work that nobody waits for any more."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import partial

import pytest

from telephony.threads import Threads
from tests.loops import goes_round

SOON_S = 0.05
PATIENCE_S = 20.0

word: ContextVar[str] = ContextVar("word", default="none")


def held(began: threading.Event, gate: threading.Event) -> None:
    began.set()
    gate.wait(PATIENCE_S)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Whatever waits for it goes on at the end of the test at the latest."""
    opened = threading.Event()
    yield opened
    opened.set()


def test_what_work_returns_comes_back_and_it_knows_what_its_request_knew() -> None:
    async def ask() -> tuple[str, str]:
        word.set("of this request")
        threads = Threads("voice", 1)
        return await threads.run(lambda: (word.get(), threading.current_thread().name), within_s=PATIENCE_S)

    said, thread = asyncio.run(ask())
    assert said == "of this request"
    assert thread.startswith("voice")


def test_what_work_raises_comes_back_as_it_is() -> None:
    def refuse() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        asyncio.run(Threads("voice", 1).run(refuse, within_s=PATIENCE_S))


def test_what_takes_too_long_comes_to_its_end_and_what_waited_behind_it_never_begins(
    gate: threading.Event,
) -> None:
    began, ended, second = threading.Event(), threading.Event(), threading.Event()

    def long() -> None:
        began.set()
        gate.wait(PATIENCE_S)
        ended.set()

    async def ask() -> None:
        threads = Threads("voice", 1)
        first = asyncio.create_task(threads.run(long, within_s=SOON_S))
        await asyncio.to_thread(began.wait, PATIENCE_S)
        with pytest.raises(TimeoutError):
            await threads.run(second.set, within_s=SOON_S)
        with pytest.raises(TimeoutError):
            await first
        gate.set()
        await threads.run(lambda: None, within_s=PATIENCE_S)

    asyncio.run(ask())
    assert ended.is_set()
    assert not second.is_set()


def test_work_of_a_request_that_is_given_up_never_begins(gate: threading.Event) -> None:
    began, second = threading.Event(), threading.Event()

    async def ask() -> None:
        threads = Threads("voice", 1)
        first = asyncio.create_task(threads.run(partial(held, began, gate), within_s=PATIENCE_S))
        await asyncio.to_thread(began.wait, PATIENCE_S)
        given_up = asyncio.create_task(threads.run(second.set, within_s=PATIENCE_S))
        await goes_round()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        gate.set()
        await first
        await threads.run(lambda: None, within_s=PATIENCE_S)

    asyncio.run(ask())
    assert not second.is_set()


def test_work_that_outlives_its_loop_ends_in_peace(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    began = threading.Event()
    threads = Threads("voice", 1)

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            await threads.run(partial(held, began, gate), within_s=SOON_S)

    asyncio.run(ask())
    assert began.is_set()
    gate.set()

    async def again() -> str:
        return await threads.run(lambda: "still there", within_s=PATIENCE_S)

    assert asyncio.run(again()) == "still there"
    assert caplog.records == [], "the executor logs what goes wrong when an end is told"


class Form:
    """What a request said; it can be watched."""


def test_nothing_of_a_request_that_failed_outlives_its_answer() -> None:
    """It is somebody's number: it must not stay until the interpreter looks for circles of garbage."""
    seen: list[weakref.ref[Form]] = []

    def refuse() -> None:
        form = Form()
        seen.append(weakref.ref(form))
        raise LookupError

    async def ask() -> None:
        with suppress(LookupError):
            await Threads("voice", 1).run(refuse, within_s=PATIENCE_S)

    gc.disable()
    try:
        asyncio.run(ask())
        assert [form() for form in seen] == [None]
    finally:
        gc.enable()
