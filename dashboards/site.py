"""Puts the pages together: one router with every page and the static files.

The composition root needs nothing else from here. The routes carry their own error pages;
an address without a route has ``build_nothing_here``.
"""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from dashboards import (
    board,
    complaints,
    evidence_page,
    figures_page,
    follow_up_page,
    incident_actions,
    incidents,
    login,
    reports_page,
    roster_page,
    survey_answer,
    survey_desk,
    survey_page,
    worker,
)
from dashboards.assets import Assets
from dashboards.auth import Auth
from dashboards.context import PagesContext
from dashboards.page_errors import PageNotFoundError
from dashboards.page_route import PageRoute, refusal
from dashboards.readings import Readings
from dashboards.rendering import Renderer
from dashboards.visits import SCOPE_KEY, Site

__all__ = ["PagesContext", "build_pages"]


def build_pages(ctx: PagesContext) -> APIRouter:
    """Every page of the program, ready to be included in an application."""
    assets = Assets()
    site = _site(ctx, assets)

    async def belongs_to(request: Request) -> None:
        request.scope[SCOPE_KEY] = site
        # No address of ours holds a NUL, and PostgreSQL refuses a text that does.
        if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise PageNotFoundError

    router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(belongs_to)])
    for part in (
        login.router,
        board.router,
        incidents.router,
        incident_actions.router,
        roster_page.router,
        reports_page.router,
        figures_page.router,
        evidence_page.router,
        complaints.router,
        survey_page.router,
        survey_answer.router,
        survey_desk.router,
        follow_up_page.router,
        worker.router,
    ):
        router.include_router(part)

    @router.get("/static/{served_as}")
    async def static_file(served_as: str, request: Request) -> Response:
        return assets.response(served_as, accepts=request.headers.get("accept-encoding", ""))

    return router


def build_nothing_here(ctx: PagesContext) -> Callable[[Request], Response]:
    """The page for an address that nobody has; it may read the database (who is logged in)."""
    site = _site(ctx, Assets())

    def nothing_here(request: Request) -> Response:
        request.scope[SCOPE_KEY] = site
        return refusal(request, PageNotFoundError())

    return nothing_here


def _site(ctx: PagesContext, assets: Assets) -> Site:
    return Site(
        ctx=ctx,
        auth=Auth(ctx),
        renderer=Renderer(ctx.facility, assets, simulator_on=ctx.simulator_on),
        readings=Readings(uow=ctx.uow, ids=ctx.ids, facility_id=ctx.facility.code),
    )
