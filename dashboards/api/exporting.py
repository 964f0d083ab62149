"""The log as a file over the JSON API, in every format of ``dashboards.exports.incidents``.

The file is written first and sent afterwards: a program that reads slowly holds no transaction open, and
what goes wrong is told by a status and not by a file that breaks off.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO, Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from dashboards import problems
from dashboards.api import access, reading
from dashboards.api.boundaries import Span
from dashboards.api.context import ApiContext
from dashboards.api.tokens import Caller
from dashboards.exports.incidents import MEDIA_TYPES, export_incidents
from models.record import Audit

_CHUNK = 64 * 1024
_ENDINGS = {"xlsx": "xlsx", "csv": "csv", "nemsis": "csv"}

Reader = Annotated[Caller, Depends(access.reader)]
Form = Annotated[
    Literal["csv", "json", "xlsx", "eido", "fhir", "nemsis"],
    Query(alias="format", description="How it is written."),
]


def export_routes(ctx: ApiContext) -> APIRouter:
    """The route ``/exports/incidents``."""
    router = APIRouter()
    services = ctx.services

    @router.get("/exports/incidents", response_class=StreamingResponse, tags=["exports"])
    def export(
        caller: Reader, form: Form = "json", from_text: reading.From = None, to_text: reading.To = None
    ) -> StreamingResponse:
        """Incidents received within the stretch, newest first, as a file; the numbers masked by role."""
        span = reading.span(ctx, from_text, to_text)
        _note(ctx, caller, form, span)
        with ExitStack() as stack:
            file = stack.enter_context(TemporaryFile())
            with services.uow.read() as session, _refusing():
                pieces = export_incidents(
                    session,
                    facility_id=services.facility_id,
                    from_at=span.from_at,
                    until_at=span.until_at,
                    zone=ctx.facility.zone,
                    format=form,
                    role=caller.role,
                )
                file.writelines(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
            file.seek(0)
            sent = stack.pop_all()
        name = f"incidents-{form}.{_ENDINGS.get(form, 'json')}"
        return StreamingResponse(
            _chunks(file),
            media_type=MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
            background=BackgroundTask(sent.close),
        )

    return router


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (ValueError, ImportError) as error:
        raise problems.bad_field("format", str(error)) from error


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    yield from iter(lambda: file.read(_CHUNK), b"")


def _note(ctx: ApiContext, caller: Caller, form: str, span: Span) -> None:
    services = ctx.services
    boundaries = {"from": span.from_at, "to": span.until_at}
    with services.uow.write() as session:
        session.add(
            Audit(
                id=services.ids.new_id(),
                facility_id=services.facility_id,
                at=services.clock.now(),
                actor=caller.actor,
                action="incidents.exported",
                subject=form,
                data={name: at.isoformat() if at else None for name, at in boundaries.items()},
            )
        )
