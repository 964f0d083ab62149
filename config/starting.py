"""Answering while the program is still starting: 503 to every caller, until the application is there.

The provider hears at once that it should ask again or take its fallback, instead of waiting in silence
(ADR 0022). Decides only when the application takes over, and who is told when its start fails. Imports
nothing that takes time.
"""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from fastapi import FastAPI

ALIVE = (200, {"status": "ok"})
NOT_YET = (
    503,
    {"status": "not_ready", "reasons": {"starting": "the program is starting; ask again at once"}},
)


class Starting:
    """Stands where the application will stand; passes everything on once it is there."""

    def __init__(self, build: "Callable[[], FastAPI]", failed: Callable[[BaseException], None]) -> None:
        """Let a thread *build* the application when the server starts; *failed* is told why it could not."""
        self._build = build
        self._failed = failed
        self._app: FastAPI | None = None
        self._stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the whole life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        else:
            await not_yet(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        life = asyncio.create_task(self._run())
        life.add_done_callback(self._ended)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stopping.set()
        await asyncio.wait([life])
        await send({"type": "lifespan.shutdown.complete"})

    async def _run(self) -> None:
        app = await asyncio.to_thread(self._build)
        async with app.router.lifespan_context(app):
            self._app = app
            await self._stopping.wait()

    def _ended(self, life: "asyncio.Task[None]") -> None:
        error = life.exception()
        if error is not None:
            self._failed(error)


async def not_yet(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer that the process lives, or that it is too early."""
    if scope["type"] != "http":
        return
    status, content = ALIVE if scope["path"] == "/healthz" else NOT_YET
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
