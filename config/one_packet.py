"""Answers that leave in one packet: uvicorn writes the head of an answer and its content one by one.

Each of them would be a packet of its own, wake whoever waits for the answer, and keep the interpreter for as
long as checking the provider's signature does.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OnePacket(HttpToolsProtocol):
    """uvicorn's protocol, on a transport that lets the head wait for what follows."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Somebody is connected."""
        super().connection_made(cast("asyncio.Transport", _HeadWaits(transport, self.loop)))


class _HeadWaits:
    """Passes all on to *transport*; a head only with what is written next, or when the turn is over."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._head = b""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, or keep it for a moment."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif bytes(data[-len(_END_OF_HEAD) :]) == _END_OF_HEAD:
            self._head = bytes(data)
            self._call_soon(self._flush)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is kept, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            self.write(b"")


_END_OF_HEAD = b"\r\n\r\n"
