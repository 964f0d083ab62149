"""How much personal data stood in the database at some time of a stretch, table by table.

Goes through the lists of ``models.personal``, so that a table that is added there is counted here as well.
Counts only; no value is read.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import Session

from dispatch.domain.events import Kind
from dispatch.service import personal_data
from models.base import table_of
from models.facility import Staff
from models.incident import Call, Incident
from models.personal import HOLDINGS, NEVER_ERASED, NUMBERS, Holding
from models.record import Audit

_CALL, _INCIDENT, _STAFF = table_of(Call), table_of(Incident), table_of(Staff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Rows of one table with something personal that were there before the end of the stretch."""

    stood: int = 0
    """Those of which it is known: they still hold it, or say when it was erased."""
    erased_since: int = 0
    """Those erased after the beginning; at most, because nothing says since when they had been there."""


def held(db: Session, facility: str, from_at: datetime, until_at: datetime) -> Mapping[str, Held]:
    """What stood at some time of ``[from_at, until_at)``, by the name of the table."""
    stood: Counter[str] = Counter()
    for holding in (*HOLDINGS, *NEVER_ERASED):
        stood[holding.table.name] += db.scalar(_stood(holding, facility, from_at, until_at)) or 0
    erased = _erased_since(db, facility, from_at)
    # Those of an incident go with it, so they are in no list of their own.
    stood[_CALL.name] = db.scalar(_calls(facility, until_at).where(_CALL.c.caller_number.is_not(None))) or 0
    with_it = and_(_CALL.c.incident_id == _INCIDENT.c.id, _INCIDENT.c.erased_at >= from_at)
    gone = _calls(facility, until_at).join(_INCIDENT, with_it).where(_CALL.c.caller_number.is_(None))
    erased[_CALL.name] += db.scalar(gone) or 0
    return {name: Held(stood=stood[name], erased_since=erased[name]) for name in stood}


def different_numbers(db: Session, facility: str, until_at: datetime) -> int:
    """How many telephone numbers stand in all columns for one; without those of the staff."""
    number = union(*_number_columns(facility, until_at)).subquery("numbers").c.number
    of_staff = select(_STAFF.c.phone).where(_STAFF.c.facility_id == facility)
    return db.scalar(select(func.count()).where(number != "", number.not_in(of_staff))) or 0


def _calls(facility: str, until_at: datetime) -> Select[int]:
    return (
        select(func.count())
        .select_from(_CALL)
        .where(_CALL.c.facility_id == facility, _CALL.c.received_at < until_at)
    )


def _stood(holding: Holding, facility: str, from_at: datetime, until_at: datetime) -> Select[int]:
    there = _is_there(holding)
    if holding.erased_at is not None:
        there = or_(there, holding.table.c[holding.erased_at] >= from_at)
    return (
        select(func.count())
        .select_from(holding.table)
        .where(holding.table.c.facility_id == facility, there, *personal_data.meant(holding))
        .where(*_came_before(holding, until_at))
    )


def _came_before(holding: Holding, until_at: datetime) -> tuple[ColumnElement[bool], ...]:
    return () if holding.came_at is None else (holding.came_at < until_at,)


def _is_there(holding: Holding) -> ColumnElement[bool]:
    """Whether something personal is left of a row; here what only goes along with it counts, too."""
    made = [
        holding.table.c[name] != blank
        for name, blank in holding.blanks.items()
        if isinstance(blank, ColumnElement)
    ]
    return or_(personal_data.is_personal(holding), *made)


def _erased_since(db: Session, facility: str, from_at: datetime) -> Counter[str]:
    """Rows by table, as the eraser noted them; tables that keep the instant themselves are left out."""
    dated = {holding.table.name for holding in HOLDINGS if holding.erased_at is not None}
    query = select(Audit.data).where(
        Audit.facility_id == facility, Audit.at >= from_at, Audit.action == str(Kind.ERASED)
    )
    found: Counter[str] = Counter()
    for data in db.scalars(query, execution_options={"yield_per": 1000}):
        rows = data.get("rows")
        if isinstance(rows, dict):
            found.update({name: count for name, count in rows.items() if name not in dated})
    return found


def _number_columns(facility: str, until_at: datetime) -> Iterator[Select[str]]:
    rows = (_INCIDENT.c.facility_id == facility, _INCIDENT.c.received_at < until_at)
    yield select(_INCIDENT.c.caller_number.label("number")).where(*rows)
    rows = (_CALL.c.facility_id == facility, _CALL.c.received_at < until_at)
    yield select(_CALL.c.caller_number.label("number")).where(*rows)
    for holding in (*HOLDINGS, *NEVER_ERASED):
        for name in set(NUMBERS) & set(holding.blanks):
            if holding.table not in (_STAFF, _CALL):
                column = holding.table.c[name]
                yield (
                    select(column.label("number"))
                    .where(holding.table.c.facility_id == facility)
                    .where(*_came_before(holding, until_at))
                )
