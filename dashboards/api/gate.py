"""What every request to the JSON API passes first: token, size, and what may be kept of the answer.

It stands before the routing, so that nothing is told to a stranger: not which addresses exist, and not
whether a body was well formed. Only the description of the API is open.
"""

from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as BusyTooLongError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import problems
from dashboards.api import tokens
from dashboards.problems import Problem
from dispatch.service.services import Services

BODY_MAX: Final = 1_000_000
"""Bytes of a request's body."""

OPEN_PATHS: Final = frozenset({"/openapi.json"})

_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Gate:
    """ASGI middleware around the whole API."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        """Stand before *app*."""
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a good request through, answer the others."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        problem = await self._refusal(scope)
        if problem is None:
            body = await _read(scope, receive)
            if body is not None:
                await self._app(scope, _replay(body, receive), send)
                return
            problem = problems.of_status(413, f"A body has at most {BODY_MAX} bytes.")
        await problems.respond(problem)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Problem | None:
        if str(scope["path"]).removeprefix(str(scope.get("root_path", ""))) in OPEN_PATHS:
            return None
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return problems.unauthorised("Send a token: Authorization: Bearer TOKEN.")
        try:
            caller = await run_in_threadpool(tokens.authenticate, self._services, token.strip())
        except (OperationalError, InterfaceError, BusyTooLongError):
            return problems.unavailable()
        if caller is None:
            return problems.unauthorised(
                "This token is unknown or was revoked.", challenge='Bearer error="invalid_token"'
            )
        scope.setdefault("state", {})["caller"] = caller
        return None


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    declared = Headers(scope=scope).get("content-length", "0")
    if declared.isdigit() and int(declared) > BODY_MAX:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _NO_STORE.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
