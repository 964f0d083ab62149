"""Reading rows that somebody may have edited by hand, and naming the values that cannot be read.

Decides which row and column holds something that this program never writes there. Never repairs anything,
and never repeats what it found: it may be somebody's number or name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from sqlalchemy import JSON, ColumnElement, and_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatch.domain import policy
from dispatch.domain.snapshots import duty_from_data, ladder_from_data
from dispatch.domain.vocabulary import (
    AssignmentStatus,
    CallOutcome,
    Category,
    IncidentChannel,
    IncidentStatus,
    LocationSource,
    Outcome,
    Priority,
    Role,
)
from models import incident as rows
from models.base import Base
from models.record import Event

UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    # How SQLite's driver says that a text is no UTF-8. A database that is really gone fails again, unguarded.
    OperationalError,
)
"""What decoding a damaged value, or giving it a meaning, can raise."""

Row = TypeVar("Row", bound=Base)
Meaning = Callable[[object], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One value that cannot be read: the row's key, its place among its like (from 1), and the column."""

    key: tuple[object, ...]
    position: int
    column: str | None


def read(
    session: Session, table: type[Row], where: ColumnElement[bool], *order: InstrumentedAttribute[object]
) -> tuple[list[Row], list[Damage]]:
    """The rows of *table*, and what in them cannot be read; no rows when the query itself fails on one."""
    try:
        loaded = list(session.scalars(select(table).where(where).order_by(*order)))
    except UNREADABLE:
        return [], list(_value_by_value(session, table, where, *order)) or [
            Damage(key=(), position=0, column=None)
        ]
    names = [column.name for column in table.__table__.primary_key]
    return loaded, [
        Damage(key=tuple(getattr(row, name) for name in names), position=position, column=column.name)
        for position, row in enumerate(loaded, 1)
        for column in table.__table__.columns
        if not _is_meant(table, column, getattr(row, column.name))
    ]


def _value_by_value(
    session: Session, table: type[Base], where: ColumnElement[bool], *order: InstrumentedAttribute[object]
) -> Iterator[Damage]:
    """The same by asking for each value alone, because one of them stops the whole query."""
    keys = list(table.__table__.primary_key)
    found = session.execute(select(*keys).where(where).order_by(*order)).all()
    for position, key in enumerate(found, 1):
        here = and_(*(column == value for column, value in zip(keys, key, strict=True)))
        for column in table.__table__.columns:
            try:
                value = session.execute(select(column).where(here)).scalar_one()
                is_meant = _is_meant(table, column, value)
            except UNREADABLE:
                is_meant = False
            if not is_meant:
                yield Damage(key=tuple(key), position=position, column=column.name)


def _is_meant(table: type[Base], column: ColumnElement[object], value: object) -> bool:
    """Whether *value* has the type of its column and, where the column has a vocabulary, a meaning."""
    name = cast("str", column.key)
    if value is None:
        return bool(getattr(column, "nullable", True))
    if not isinstance(column.type, JSON):
        expected = column.type.python_type
        if not isinstance(value, (int, float) if expected is float else expected):
            return False
    meaning = _MEANINGS.get(table, {}).get(name)
    if meaning is None:
        return True
    try:
        meaning(value)
    except UNREADABLE:
        return False
    return True


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def _digests(value: object) -> Mapping[str, object]:
    if not all(isinstance(digest, str) for digest in _mapping(value).values()):
        raise TypeError("a digest is text")
    return _mapping(value)


def _duty(value: object) -> object:
    if not isinstance(value, list):
        raise TypeError("not a JSON list")
    return [duty_from_data(_mapping(entry)) for entry in value]


_MEANINGS: Mapping[type[Base], Mapping[str, Meaning]] = {
    rows.Incident: {
        "status": lambda value: IncidentStatus(cast("str", value)),
        "priority": lambda value: Priority(cast("str", value)),
        "category": lambda value: Category(cast("str", value)),
        "channel": lambda value: IncidentChannel(cast("str", value)),
        "outcome": lambda value: Outcome(cast("str", value)),
        "location_source": lambda value: LocationSource(cast("str", value)),
        "policy": lambda value: policy.from_data(_mapping(value)),
        "duty": _duty,
        "ladder": lambda value: ladder_from_data(_mapping(value)),
    },
    rows.Call: {
        "channel": lambda value: IncidentChannel(cast("str", value)),
        "outcome": lambda value: CallOutcome(cast("str", value)),
    },
    rows.Assignment: {
        "role": lambda value: Role(cast("str", value)),
        "status": lambda value: AssignmentStatus(cast("str", value)),
    },
    # Not kind and source: what they say is hashed, and the chain names a change of it.
    Event: {"data": _mapping, "private": _digests},
}
