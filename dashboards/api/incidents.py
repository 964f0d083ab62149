"""Incidents over the JSON API: listing, looking, opening by hand, and every action (CONTRACT 7).

Translates only; rules live in ``dispatch``. The incident that a command answers with is read again after the
commit, so that a repeat of the request gets the same answer.
"""

import re
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import JSONResponse

from dashboards import trail
from dashboards.api import access, idempotency, reading, shapes
from dashboards.api.bodies import ActionBody, OpenBody
from dashboards.api.context import ApiContext
from dashboards.api.cursors import DEFAULT_LIMIT
from dashboards.api.shapes import EventList, IncidentJson, IncidentPage
from dashboards.api.tokens import Caller
from dashboards.queries import api_listings
from dashboards.queries.api_listings import FoundIncident
from dashboards.readings import Readings
from dispatch.domain.commands import Action, ActOnIncident, OpenByHand
from dispatch.domain.errors import IncidentNotFoundError
from dispatch.domain.vocabulary import IncidentStatus, Source
from dispatch.service import intake, progress
from dispatch.service.services import Services

Reader = Annotated[Caller, Depends(access.reader)]
Actor = Annotated[Caller, Depends(access.actor)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="A repeat changes nothing.")]

_KEY = re.compile(r"[A-Za-z0-9-]{1,64}")


def incident_routes(ctx: ApiContext, readings: Readings) -> APIRouter:
    """The routes under ``/incidents``."""
    router = APIRouter(tags=["incidents"])
    services = ctx.services
    shown = partial(_noted, readings, services)

    @router.get("/incidents", response_model=IncidentPage)
    def list_incidents(
        caller: Reader,
        from_text: reading.From = None,
        to_text: reading.To = None,
        status: Annotated[list[IncidentStatus] | None, Query()] = None,
        limit: reading.Limit = DEFAULT_LIMIT,
        cursor: reading.Cursor = None,
    ) -> JSONResponse:
        """Incidents by the time of their first ring, newest first."""
        span, after = reading.span(ctx, from_text, to_text), reading.position(cursor)
        statuses = [str(value) for value in status or ()]
        with services.uow.read() as session:
            page = api_listings.incidents(
                session, services.facility_id, span, statuses=statuses, after=after, limit=limit
            )
            items = [_json(found, caller) for found in page.found]
        reading.note(readings, services, caller, trail.LOG_READ, "incidents")
        return JSONResponse({"items": items, "next_cursor": reading.next_cursor(page.following)})

    @router.post("/incidents", response_model=IncidentJson, status_code=201)
    def open_incident(caller: Actor, body: OpenBody, key: Key = None) -> JSONResponse:
        """Open an incident by hand: a walk-in, the radio, a telephone that is not ours."""
        incident_id = idempotency.carry_out(
            services,
            lambda tools: intake.open_by_hand(tools, _opening(body, caller)).id,
            key=key,
            request_hash=idempotency.request_hash(caller, "/incidents", body),
            incident_id=None,
        )
        found = _found(services, incident_id)
        return JSONResponse(
            shown(found, caller), status_code=201, headers={"Location": f"/api/v1/incidents/{found.row.id}"}
        )

    @router.get("/incidents/{incident}", response_model=IncidentJson)
    def get_incident(caller: Reader, incident: str) -> JSONResponse:
        """One incident, by its identifier or its number."""
        return JSONResponse(shown(_found(services, incident), caller))

    @router.get("/incidents/{incident}/events", response_model=EventList)
    def list_events(caller: Reader, incident: str) -> JSONResponse:
        """The record of one incident, in order."""
        assert caller.role
        row = _found(services, incident).row
        with services.uow.read() as session:
            items = [shapes.event_json(event) for event in api_listings.events(session, row.id)]
        return JSONResponse({"items": items})

    @router.post("/incidents/{incident}/actions", response_model=IncidentJson)
    def act(caller: Actor, incident: str, body: ActionBody, key: Key = None) -> JSONResponse:
        """Take one step; a step that does not follow is refused with 409, and the attempt is in the log."""
        row = _found(services, incident).row
        command = _step(services, row.id, body, caller)
        idempotency.carry_out(
            services,
            lambda tools: progress.act(tools, command).id,
            key=key,
            request_hash=idempotency.request_hash(caller, f"/incidents/{row.id}/actions", body),
            incident_id=row.id,
        )
        return JSONResponse(shown(_found(services, row.id), caller))

    return router


def _noted(readings: Readings, services: Services, found: FoundIncident, caller: Caller) -> IncidentJson:
    """The incident as JSON, after it was noted that the program read it."""
    reading.note(readings, services, caller, trail.INCIDENT_READ, found.row.number)
    return _json(found, caller)


def _json(found: FoundIncident, caller: Caller) -> IncidentJson:
    return shapes.incident_json(found.row, found.assignments, role=caller.role)


def _found(services: Services, key: str) -> FoundIncident:
    if not _KEY.fullmatch(key):
        raise IncidentNotFoundError(incident=key[:64])
    with services.uow.read() as session:
        found = api_listings.incident(session, services.facility_id, key)
    if found is None:
        raise IncidentNotFoundError(incident=key)
    return found


def _opening(body: OpenBody, caller: Caller) -> OpenByHand:
    return OpenByHand(
        actor=caller.actor,
        source=Source.API,
        channel=body.channel,
        caller_number=body.caller_number,
        priority=body.priority,
        category=body.category,
        location=None if body.location is None else body.location.to_domain(),
        text=body.text,
        occurred_at=body.occurred_at,
        is_drill=body.is_drill,
    )


def _step(services: Services, incident_id: str, body: ActionBody, caller: Caller) -> ActOnIncident:
    return ActOnIncident(
        incident_id=incident_id,
        action=Action(body.action),
        actor=caller.actor,
        source=Source.API,
        staff_code=body.staff_code,
        occurred_at=body.occurred_at,
        minutes=body.minutes,
        reason=body.reason,
        text=body.text,
        priority=body.priority,
        category=body.category,
        outcome=body.outcome,
        location=None if body.location is None else body.location.to_domain(),
        into=_target(services, body.into),
    )


def _target(services: Services, into: str | None) -> str | None:
    """The identifier behind what ``into`` names; what names nothing is left for the rule to refuse."""
    if into is None or not _KEY.fullmatch(into):
        return into
    with services.uow.read() as session:
        found = api_listings.incident(session, services.facility_id, into)
    return into if found is None else found.row.id
