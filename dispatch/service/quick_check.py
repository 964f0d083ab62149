"""Looking at many incidents at once, to say which of them are surely as they were recorded.

Decides only that: an incident for which anything is out of the ordinary is left to ``verifying``, which says
what and where. So nothing here may be laxer than there. Reads some hundred incidents with five queries.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select

from dispatch.domain.erasure import erased_by
from dispatch.domain.events import Event, Kind
from dispatch.domain.evidence import GENESIS, ChainLink, link_hash
from dispatch.domain.evolution import replay
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import Source
from dispatch.service import incident_rows
from dispatch.service.readability import UNREADABLE
from models import incident as rows
from models.base import table_of
from models.record import Event as EventRow
from models.record import PrivateValue

_INCIDENT, _EVENT, _PRIVATE = table_of(rows.Incident), table_of(EventRow), table_of(PrivateValue)
_CALL, _ASSIGNMENT = table_of(rows.Call), table_of(rows.Assignment)

AnyRow = Row[*tuple[Any, ...]]


def _of_these(query: Select[*tuple[Any, ...]], column: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    return query.where(column.in_(bindparam("ids", expanding=True)))


_INCIDENTS = _of_these(select(_INCIDENT), _INCIDENT.c.id)
_LINE = (
    *(_EVENT.c.incident_id, _EVENT.c.sequence, _EVENT.c.facility_id, _EVENT.c.kind),
    *(_EVENT.c.occurred_at, _EVENT.c.recorded_at, _EVENT.c.source, _EVENT.c.actor),
    *(_EVENT.c.data, _EVENT.c.private, _EVENT.c.previous, _EVENT.c.hash),
)
_EVENTS = _of_these(select(*_LINE), _EVENT.c.incident_id).order_by(_EVENT.c.incident_id, _EVENT.c.sequence)
_VALUES = _of_these(select(_PRIVATE), _PRIVATE.c.incident_id)
_CALLS = _of_these(select(_CALL.c.incident_id, _CALL), _CALL.c.incident_id).order_by(
    _CALL.c.received_at, _CALL.c.id
)
_ASSIGNMENTS = _of_these(select(_ASSIGNMENT.c.incident_id, _ASSIGNMENT), _ASSIGNMENT.c.incident_id).order_by(
    _ASSIGNMENT.c.asked_at, _ASSIGNMENT.c.staff_code
)


def intact(connection: Connection, facility_id: str, ids: Sequence[str]) -> dict[str, int]:
    """Of the incidents *ids* those that are surely intact, with the number of their lines."""
    these = {"ids": list(ids)}
    try:
        incidents = connection.execute(_INCIDENTS, these).all()
        events = _by_incident(connection.execute(_EVENTS, these).all())
        values = _by_incident(connection.execute(_VALUES, these))
        calls = _by_incident(connection.execute(_CALLS, these))
        assignments = _by_incident(connection.execute(_ASSIGNMENTS, these))
    except UNREADABLE:
        # One of them stops the query for all; each is looked at by itself then.
        return {}
    found: dict[str, int] = {}
    for row in incidents:
        lines, kept, parts = events[row.id], values[row.id], (calls[row.id], assignments[row.id])
        try:
            if not all(part.facility_id == facility_id for part in (row, *kept, *parts[0], *parts[1])):
                continue
            private = _checked_lines(row, facility_id, lines, kept)
            if private is None or not _erased_as_told(row, lines, private):
                continue
            if _rows_agree(row, lines, private, *parts):
                found[row.id] = len(lines)
        except (*UNREADABLE, StopIteration):
            continue
    return found


def _by_incident(found: Iterable[AnyRow]) -> defaultdict[str, list[AnyRow]]:
    grouped: defaultdict[str, list[AnyRow]] = defaultdict(list)
    for row in found:
        grouped[row[0]].append(row)
    return grouped


def _checked_lines(
    row: AnyRow, facility_id: str, lines: Sequence[AnyRow], kept: Sequence[AnyRow]
) -> list[dict[str, str]] | None:
    """The personal values of each line, if every line follows the one before it and has its hash.

    None when anything is otherwise, or a personal value is not what was recorded; what is gone is left out.
    """
    values = {(value.sequence, value.name): value for value in kept}
    if len(values) != sum(len(line[9]) for line in lines):
        return None
    found, previous = [], GENESIS
    # By position, because there are many lines and names are looked up slowly; the order is that of _LINE.
    for expected, (
        incident,
        sequence,
        facility,
        kind,
        occurred_at,
        recorded_at,
        source,
        actor,
        data,
        digests,
        before,
        stated,
    ) in enumerate(lines, 1):
        link = ChainLink(
            incident=incident,
            sequence=sequence,
            kind=kind,
            occurred_at=occurred_at,
            recorded_at=recorded_at,
            source=source,
            actor=actor,
            data=data,
            private=digests,
            previous=before,
            hash=stated,
        )
        if (facility, sequence, before) != (facility_id, expected, previous) or link_hash(link) != stated:
            return None
        private = {}
        for name, digest in digests.items():
            value = values[sequence, name]
            if value.value is None and value.salt is None:
                continue
            if hashlib.sha256(value.salt + value.value.encode()).hexdigest() != digest:
                return None
            private[name] = value.value
        found.append(private)
        previous = stated
    return found if found and (row.event_count, row.chain_head) == (len(found), previous) else None


def _erased_as_told(row: AnyRow, lines: Sequence[AnyRow], private: Sequence[dict[str, str]]) -> bool:
    """What is gone is what a line erased, no more and no less."""
    gone = {
        (line[1], name)
        for line, values in zip(lines, private, strict=True)
        if len(values) != len(line[9])
        for name in line[9]
        if name not in values
    }
    if row.erased_at is not None and any(private):
        return False
    return gone == set(erased_by((line[1], line[3], line[8]) for line in lines if line[3] == Kind.ERASED))


def _rows_agree(
    row: AnyRow,
    lines: Sequence[AnyRow],
    private: Sequence[dict[str, str]],
    calls: Sequence[AnyRow],
    assignments: Sequence[AnyRow],
) -> bool:
    """The rows say what the lines amount to."""
    if not all(type(call.provider_sequence) is int for call in calls):
        return False
    recorded = replay(
        Event(
            kind=_KINDS[line[3]],
            occurred_at=line[4],
            source=_SOURCES[line[6]],
            actor=line[7],
            data=line[8],
            private=values,
        )
        for line, values in zip(lines, private, strict=True)
    )
    return _in_order(recorded) == _in_order(incident_rows.of_rows(row, calls, assignments))


def _in_order(incident: Incident) -> tuple[object, ...]:
    """Everything about it, calls and assignments in the order of their identifiers."""
    parts = (incident.calls, incident.assignments)
    return (*_REST(incident), *(sorted(part, key=_BY_ID) for part in parts))


_REST = attrgetter(*(name for name in Incident.__slots__ if name not in ("calls", "assignments")))
_BY_ID = attrgetter("id")
_KINDS = {str(kind): kind for kind in Kind}
_SOURCES = {str(source): source for source in Source}
