"""Work of webhooks in threads, each kind's in its own.

Decides who waits for a thread, and how long an answer is waited for. The event loop does as little as it can
for each: twenty callers at once share it, and the interpreter, with the work itself.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Some threads, which do one piece of work after another."""

    def __init__(self, kind: str, number: int) -> None:
        """Start up to *number* threads, named after the *kind* of what they do."""
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=kind)

    async def run(self, work: Callable[[], T], *, within_s: float) -> T:
        """What *work* returns or raises.

        Raises:
            TimeoutError: it takes too long. What has begun is left to itself and keeps its thread, and so its
                place, until it ends; what has not never begins.
        """
        # ``run_in_executor`` and ``asyncio.timeout`` do the same with three more futures and callbacks for
        # each request, a tenth of what the loop has to do for it.
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        job = self._pool.submit(contextvars.copy_context().run, work)
        job.add_done_callback(partial(_tell, loop, answer))
        bell = loop.call_later(within_s, _give_up, answer)
        try:
            return await answer
        finally:
            bell.cancel()
            job.cancel()
            # What went wrong holds this frame: nothing of the request outlives its answer in a circle.
            del answer, job


def _tell(loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T]", job: "Future[T]") -> None:
    """In the thread: let the loop know."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, answer, job)


def _settle(answer: "asyncio.Future[T]", job: "Future[T]") -> None:
    if answer.done():
        return
    error = job.exception()
    if error is None:
        answer.set_result(job.result())
    else:
        answer.set_exception(error)


def _give_up(answer: "asyncio.Future[T]") -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
