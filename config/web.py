"""The web application: telephone routes, pages, API and health, and what starts and stops with it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from config.evidence_maker import EvidenceMaker
from config.installed import installation_of
from config.wiring import Program
from dashboards.api.context import ApiContext
from dashboards.api.router import PREFIX, build_api
from dashboards.auth import Auth
from dashboards.health import build_health
from dashboards.reports.sources import Sources
from dashboards.site import PagesContext, build_nothing_here, build_pages
from dispatch.service import progress
from telephony.webhooks import WEBHOOKS, Webhooks, build_webhooks

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
"""As the server writes them: names in small letters, as ASGI asks."""

_FOR_PROGRAMS = ("/api/", "/simulator/", "/static/")
"""Below these, nobody reads a page: their errors stay as they are."""


class SafeHeaders:
    """Adds to every answer the headers that no page set for itself; costs nothing on the way of a call."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before *app*."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, with the headers added to the start of an answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _HEADERS if header[0] not in present),
                ]
            await send(message)

        await self._app(scope, receive, with_headers)


class Application(FastAPI):
    """FastAPI for the pages and the interface; a webhook goes straight to its route.

    What pages need (headers, error pages, sessions) stays out of the way of a call; measured, it took as long
    as checking the signature.
    """

    def __init__(self, webhooks: Webhooks, *, lifespan: Lifespan[FastAPI]) -> None:
        """Stand before *webhooks* and before whatever is added later."""
        # No redirect of a trailing slash: the provider would follow it as a GET and lose the call's fields.
        super().__init__(
            lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
        )
        self._webhooks = webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request, or the whole life of the server."""
        if scope["type"] == "http" and scope["path"].startswith(WEBHOOKS):
            await self._webhooks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_app(program: Program, *, on_stop: Callable[[], None] = lambda: None) -> FastAPI:
    """The application around *program*; the program starts and stops with it. *on_stop* is called first."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(program.start)
        if program.simulator is not None:
            await program.simulator.start()
        try:
            yield
        finally:
            on_stop()
            if program.simulator is not None:
                await program.simulator.stop()
            await run_in_threadpool(program.stop)

    app = Application(build_webhooks(program.telephony), lifespan=lifespan)
    services, desk = program.services, program.desk
    app.include_router(build_health(services, program.standby.reasons))
    pages = _pages_context(program)
    if program.simulator is not None:
        guards = [Depends(_log_in_first(pages))] if len(program.settings.telephony) > 1 else []
        app.include_router(program.simulator.router, dependencies=guards)
    api = ApiContext(services=desk, sources=_sources(program), make_pack=pages.make_pack)
    app.mount(PREFIX, build_api(api))
    app.include_router(build_pages(pages))
    app.add_exception_handler(404, _calm_page(pages))

    app.add_middleware(SafeHeaders)
    return app


def _sources(program: Program) -> Sources:
    settings, facility = program.settings, program.facility
    return Sources(
        facility=facility,
        public_url=settings.public_url,
        installation=installation_of(settings, facility, program.services.policy),
    )


def _pages_context(program: Program) -> PagesContext:
    services = program.desk
    return PagesContext(
        uow=services.uow,
        clock=services.clock,
        ids=services.ids,
        facility=program.facility,
        secret_key=program.settings.secret_key.get_secret_value(),
        public_url=program.settings.public_url,
        simulator_on=program.simulator is not None,
        act=partial(progress.act, services),
        make_pack=EvidenceMaker(program.settings, program.facility.code).make,
        installation=_sources(program).installation,
        complaint_days=program.facility.complaint_days,
        tiers=tuple(tier.name for tier in services.policy.alerting.tiers),
    )


def _calm_page(pages: PagesContext) -> Callable[[Request, Exception], Awaitable[Response]]:
    """For a person who opens an address that does not exist; programs are told as before."""
    nothing_here = build_nothing_here(pages)

    async def answer(request: Request, error: Exception) -> Response:
        if request.method in ("GET", "HEAD") and not request.url.path.startswith(_FOR_PROGRAMS):
            return await run_in_threadpool(nothing_here, request)
        assert isinstance(error, StarletteHTTPException)
        return await http_exception_handler(request, error)

    return answer


def _log_in_first(pages: PagesContext) -> Callable[[Request], None]:
    """Where real phones ring as well, the simulated ones are for the staff: they could ring the real ones.

    The provider's side of the simulator asks for the account's own secret instead.
    """
    auth = Auth(pages)

    def check(request: Request) -> None:
        if request.url.path.startswith("/simulator/api/"):
            return
        if auth.current_user(request) is None:
            raise HTTPException(status_code=303, headers={"Location": "/login?next=/simulator"})

    return check
