"""What callers hear while the program is starting, and when it cannot start."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from config.starting import Starting

WAIT_S = 30.0


class House:
    """An application that is built when the test opens the gate, and the server around it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.failures: list[BaseException] = []
        self.broken: Exception | None = None
        self.steps: list[str] = []
        self.open = asyncio.Event()
        self.starting = Starting(self._build, self._failed)
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()

    def _build(self) -> FastAPI:
        assert self.gate.wait(WAIT_S)
        if self.broken is not None:
            raise self.broken

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            self.steps.append("started")
            self.open.set()
            yield
            self.steps.append("stopped")

        app = FastAPI(lifespan=lifespan)
        app.get("/")(lambda: "at work")
        return app

    def _failed(self, error: BaseException) -> None:
        self.failures.append(error)
        self.open.set()

    async def asks(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.starting)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as web:
            return await web.get(path)

    async def lives(self, tests: Callable[[], Awaitable[None]]) -> None:
        """Let the server live for as long as *tests* take."""
        life = asyncio.create_task(self.starting({"type": "lifespan"}, self._messages.get, self._said.put))
        await self._messages.put({"type": "lifespan.startup"})
        assert (await self._said.get())["type"] == "lifespan.startup.complete"
        await tests()
        await self._messages.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(life, WAIT_S)
        assert (await self._said.get())["type"] == "lifespan.shutdown.complete"


@pytest.fixture
def house() -> House:
    return House()


def test_while_starting_everybody_is_asked_to_come_again(house: House) -> None:
    async def tests() -> None:
        for path in ("/", "/telephony/voice", "/readyz"):
            answer = await house.asks(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert list(answer.json()["reasons"]) == ["starting"]
        assert (await house.asks("/healthz")).status_code == 200
        house.gate.set()
        await asyncio.wait_for(house.open.wait(), WAIT_S)
        assert (await house.asks("/")).json() == "at work"

    asyncio.run(house.lives(tests))
    assert house.steps == ["started", "stopped"]


def test_a_start_that_fails_is_told_and_nobody_is_answered(house: House) -> None:
    house.broken = RuntimeError("no such file")

    async def tests() -> None:
        house.gate.set()
        await asyncio.wait_for(house.open.wait(), WAIT_S)
        assert (await house.asks("/")).status_code == 503

    asyncio.run(house.lives(tests))
    assert (house.failures, house.steps) == ([house.broken], [])


def test_a_stop_while_starting_lets_the_start_come_to_its_end_first(house: House) -> None:
    async def tests() -> None:
        asyncio.get_running_loop().call_later(0.05, house.gate.set)

    asyncio.run(house.lives(tests))
    assert (house.steps, house.failures) == (["started", "stopped"], [])
