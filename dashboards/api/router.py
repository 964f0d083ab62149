"""The JSON API put together: routes, the gate before them, and how each refusal is told (CONTRACT 7).

It is an application of its own, mounted at ``/api/v1``: its errors are problem details and its description
stands beside it, whatever the pages do.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as BusyTooLongError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboards import problems
from dashboards.api.context import ApiContext
from dashboards.api.evidence import evidence_routes
from dashboards.api.exporting import export_routes
from dashboards.api.gate import Gate
from dashboards.api.incidents import incident_routes
from dashboards.api.records import record_routes
from dashboards.api.response_times import response_time_routes
from dashboards.problems import FieldProblem, ProblemError
from dashboards.readings import Readings
from dispatch.domain.errors import DispatchError

PREFIX = "/api/v1"
VERSION = "1"

_PROBLEM: dict[str, Any] = {
    "description": "A problem detail (RFC 9457)",
    "content": {
        problems.MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                        },
                    },
                },
            }
        }
    },
}

ErrorHandler = Callable[[Request, Any], Awaitable[Response]]


def build_api(ctx: ApiContext) -> FastAPI:
    """The application to be mounted at :data:`PREFIX`."""
    api = FastAPI(
        title="Siaga 911",
        version=VERSION,
        description=f"Emergency dispatch of {ctx.facility.name}.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        dependencies=[Security(HTTPBearer(auto_error=False, description="A token of siaga token create."))],
        responses=dict.fromkeys((401, 403, 404, 409, 422), _PROBLEM),
        exception_handlers={
            DispatchError: _on_rule,
            ProblemError: _on_problem,
            RequestValidationError: _on_fields,
            HTTPException: _on_status,
            OperationalError: _on_database,
            InterfaceError: _on_database,
            BusyTooLongError: _on_database,
        },
    )
    readings = Readings(uow=ctx.services.uow, ids=ctx.services.ids, facility_id=ctx.facility.code)
    api.include_router(incident_routes(ctx, readings))
    api.include_router(record_routes(ctx, readings))
    api.include_router(response_time_routes(ctx))
    api.include_router(export_routes(ctx))
    api.include_router(evidence_routes(ctx))
    api.add_middleware(Gate, services=ctx.services)
    return api


async def _on_rule(_request: Request, error: DispatchError) -> Response:
    return problems.respond(problems.of_rule(error))


async def _on_problem(_request: Request, error: ProblemError) -> Response:
    return problems.respond(error.problem)


async def _on_fields(_request: Request, error: RequestValidationError) -> Response:
    found = tuple(
        FieldProblem(field=_field(each["loc"]), reason=str(each["msg"]).removeprefix("Value error, "))
        for each in error.errors()
    )
    return problems.respond(problems.of_fields(found))


async def _on_status(_request: Request, error: HTTPException) -> Response:
    return problems.respond(problems.of_status(error.status_code, str(error.detail), error.headers))


async def _on_database(_request: Request, _error: Exception) -> Response:
    return problems.respond(problems.unavailable())


def _field(location: tuple[int | str, ...]) -> str:
    """``location.lat``: the path within the body or the address, without the word for which of the two."""
    path = [str(step) for step in location[1:]]
    return ".".join(path) or "body"
