"""The stand-in for the provider: takes every request over at once and notes when it came.

Decides nothing about a call's life; who wants one played (``bench.lifecycle``) is told of each request.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import parse_qsl

from bench.webhook import ACCOUNT
from bench.wire import ProviderSide


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a call or a text: what it is, its identifier, its fields, and when it came."""

    kind: str
    sid: str
    form: dict[str, str]
    came_at: float

    @property
    def delivery_id(self) -> str:
        """The delivery that it is about, as its status address says."""
        return self.form["StatusCallback"].split("/deliveries/")[1].split("/")[0]


class StandIn:
    """One account at a provider with no limits, in this process."""

    def __init__(self, prefix: str) -> None:
        """Begin every identifier with *prefix*, so that two runs on one database never meet."""
        self.asked: list[Asked] = []
        self.answer_after_s = 0.0
        self.requests = 0
        self.last_at = perf_counter()
        self.on_asked: Callable[[Asked], None] | None = None
        self._prefix = prefix
        self._numbered = 0

    async def listen(self) -> int:
        """Take requests from now on; the port that the system chose for it."""
        loop = asyncio.get_running_loop()

        def connection() -> ProviderSide:
            return ProviderSide(self._respond, lambda: self.answer_after_s)

        server = await loop.create_server(connection, "127.0.0.1", 0, backlog=512)
        return int(server.sockets[0].getsockname()[1])

    async def quiet(self, for_s: float, *, within_s: float = 60.0) -> None:
        """Return when nothing was asked for *for_s*."""
        self.last_at = perf_counter()
        async with asyncio.timeout(within_s):
            while (left := self.last_at + for_s - perf_counter()) > 0:  # noqa: ASYNC110 - no event says "nothing"
                await asyncio.sleep(left)

    def sid(self, kind: str) -> str:
        """A new identifier: ``CA…`` for a call, ``SM…`` for a text."""
        self._numbered += 1
        return f"{kind}{self._prefix}{self._numbered:0{32 - len(self._prefix)}x}"

    def _respond(self, method: str, path: str, body: bytes, came_at: float) -> bytes:
        self.last_at = came_at
        self.requests += 1
        resource = path.partition("?")[0].rpartition("/")[2].removesuffix(".json")
        if method != "POST":
            # Asked what it knows: a log in which nothing of ours is found.
            return _reply(200, {resource.lower(): [], "page": 0, "page_size": 50, "next_page_uri": None})
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        kind = {"Calls": "CA", "Messages": "SM"}.get(resource)
        if kind is None:
            return _reply(200, {"sid": resource, "account_sid": ACCOUNT, "status": "completed"})
        asked = Asked(kind, self.sid(kind), form, came_at)
        self.asked.append(asked)
        if self.on_asked is not None:
            self.on_asked(asked)
        return _reply(201, {"sid": asked.sid, "account_sid": ACCOUNT, "status": "queued", "to": form["To"]})


def _reply(status: int, content: dict[str, object]) -> bytes:
    body = json.dumps(content).encode()
    words = "Created" if status == 201 else "OK"
    head = (
        f"HTTP/1.1 {status} {words}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
