"""What runs beside the requests: the network's tasks, and the page's notice of change.

Decides nothing about calls. All of it lives on one event loop; nothing here is for threads.
"""

import asyncio
import logging
from collections.abc import Coroutine

_log = logging.getLogger(__name__)


class Tasks:
    """The running tasks of the network; a fault in one is logged and harms no other."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start a task and keep it alive."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """End every task and wait until each has ended."""
        while self._running:
            for task in tuple(self._running):
                task.cancel()
            await asyncio.wait(tuple(self._running))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("the phone simulator failed in a task", exc_info=fault)


class Changes:
    """A number that grows with every visible change, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.version = 1
        self._next = asyncio.Event()

    def touch(self) -> None:
        """Something that the page shows has changed."""
        self.version += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, version: int, wait_s: float) -> int:
        """The present version, as soon as it differs from the one given, at the latest after ``wait_s``."""
        if version == self.version and wait_s > 0:
            try:
                async with asyncio.timeout(wait_s):
                    await self._next.wait()
            except TimeoutError:
                pass
        return self.version
