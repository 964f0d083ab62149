"""Incidents as files. Streamed page by page; a year fits in any memory.

Decides which formats there are and in what order incidents come. How each is spelled stands in the module of
its name; what a format has no place for is told to :class:`Unmapped`, and never guessed.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.api import shapes
from dashboards.api.boundaries import Span
from dashboards.exports import eido, fhir, nemsis, tables
from dashboards.exports.unmapped import Unmapped
from dashboards.queries import api_listings
from dashboards.queries.api_listings import FoundIncident
from dispatch.domain.vocabulary import UserRole
from models.facility import Place

PAGE = 500

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "eido": "application/json",
    "fhir": "application/fhir+json",
    "nemsis": "text/csv; charset=utf-8",
}
"""The formats of CONTRACT 1, and what each is called on the web."""


def export_incidents(
    session: Session,
    *,
    facility_id: str,
    from_at: datetime | None,
    until_at: datetime | None,
    zone: ZoneInfo,
    format: str,  # noqa: A002 - the word of CONTRACT 1
    role: UserRole,
    unmapped: Unmapped | None = None,
) -> Iterator[str | bytes]:
    """The incidents received in ``[from_at, until_at)``, newest first as in every listing, piece by piece.

    Instants are UTC in JSON, EIDO and FHIR, and local elsewhere, with their offset where a cell can hold one.
    *unmapped* learns what the format had no place for.

    Raises:
        ValueError: the format is not one of :data:`MEDIA_TYPES`, or there are more incidents than it holds.
        ImportError: a workbook is wanted and XlsxWriter is not installed.
    """
    lost = Unmapped() if unmapped is None else unmapped
    found = _found(session, facility_id, Span(from_at=from_at, until_at=until_at))
    match format:
        case "csv":
            return tables.as_csv(found, zone, role)
        case "xlsx":
            return tables.as_xlsx(found, zone, role)
        case "json":
            return _json(found, role)
        case "eido":
            return eido.as_eido(found, lost)
        case "fhir":
            return fhir.as_fhir(found, _places(session, facility_id), lost)
        case "nemsis":
            return nemsis.as_nemsis(found, zone, lost)
        case _:
            raise ValueError(f"{format!r} is none of {', '.join(MEDIA_TYPES)}")


def _found(session: Session, facility_id: str, span: Span) -> Iterator[FoundIncident]:
    after = None
    while True:
        page = api_listings.incidents(session, facility_id, span, after=after, limit=PAGE)
        yield from page.found
        after = page.following
        if after is None:
            return
        session.expunge_all()


def _places(session: Session, facility_id: str) -> frozenset[str]:
    return frozenset(session.scalars(select(Place.name).where(Place.facility_id == facility_id)))


def _json(found: Iterator[FoundIncident], role: UserRole) -> Iterator[str]:
    yield '{"items": ['
    separator = "\n"
    for each in found:
        incident = shapes.incident_json(each.row, each.assignments, role=role)
        yield separator + json.dumps(incident, ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"
