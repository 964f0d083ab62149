"""Finding personal data: what is due to be erased, and everywhere that a number stands.

Reads only, and as a stream: a million rows take no more memory than a thousand. What is found is erased by
``erasing``, which looks once more whether it may.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Text,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from dispatch.domain.erasure import SEPARATORS, Cutoffs, Mentions, Place
from dispatch.domain.vocabulary import Outcome
from models.base import table_of
from models.incident import IS_KEPT, Incident
from models.personal import HOLDINGS, Holding
from models.record import PrivateValue
from models.traffic import IS_UNSENT, Delivery

_CHUNK = 1000
_INCIDENT, _PRIVATE, _DELIVERY = table_of(Incident), table_of(PrivateValue), table_of(Delivery)

NOTHING_UNDER_WAY = ~exists().where(_DELIVERY.c.incident_id == _INCIDENT.c.id, IS_UNSENT)
"""Nobody is to be rung or texted about the incident any more."""

_OUTCOMES: tuple[Outcome | None, ...] = (*Outcome, None)

Key = tuple[Any, ...]
"""The primary key of a row, column by column."""

AnyRow = Row[*tuple[Any, ...]]


# --- what is due ----------------------------------------------------------------------------------


def due_incidents(
    connection: Connection, facility_id: str, cutoffs: Cutoffs, *, limit: int | None = None
) -> Iterator[AnyRow]:
    """Identifier, number and time of closing of what is over and due, class by class; at most *limit*."""
    left = limit
    for outcome in _OUTCOMES:
        before = cutoffs.of_incident(outcome)
        if before is None or left == 0:
            continue
        is_outcome = _INCIDENT.c.outcome.is_(None) if outcome is None else _INCIDENT.c.outcome == str(outcome)
        query = (
            select(_INCIDENT.c.id, _INCIDENT.c.number, _INCIDENT.c.closed_at)
            .where(_INCIDENT.c.facility_id == facility_id, is_outcome, _INCIDENT.c.closed_at < before)
            .where(IS_KEPT, NOTHING_UNDER_WAY)
            .order_by(_INCIDENT.c.closed_at)
            .limit(left)
        )
        for row in _streamed(connection, query):
            left = None if left is None else left - 1
            yield row


def due_rows(
    connection: Connection,
    holding: Holding,
    facility_id: str,
    before: datetime,
    *,
    since: datetime | None = None,
    after: tuple[datetime, Key] | None = None,
    limit: int | None = None,
) -> Iterator[tuple[datetime, Key]]:
    """Instant and key of the rows of *holding* that are older than *before*, oldest first.

    *since* says how far back to look, *after* where the last look ended.
    """
    at, key = holding.at, key_of(holding)
    assert at is not None
    query = select(at.label("at"), *key).where(
        holding.table.c.facility_id == facility_id,
        at < before,
        *meant(holding),
        is_personal(holding),
        is_free(holding),
    )
    if since is not None:
        query = query.where(at >= since)
    if after is not None:
        order = (at, *key)
        last = [
            literal(value, column.type) for value, column in zip((after[0], *after[1]), order, strict=True)
        ]
        query = query.where(tuple_(*order) > tuple_(*last))
    for row in _streamed(connection, query.order_by(at, *key).limit(limit)):
        yield row.at, tuple(row[1:])


# --- where a number stands ------------------------------------------------------------------------


@dataclass(slots=True)
class Standing:
    """Everywhere that a number stands."""

    whole: dict[str, None] = field(default_factory=dict)
    """Incidents of its owner: everything personal of them goes."""
    parts: dict[str, set[Place]] = field(default_factory=dict)
    """Values of other incidents in which somebody mentioned it."""
    rows: list[tuple[Holding, list[Key]]] = field(default_factory=list)
    """Keys of rows of other tables."""


def standing_of(connection: Connection, facility_id: str, mentions: Mentions) -> Standing:
    """Where the number of *mentions* stands, in any spelling."""
    found = Standing()
    value = _PRIVATE.c.value
    query = select(_PRIVATE.c.incident_id, _PRIVATE.c.sequence, _PRIVATE.c.name, value).where(
        _PRIVATE.c.facility_id == facility_id, value.is_not(None), _perhaps(value, mentions)
    )
    for row in _streamed(connection, query):
        if not mentions.in_text(row.value):
            continue
        if row.name == "caller_number":
            found.whole[row.incident_id] = None
        else:
            found.parts.setdefault(row.incident_id, set()).add((row.sequence, row.name))
    for incident_id in found.whole:
        found.parts.pop(incident_id, None)
    for holding in HOLDINGS:
        keys = list(_keys_with(connection, holding, facility_id, mentions))
        if keys:
            found.rows.append((holding, keys))
    return found


def _keys_with(
    connection: Connection, holding: Holding, facility_id: str, mentions: Mentions
) -> Iterator[Key]:
    texts = [
        as_text(column)
        for name in holding.blanks
        if isinstance((column := holding.table.c[name]).type, String | JSON)
    ]
    key = key_of(holding)
    query = select(*key, *texts).where(
        holding.table.c.facility_id == facility_id,
        *meant(holding),
        or_(*(_perhaps(text, mentions) for text in texts)),
    )
    for row in _streamed(connection, query):
        if any(mentions.in_text(text) for text in row[len(key) :]):
            yield tuple(row[: len(key)])


def _perhaps(text: ColumnElement[Any], mentions: Mentions) -> ColumnElement[bool]:
    """Whether its digits follow each other once everything that people put between them is taken out."""
    for separator in SEPARATORS:
        text = func.replace(text, separator, "")
    return text.like(f"%{mentions.digits}%")


# --- a holding as SQL -----------------------------------------------------------------------------


def key_of(holding: Holding) -> tuple[ColumnElement[Any], ...]:
    """The columns of its primary key."""
    return tuple(holding.table.primary_key)


def is_one_of(holding: Holding, keys: Sequence[Key]) -> ColumnElement[bool]:
    """Whether the row has one of *keys*."""
    columns = key_of(holding)
    if len(columns) == 1:
        return columns[0].in_([key for (key,) in keys])
    return tuple_(*columns).in_(keys)


def meant(holding: Holding) -> list[ColumnElement[bool]]:
    """Which of its rows are meant at all."""
    return [] if holding.only is None else [holding.only]


def is_free(holding: Holding) -> ColumnElement[bool]:
    """Whether nobody needs the row any more."""
    if holding.in_use is None:
        return literal(1) == 1
    return case((holding.in_use, 1), else_=0) == 0


def is_personal(holding: Holding) -> ColumnElement[bool]:
    """Whether something of a row is still there; what only goes along with it (a key) does not count."""
    there: list[ColumnElement[bool]] = []
    for name, blank in holding.blanks.items():
        column = holding.table.c[name]
        if blank is None:
            there.append(column.is_not(None))
        elif isinstance(blank, dict):
            there.append(as_text(column) != "{}")
        elif isinstance(blank, str):
            there.append(column != blank)
    return or_(*there)


def as_text(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A column as it can be searched."""
    return cast(column, Text) if isinstance(column.type, JSON) else column


def _streamed(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[AnyRow]:
    with connection.execute(query, execution_options={"yield_per": _CHUNK}) as rows:
        yield from rows
