"""The log as a table: CSV, and a workbook with typed cells.

Decides columns and spelling. CSV is UTF-8 without a byte-order mark and with commas, as every CSV file of
this program (CONTRACT 6): programs read it, and a mark would become part of the first column's name. Whoever
wants a spreadsheet by double click asks for xlsx; Excel's own import reads this file too.

Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV Injection"). Numbers
are left alone: ``+628…`` and ``-4.52`` can only ever be numbers. In a workbook text is text.
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from tempfile import TemporaryFile
from zoneinfo import ZoneInfo

from dashboards.api import shapes
from dashboards.queries.api_listings import FoundIncident
from dispatch.domain.response_times import TIME_NAMES
from dispatch.domain.vocabulary import UserRole

COLUMNS = (
    "number", "short_number", "id", "facility", "status", "priority", "category", "outcome", "is_drill",
    "channel", "caller_number", "location_text", "location_place", "location_lat", "location_lon",
    "location_source", "location_accuracy_m", *TIME_NAMES, "assignments",
)  # fmt: skip

_FORMULA = re.compile(r"^[\s\0]*[=+\-@\t\r|%\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9•]+(\.[0-9]+)?")

_LINES_OF_A_SHEET = 1_048_575
"""What Excel shows beneath a head."""
_CHUNK = 64 * 1024

Cell = str | int | float | bool | datetime | None


def guarded(text: str) -> str:
    """*text* as a spreadsheet may show it without running it."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def as_csv(found: Iterator[FoundIncident], zone: ZoneInfo, role: UserRole) -> Iterator[str]:
    """One record an incident, under a head."""
    yield line(COLUMNS)
    for each in found:
        yield line(tuple(_written(cell, zone) for cell in _cells(each, role)))


def as_xlsx(found: Iterator[FoundIncident], zone: ZoneInfo, role: UserRole) -> Iterator[bytes]:
    """The same as a workbook: a head that stays, times as times of the facility, numbers as numbers.

    Raises:
        ImportError: XlsxWriter is not installed.
        ValueError: there are more incidents than a sheet has lines.
    """
    from xlsxwriter import Workbook  # noqa: PLC0415 - only who asks for a workbook needs it

    with TemporaryFile() as file:
        # Each line goes to the disk as soon as the next one begins. What people said is never a formula.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        workbook = Workbook(file, options)
        sheet = workbook.add_worksheet("Insiden")
        head = workbook.add_format({"bold": True})
        moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(COLUMNS) - 1, 24)
        for at, name in enumerate(COLUMNS):
            sheet.write_string(0, at, name, head)
        for place, each in enumerate(found, start=1):
            if place > _LINES_OF_A_SHEET:
                raise ValueError(
                    f"a sheet holds {_LINES_OF_A_SHEET} incidents; ask for fewer days, or for csv"
                )
            for at, cell in enumerate(_cells(each, role)):
                if isinstance(cell, str):
                    sheet.write_string(place, at, cell)
                elif isinstance(cell, datetime):
                    sheet.write_datetime(place, at, cell.astimezone(zone).replace(tzinfo=None), moment)
                elif cell is not None:
                    sheet.write(place, at, cell)
        workbook.close()
        file.seek(0)
        yield from iter(lambda: file.read(_CHUNK), b"")


def _cells(found: FoundIncident, role: UserRole) -> tuple[Cell, ...]:
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
        row.is_drill,
        row.channel,
        shapes.number_for(role, row.caller_number),
        row.location_text,
        row.location_place,
        row.location_lat,
        row.location_lon,
        row.location_source,
        row.location_accuracy_m,
        *(getattr(row, name) for name in TIME_NAMES),
        "; ".join(f"{part.staff_code} {part.status}" for part in found.assignments),
    )


def _written(cell: Cell, zone: ZoneInfo) -> Cell:
    """A cell as CSV spells it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return local(cell, zone) if isinstance(cell, datetime) else cell


def local(at: datetime, zone: ZoneInfo) -> str:
    """An instant as people of the facility read it, with its offset."""
    return at.astimezone(zone).isoformat(timespec="milliseconds")


def line(cells: tuple[Cell, ...]) -> str:
    """One record (RFC 4180); an absent value is an empty field."""
    written = io.StringIO()
    csv.writer(written).writerow(
        [guarded(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in cells]
    )
    return written.getvalue()
