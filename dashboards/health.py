"""Whether this process lives, whether it is ready, and its metrics; open to all, with nothing personal in it.

Ready means: the database answers and takes what is written, its schema is the one that this program needs,
and an engine gave a sign of life. Decides nothing about restarting anything.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from dashboards import metrics
from dispatch.service.services import Services
from dispatch.service.watchdog import last_report
from models import migrating
from models.traffic import Pulse

ENGINE_SILENT_AFTER = timedelta(seconds=15)
"""An engine leaves a sign of life every five seconds: three missed ones mean that nobody is alerted."""

Reasons = Callable[[], Mapping[str, str]]
"""What else keeps the service from being ready, by subject."""

_NO_STORE = {"Cache-Control": "no-store"}


def build_health(services: Services, more_reasons: Reasons = dict) -> APIRouter:
    """The routes ``/healthz``, ``/readyz`` and ``/metrics``; *more_reasons* are those of other packages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        """The process answers; it asks nothing else."""
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        """200 when calls are taken and people are alerted, else 503 with every reason."""
        reasons = {**failing(services, migrating.HEAD), **more_reasons()}
        body: dict[str, object] = {"status": "not_ready" if reasons else "ready", "reasons": reasons}
        if found := found_by_watchdog(services):
            body["watchdog"] = found
        return JSONResponse(body, status_code=503 if reasons else 200, headers=_NO_STORE)

    @router.get("/metrics")
    def metrics_page() -> Response:
        """Prometheus' text format."""
        return Response(metrics.render(services), media_type=metrics.CONTENT_TYPE, headers=_NO_STORE)

    return router


def failing(services: Services, schema_wanted: str) -> Mapping[str, str]:
    """What keeps the service from being ready: ``database``, ``schema``, ``writing`` or ``engine``."""
    try:
        with services.uow.look() as session:
            revision = migrating.revision_of(session.connection())
            if revision != schema_wanted:
                return {"schema": f"is at {revision}, this program needs {schema_wanted}: run siaga migrate"}
            pulse = session.get(Pulse, "engine")
    except SQLAlchemyError as error:
        return {"database": f"does not answer ({type(error).__name__})"}
    if trouble := services.uow.trouble():
        return {"writing": trouble}
    if pulse is None:
        return {"engine": "has never given a sign of life"}
    silent = services.clock.now() - pulse.at
    if silent > ENGINE_SILENT_AFTER:
        return {"engine": f"gave its last sign of life {silent.total_seconds():.0f} s ago"}
    return {}


def found_by_watchdog(services: Services) -> Mapping[str, int]:
    """How many findings the watchdog's last round had, by check; empty when there were none."""
    try:
        with services.uow.read() as session:
            counts = last_report(session).counts()
    except SQLAlchemyError:
        return {}
    return {check: count for check, count in counts.items() if count}
