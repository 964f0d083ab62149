"""Incidents as files: CSV for tables, JSON in the very shape of the API. Streamed; a year fits in any memory.

Decides columns and spelling. CSV is UTF-8 without a byte-order mark and with commas, as every CSV file of
this program (CONTRACT 6): programs read it, and a mark would become part of the first column's name. Whoever
wants a spreadsheet by double click asks for xlsx; Excel's own import reads this file too.

Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV Injection"). Numbers
are left alone: ``+628…`` and ``-4.52`` can only ever be numbers.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dashboards.api import shapes
from dashboards.api.boundaries import Span
from dashboards.queries import api_listings
from dashboards.queries.api_listings import FoundIncident
from dispatch.domain.response_times import TIME_NAMES
from dispatch.domain.vocabulary import UserRole

PAGE = 500
FORMATS = ("csv", "json")

COLUMNS = (
    "number", "short_number", "id", "facility", "status", "priority", "category", "outcome", "is_drill",
    "channel", "caller_number", "location_text", "location_place", "location_lat", "location_lon",
    "location_source", "location_accuracy_m", *TIME_NAMES, "assignments",
)  # fmt: skip

_FORMULA = re.compile(r"^[\s\0]*[=+\-@\t\r|%\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9•]+(\.[0-9]+)?")

Cell = str | int | float | bool | None


def export_incidents(
    session: Session,
    *,
    facility_id: str,
    from_at: datetime | None,
    until_at: datetime | None,
    zone: ZoneInfo,
    format: str,  # noqa: A002 - the word of CONTRACT 1
    role: UserRole,
) -> Iterator[str]:
    """The incidents received in ``[from_at, until_at)``, newest first as in every listing, piece by piece.

    Instants are UTC in JSON, as in the API, and local with their offset in CSV, where people read them.

    Raises:
        ValueError: the format is not one of :data:`FORMATS`.
    """
    found = _found(session, facility_id, Span(from_at=from_at, until_at=until_at))
    if format == "csv":
        return _csv(found, zone, role)
    if format == "json":
        return _json(found, role)
    raise ValueError(f"{format!r} is none of {', '.join(FORMATS)}")


def guarded(text: str) -> str:
    """*text* as a spreadsheet may show it without running it."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def _found(session: Session, facility_id: str, span: Span) -> Iterator[FoundIncident]:
    after = None
    while True:
        page = api_listings.incidents(session, facility_id, span, after=after, limit=PAGE)
        yield from page.found
        after = page.following
        if after is None:
            return
        session.expunge_all()


def _json(found: Iterator[FoundIncident], role: UserRole) -> Iterator[str]:
    yield '{"items": ['
    separator = "\n"
    for each in found:
        incident = shapes.incident_json(each.row, each.assignments, role=role)
        yield separator + json.dumps(incident, ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def _csv(found: Iterator[FoundIncident], zone: ZoneInfo, role: UserRole) -> Iterator[str]:
    yield _line(COLUMNS)
    for each in found:
        yield _line(_cells(each, zone, role))


def _cells(found: FoundIncident, zone: ZoneInfo, role: UserRole) -> tuple[Cell, ...]:
    row = found.row
    return (
        row.number,
        row.short_number,
        row.id,
        row.facility_id,
        row.status,
        row.priority,
        row.category,
        row.outcome,
        "true" if row.is_drill else "false",
        row.channel,
        shapes.number_for(role, row.caller_number),
        row.location_text,
        row.location_place,
        row.location_lat,
        row.location_lon,
        row.location_source,
        row.location_accuracy_m,
        *(_local(getattr(row, name), zone) for name in TIME_NAMES),
        "; ".join(f"{part.staff_code} {part.status}" for part in found.assignments),
    )


def _local(at: datetime | None, zone: ZoneInfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat(timespec="milliseconds")


def _line(cells: tuple[Cell, ...]) -> str:
    """One record (RFC 4180); an absent value is an empty field."""
    written = io.StringIO()
    csv.writer(written).writerow(
        [guarded(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in cells]
    )
    return written.getvalue()
