"""The log as a file over the JSON API, in every format of ``dashboards.exports.incidents``.

The file is written first and sent afterwards: a program that reads slowly holds no transaction open, and
what goes wrong is told by a status and not by a file that breaks off. So it is known before the first byte
how much the format had no place for: the header :data:`NOT_MAPPED` says it. What it was is listed in a ZIP
beside the file, for whoever asks: a CSV with a note in it would be no CSV.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
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
from dashboards.exports.unmapped import Unmapped
from models.record import Audit

NOT_MAPPED = "Siaga-Not-Mapped"
"""How many kinds of things the format had no place for; 0 where it holds everything."""

LIST_NAME = "not-mapped.json"
LIST_TYPE = "application/zip"

_CHUNK = 64 * 1024
_ENDINGS = {"xlsx": "xlsx", "csv": "csv", "nemsis": "csv"}

Reader = Annotated[Caller, Depends(access.reader)]
Form = Annotated[
    Literal["csv", "json", "xlsx", "eido", "fhir", "nemsis"],
    Query(alias="format", description="How it is written."),
]

WithList = Annotated[
    bool,
    Query(
        alias="with_not_mapped",
        description=f"Give a ZIP: the file, and {LIST_NAME} with what its format has no place for.",
    ),
]


def export_routes(ctx: ApiContext) -> APIRouter:
    """The route ``/exports/incidents``."""
    router = APIRouter()
    services = ctx.services

    @router.get("/exports/incidents", response_class=StreamingResponse, tags=["exports"])
    def export(
        caller: Reader,
        form: Form = "json",
        from_text: reading.From = None,
        to_text: reading.To = None,
        with_list: WithList = False,
    ) -> StreamingResponse:
        """Incidents received within the stretch, newest first, as a file; the numbers masked by role.

        The header `Siaga-Not-Mapped` says how many kinds of things the format has no place for.
        """
        span = reading.span(ctx, from_text, to_text)
        _note(ctx, caller, form, span)
        unmapped = Unmapped()
        name = f"incidents-{form}.{_ENDINGS.get(form, 'json')}"
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
                    unmapped=unmapped,
                )
                _write(file, name, pieces, unmapped if with_list else None)
            file.seek(0)
            sent = stack.pop_all()
        given_as = f"incidents-{form}.zip" if with_list else name
        return StreamingResponse(
            _chunks(file),
            media_type=LIST_TYPE if with_list else MEDIA_TYPES[form],
            headers={
                "Content-Disposition": f'attachment; filename="{given_as}"',
                NOT_MAPPED: str(len(unmapped.counts())),
            },
            background=BackgroundTask(sent.close),
        )

    return router


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (ValueError, ImportError) as error:
        raise problems.bad_field("format", str(error)) from error


def _write(file: IO[bytes], name: str, pieces: Iterable[str | bytes], listed: Unmapped | None) -> None:
    """The file itself, or with *listed* both in an archive."""
    written = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    if listed is None:
        file.writelines(written)
        return
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(name, "w", force_zip64=True) as inside:
            for piece in written:
                inside.write(piece)
        # After the file, because it is known only then.
        items = [{"what": what, "incidents": count} for what, count in listed.counts().items()]
        archive.writestr(LIST_NAME, json.dumps({"items": items}, ensure_ascii=False, indent=1))


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
