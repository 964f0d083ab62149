"""The generator's own HTTP: an answer that it reads wrongly would be a wrong figure."""

import asyncio
from collections.abc import Iterable

import pytest

from bench.wire import Answer, Connection

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-type: application/xml\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyet\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Line(asyncio.Transport):
    """Takes what is written, and stays open."""

    def write(self, data: object) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def _read(parts: Iterable[bytes], count: int) -> list[Answer]:
    async def reading() -> list[Answer]:
        connection = Connection()
        connection.connection_made(_Line())
        found: list[Answer] = []
        waiting = connection.send(b"POST / HTTP/1.1\r\n\r\n")
        for part in parts:
            connection.data_received(part)
            if waiting.done():
                found.append(await waiting)
                if len(found) < count:
                    waiting = connection.send(b"POST / HTTP/1.1\r\n\r\n")
        return found

    return asyncio.run(reading())


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [(PLAIN, 200, b"hello"), (CHUNKED, 503, b"3\r\nyet\r\n0\r\n\r\n"), (EMPTY, 204, b"")],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_read_to_its_end_however_it_is_cut(
    answer: bytes, status: int, body: bytes, size: int
) -> None:
    pieces = [answer[begin : begin + size] for begin in range(0, len(answer), size)]
    (found,) = _read(pieces, 1)
    assert (found.status, found.body) == (status, body)
    assert found.sent_at <= found.first_byte_at


def test_one_answer_leaves_nothing_behind_for_the_next() -> None:
    found = _read([CHUNKED, PLAIN, EMPTY, PLAIN], 4)
    assert [answer.status for answer in found] == [503, 200, 204, 200]
