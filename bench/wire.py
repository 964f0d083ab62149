"""HTTP/1.1 with as little work as possible: a client for signed requests, and the provider's side.

The generator shares two cores with the server that it measures, so it must cost next to nothing: plain
protocols, no header objects, connections kept open.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import cast

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_CHUNKED = b"transfer-encoding: chunked"
_LAST_CHUNK = b"\r\n0\r\n\r\n"

REQUEST_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, body, when the request was written and when its first byte came."""

    status: int
    body: bytes
    sent_at: float
    first_byte_at: float

    @property
    def taken_ms(self) -> float:
        """From the request to the first byte of its answer."""
        return (self.first_byte_at - self.sent_at) * 1000


class Connection(asyncio.Protocol):
    """One connection that is kept open; one request at a time."""

    def __init__(self) -> None:
        """Not connected yet."""
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self._sent_at = self._first_at = 0.0
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request may be sent over it."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes) -> "asyncio.Future[Answer]":
        """Write *request*; the future has its answer."""
        assert self._transport is not None
        assert self._waiting is None
        self._waiting = asyncio.get_running_loop().create_future()
        self._first_at = 0.0
        self._sent_at = perf_counter()
        self._transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        if not self._first_at:
            self._first_at = perf_counter()
        self._received += data
        end = self._received.find(_END)
        if end < 0:
            return
        if _CHUNKED in self._received[:end].lower():
            last = self._received.find(_LAST_CHUNK, end)
            whole = last + len(_LAST_CHUNK) if last >= 0 else len(self._received) + 1
        else:
            whole = end + 4 + content_length(self._received, end)
        if len(self._received) < whole or self._waiting is None:
            return
        status = int(self._received[9:12])
        # The body of an answer in chunks is left as it came: no document of the program's comes so.
        answer = Answer(status, bytes(self._received[end + 4 : whole]), self._sent_at, self._first_at)
        del self._received[:whole]
        waiting, self._waiting = self._waiting, None
        if not waiting.done():
            waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed by the other side: whoever waits is told."""
        self._transport = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def close(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.close()


class Client:
    """A pool of open connections to one server; as many requests at once as *size*."""

    def __init__(self, host: str, port: int, *, size: int) -> None:
        """Connect when first needed."""
        self._host, self._port = host, port
        self._free: deque[Connection] = deque()
        self._slots = asyncio.Semaphore(size)
        self._size = size

    async def open(self) -> None:
        """Open all connections now, so that none of them is part of a measurement."""
        while len(self._free) < self._size:
            self._free.append(await self._connect())

    async def send(self, request: bytes) -> Answer:
        """The answer to *request*, sent over a free connection."""
        async with self._slots:
            connection = self._free.popleft() if self._free else await self._connect()
            if not connection.is_open:
                connection = await self._connect()
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    answer = await connection.send(request)
            except BaseException:
                connection.close()
                raise
            self._free.append(connection)
            return answer

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._free:
            self._free.pop().close()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        return connection


Respond = Callable[[str, str, bytes, float], bytes]
"""What the provider answers to method, path and body of a request that came at an instant."""


class ProviderSide(asyncio.Protocol):
    """One connection of the server to the provider; each answer leaves after *delay_s* without blocking."""

    def __init__(self, respond: Respond, delay_s: Callable[[], float]) -> None:
        """Ask *respond* for each answer and *delay_s* for how long it is held back."""
        self._respond = respond
        self._delay_s = delay_s
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        came_at = perf_counter()
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            whole = end + 4 + content_length(self._received, end)
            if len(self._received) < whole:
                return
            method, path, _ = self._received[: self._received.find(b"\r\n")].decode().split(" ")
            body = bytes(self._received[end + 4 : whole])
            del self._received[:whole]
            answer = self._respond(method, path, body, came_at)
            if delay_s := self._delay_s():
                asyncio.get_running_loop().call_later(delay_s, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def content_length(received: bytearray, end: int) -> int:
    """How many bytes of body follow the headers that end at *end*."""
    head = received[:end].lower()
    at = head.find(_LENGTH)
    if at < 0:
        return 0
    line = head.find(b"\r\n", at)
    return int(head[at + len(_LENGTH) : line if line >= 0 else end])
