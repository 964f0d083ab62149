"""Checking the numbers of a facility's incidents: none that was given out is without its incident."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from dispatch.service.findings import Finding, whole
from dispatch.service.intake import FIRST_SHORT_NUMBER
from models.facility import IncidentCounter
from models.incident import Incident

_CHUNK = 1000

_NUMBERS = (
    select(Incident.year, Incident.short_number)
    .where(Incident.facility_id == bindparam("facility"))
    .order_by(Incident.year, Incident.short_number)
)


def verify_numbers(session: Session, facility_id: str) -> Iterator[Finding]:
    """Incident numbers of a year have no gaps: a missing one means a missing incident.

    They run from the first that is given out to the last that is known, by an incident or by the counter.
    One that is no number is named where its incident is looked at.
    """
    last_by_year: dict[int, int] = {}
    counters: list[tuple[object, object]] = [
        (year, next_value)
        for year, next_value in session.execute(
            select(IncidentCounter.year, IncidentCounter.next_value).where(
                IncidentCounter.facility_id == facility_id
            )
        )
    ]
    for year, next_value in counters:
        if isinstance(year, int) and isinstance(next_value, int):
            last_by_year[year] = next_value - 1
        else:
            finding = whole(facility_id, "unreadable", "the counter of a year is no number")
            yield replace(finding, field="incident_counter")
    connection = session.connection().execution_options(yield_per=_CHUNK)
    with connection.execute(_NUMBERS, {"facility": facility_id}) as used:
        for year, its in groupby(used, key=lambda row: row.year):
            if isinstance(year, int):
                yield from _missing_numbers(facility_id, year, its, last_by_year.pop(year, 0))
    for year, last in sorted(last_by_year.items()):
        yield from _missing_numbers(facility_id, year, (), last)


def _missing_numbers(
    facility_id: str, year: int, used: Iterable[Row[*tuple[Any, ...]]], given_out: int
) -> Iterator[Finding]:
    numbers = (row.short_number for row in used if isinstance(row.short_number, int))
    for first, last in _gaps(numbers, given_out):
        name = f"{facility_id}-{year}-{first:06d}"
        if first == last:
            yield whole(name, "missing", "no incident with this number, though it was given out")
        else:
            detail = (
                f"no incidents with the numbers {name} … {facility_id}-{year}-{last:06d} "
                f"({last - first + 1} of them), though they were given out"
            )
            yield whole(name, "missing", detail)


def _gaps(numbers: Iterable[int], given_out: int) -> Iterator[tuple[int, int]]:
    """First and last of each run that is not among the ascending *numbers*, up to the last that is known."""
    expected = FIRST_SHORT_NUMBER
    for number in numbers:
        if number > expected:
            yield expected, number - 1
        expected = max(expected, number + 1)
    if expected <= given_out:
        yield expected, given_out
