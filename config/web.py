"""The web application: telephone routes, pages, API and health, and what starts and stops with it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from config.wiring import Program
from dashboards.api.context import ApiContext
from dashboards.api.router import PREFIX, build_api
from dashboards.health import build_health
from dashboards.site import PagesContext, build_pages
from dispatch.service import progress
from telephony.webhooks import build_webhooks

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def build_app(program: Program) -> FastAPI:
    """The application around *program*; the program starts and stops with it."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(program.start)
        if program.simulator is not None:
            await program.simulator.start()
        try:
            yield
        finally:
            if program.simulator is not None:
                await program.simulator.stop()
            await run_in_threadpool(program.stop)

    # No redirect of a trailing slash: the provider would follow it as a GET and lose the call's fields.
    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    services, facility = program.services, program.facility
    app.include_router(build_webhooks(program.telephony))
    app.include_router(build_health(services))
    if program.simulator is not None:
        app.include_router(program.simulator.router)
    app.mount(PREFIX, build_api(ApiContext(services=services, facility=facility)))
    app.include_router(
        build_pages(
            PagesContext(
                uow=services.uow,
                clock=services.clock,
                ids=services.ids,
                facility=facility,
                secret_key=program.settings.secret_key.get_secret_value(),
                public_url=program.settings.public_url,
                simulator_on=program.simulator is not None,
                act=partial(progress.act, services),
                tiers=tuple(tier.name for tier in services.policy.alerting.tiers),
            )
        )
    )

    @app.middleware("http")
    async def safe_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app
