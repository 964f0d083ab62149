"""An answer leaves in one packet, and what is said bit by bit is not kept back."""

import asyncio
from typing import Any

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from config.one_packet import OnePacket
from tests.loops import goes_round

ASKED = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n"
LAST = b"POST / HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Wire(asyncio.Transport):
    """What leaves, packet by packet."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:  # noqa: ANN401 - as transports take it
        assert not self.is_closed, "something was written after the end"
        if data:
            self.packets.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


async def document(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("<Response/>", media_type="application/xml")(scope, receive, send)


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=403)(scope, receive, send)


async def asked_of(app: Any, request: bytes) -> Wire:  # noqa: ANN401 - an application
    """The wire after *app* was asked and the loop went round a few times."""
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    wire = Wire()
    protocol = OnePacket(config, ServerState(), {})
    protocol.connection_made(wire)
    protocol.data_received(request)
    await goes_round()
    return wire


@pytest.mark.parametrize("request_", [ASKED, LAST], ids=["kept open", "closed"])
def test_head_and_content_leave_together(request_: bytes) -> None:
    wire = asyncio.run(asked_of(document, request_))
    (packet,) = wire.packets
    assert packet.startswith(b"HTTP/1.1 200 OK\r\n")
    assert packet.endswith(b"\r\n\r\n<Response/>")
    assert wire.is_closed is (request_ == LAST)


@pytest.mark.parametrize(
    "request_", [ASKED, LAST, *(each.replace(b"POST", b"HEAD") for each in (ASKED, LAST))]
)
def test_an_answer_without_content_leaves_too(request_: bytes) -> None:
    wire = asyncio.run(asked_of(nothing, request_))
    (packet,) = wire.packets
    assert packet.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert packet.endswith(b"\r\n\r\n")


def test_what_comes_bit_by_bit_leaves_bit_by_bit() -> None:
    """A page that stays open, or a large file, is not gathered to its end."""

    async def ask() -> None:
        going_on = asyncio.Event()

        async def slowly(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await going_on.wait()
            for part in (b"one", b"two\r\n\r\n", b"three"):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        wire = await asked_of(slowly, ASKED)
        (head,) = wire.packets
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), "whoever asks knows that an answer comes"
        going_on.set()
        await goes_round()
        assert b"".join(wire.packets) == head + b"3\r\none\r\n7\r\ntwo\r\n\r\n\r\n5\r\nthree\r\n0\r\n\r\n"

    asyncio.run(ask())


def test_content_may_be_a_view_of_something_larger() -> None:
    async def views(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in (b"abcd", b"efgh"):
            more = part == b"abcd"
            await send({"type": "http.response.body", "body": memoryview(part), "more_body": more})

    wire = asyncio.run(asked_of(views, ASKED))
    assert b"".join(wire.packets).endswith(b"\r\n\r\nabcdefgh")
