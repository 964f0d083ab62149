"""Rings, people, duty and places over the JSON API: reading only."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from dashboards import problems, trail
from dashboards.api import access, reading, shapes
from dashboards.api.boundaries import Span, start_of_day
from dashboards.api.context import ApiContext
from dashboards.api.cursors import DEFAULT_LIMIT
from dashboards.api.shapes import CallPage, PlaceList, RosterList, StaffList
from dashboards.api.tokens import Caller
from dashboards.queries import api_listings, api_places
from dashboards.readings import Readings

ROSTER_DAYS = 7
ROSTER_DAYS_MAX = 366
Reader = Annotated[Caller, Depends(access.reader)]


def record_routes(ctx: ApiContext, readings: Readings) -> APIRouter:
    """The routes ``/calls``, ``/staff``, ``/roster`` and ``/places``."""
    router = APIRouter()
    services = ctx.services

    @router.get("/calls", response_model=CallPage, tags=["calls"])
    def list_calls(
        caller: Reader,
        from_text: reading.From = None,
        to_text: reading.To = None,
        limit: reading.Limit = DEFAULT_LIMIT,
        cursor: reading.Cursor = None,
    ) -> JSONResponse:
        """Every ring with its ending, newest first."""
        span, after = reading.span(ctx, from_text, to_text), reading.position(cursor)
        with services.uow.read() as session:
            page = api_listings.calls(session, services.facility_id, span, after=after, limit=limit)
            items = [shapes.call_json(row, role=caller.role) for row in page.found]
        reading.note(readings, services, caller, trail.CALLS_READ, "calls")
        return JSONResponse({"items": items, "next_cursor": reading.next_cursor(page.following)})

    @router.get("/staff", response_model=StaffList, tags=["staff"])
    def list_staff(caller: Reader) -> JSONResponse:
        """Everybody on the staff list, by code."""
        with services.uow.read() as session:
            rows = api_listings.staff(session, services.facility_id)
            items = [shapes.staff_json(row, role=caller.role) for row in rows]
        if caller.role in shapes.SEES_NUMBERS:
            reading.note(readings, services, caller, trail.STAFF_READ, "staff")
        return JSONResponse({"items": items})

    @router.get("/roster", response_model=RosterList, tags=["staff"])
    def list_roster(
        caller: Reader, from_text: reading.From = None, to_text: reading.To = None
    ) -> JSONResponse:
        """Shifts that touch the stretch, by start; without from it begins today, without to it is a week."""
        assert caller.role
        span = _roster_span(ctx, reading.span(ctx, from_text, to_text))
        assert span.from_at is not None
        assert span.until_at is not None
        with services.uow.read() as session:
            found = api_listings.shifts(session, services.facility_id, span.from_at, span.until_at)
        return JSONResponse({"items": [shapes.shift_json(*shift) for shift in found]})

    @router.get("/places", response_model=PlaceList, tags=["places"])
    def list_places(
        caller: Reader,
        q: Annotated[str, Query(max_length=200, description="A name as people say it.")] = "",
        limit: reading.Limit = DEFAULT_LIMIT,
    ) -> JSONResponse:
        """Places by likeness to what was said, best match first; without q all of them by name."""
        assert caller.role
        with services.uow.read() as session:
            rows = api_places.places(session, services.facility_id, q, limit=limit)
            return JSONResponse({"items": [shapes.place_json(row) for row in rows]})

    return router


def _roster_span(ctx: ApiContext, span: Span) -> Span:
    from_at, until_at = span.from_at, span.until_at
    if from_at is None:
        today = ctx.services.clock.now().astimezone(ctx.facility.zone).date()
        from_at = start_of_day(today, ctx.facility.zone)
        if until_at is not None and until_at < from_at:
            from_at = until_at - timedelta(days=ROSTER_DAYS)
    if until_at is None:
        until_at = from_at + timedelta(days=ROSTER_DAYS)
    if until_at - from_at > timedelta(days=ROSTER_DAYS_MAX):
        raise problems.bad_field("to", f"lies more than {ROSTER_DAYS_MAX} days after from")
    return Span(from_at=from_at, until_at=until_at)
