"""How an incident stands in its tables: values to rows, rows to values, and the statements for both.

The statements are made once, because making one costs more than running it. Decides nothing; whether the rows
say what the record says is checked by ``verifying``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Row,
    ScalarSelect,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from dispatch.domain import policy
from dispatch.domain.incidents import Assignment, CallLeg, Incident, KnownLocation, Times
from dispatch.domain.snapshots import duties_from_data, duty_to_data, ladder_from_data, ladder_to_data
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
from dispatch.service.states import Known
from models import incident as rows
from models.base import UtcDateTime, table_of
from models.statements import Prepared
from models.together import Together

Values = dict[str, Any]
_OneRow = Row[*tuple[Any, ...]] | SimpleNamespace

TIME_FIELDS = tuple(field.name for field in fields(Times))
_ASSIGNMENT_FIELDS = tuple(field.name for field in fields(Assignment))

_INCIDENT = table_of(rows.Incident)
_CALL = table_of(rows.Call)
_ASSIGNMENT = table_of(rows.Assignment)

_ID = "row_id"
"""The parameter that names the row in an update; its own column is never changed."""

_FIXED = {"id", "facility_id", "number", "year", "short_number", "channel", "is_drill", "policy", "duty"}
"""What an incident keeps as it was opened."""

_OF_CALLS = (_CALL.c.received_at, _CALL.c.id)
_OF_ASSIGNMENTS = (_ASSIGNMENT.c.asked_at, _ASSIGNMENT.c.staff_code)
"""The orders in which both are read."""

_SELECT_INCIDENT = select(_INCIDENT).where(_INCIDENT.c.id == bindparam("incident_id"))
_FIND_INCIDENT = Prepared(_SELECT_INCIDENT)
_FIND_CALLS = Prepared(
    select(_CALL).where(_CALL.c.incident_id == bindparam("incident_id")).order_by(*_OF_CALLS)
)
_FIND_ASSIGNMENTS = Prepared(
    select(_ASSIGNMENT)
    .where(_ASSIGNMENT.c.incident_id == bindparam("incident_id"))
    .order_by(*_OF_ASSIGNMENTS)
)


def _is_instant(column: Column[Any]) -> bool:
    return isinstance(column.type, UtcDateTime)


def _all_of(table: Table, order: Sequence[Column[Any]]) -> ScalarSelect[Any]:
    """The incident's rows in *table* as one JSON list, or NULL."""
    listed = func.json_agg(aggregate_order_by(func.row_to_json(table.table_valued()), *order))
    return select(listed).where(table.c.incident_id == _INCIDENT.c.id).scalar_subquery()


_SELECT_WHOLE = _SELECT_INCIDENT.add_columns(
    _all_of(_CALL, _OF_CALLS).label("calls"), _all_of(_ASSIGNMENT, _OF_ASSIGNMENTS).label("assignments")
)
"""To PostgreSQL one question costs more than its answer. Each takes one view of its own."""

_FIND_WHOLE = Prepared(_SELECT_WHOLE)
_FIND_CHANGING = Prepared(
    _SELECT_WHOLE.with_only_columns(
        *(column for column in _SELECT_WHOLE.selected_columns if column.name not in _FIXED)
    )
)
"""Policy and duty list are most of an incident's row, and stay as they were."""

_INSTANTS = {column.name for table in (_CALL, _ASSIGNMENT) for column in table.c if _is_instant(column)}
_INSERT_INCIDENT = Prepared(insert(_INCIDENT))
_UPDATE_INCIDENT = Prepared(
    update(_INCIDENT)
    .where(_INCIDENT.c.id == bindparam(_ID))
    .values({column.name: bindparam(column.name) for column in _INCIDENT.c if column.name not in _FIXED})
)
_INSERT_CALL = Prepared(insert(_CALL))
_UPDATE_CALL = Prepared(
    update(_CALL)
    .where(_CALL.c.id == bindparam(_ID))
    .values({name: bindparam(name) for name in ("outcome", "menu_digit", "answered_at", "ended_at")})
)
_INSERT_ASSIGNMENT = Prepared(insert(_ASSIGNMENT))
_UPDATE_ASSIGNMENT = Prepared(
    update(_ASSIGNMENT)
    .where(_ASSIGNMENT.c.id == bindparam(_ID))
    .values(
        {
            name: bindparam(name)
            for name in _ASSIGNMENT_FIELDS
            if name not in ("id", "staff_id", "staff_code", "role", "tier")
        }
    )
)


def read(connection: Connection, incident_id: str, before: Incident | None = None) -> Known:
    """The incident with this identifier, which must exist, and its place in the chain.

    What it keeps for ever is taken from *before*, when it was known before.
    """
    key = {"incident_id": incident_id}
    if connection.dialect.name == "sqlite":
        (row,) = _FIND_INCIDENT.run(connection, key)
        incident = from_row(connection, row)
    else:
        (row,) = (_FIND_WHOLE if before is None else _FIND_CHANGING).run(connection, key)
        calls, assignments = map(_told, row.calls or ()), map(_told, row.assignments or ())
        if before is None:
            incident = of_rows(row, calls, assignments)
        else:
            incident = replace(before, **_standing(row, calls, assignments))
    return Known(incident, row.event_count, row.chain_head)


def from_row(connection: Connection, row: "rows.Incident | Row[*tuple[Any, ...]]") -> Incident:
    """The state behind *row*, with its calls and assignments."""
    key = {"incident_id": row.id}
    return of_rows(row, _FIND_CALLS.run(connection, key), _FIND_ASSIGNMENTS.run(connection, key))


def _told(row: Mapping[str, Any]) -> SimpleNamespace:
    """A row that came as JSON, its values as a row of the table has them."""
    return SimpleNamespace(
        **{
            name: datetime.fromisoformat(value).astimezone(UTC) if name in _INSTANTS and value else value
            for name, value in row.items()
        }
    )


def of_rows(
    row: "rows.Incident | Row[*tuple[Any, ...]]", calls: Iterable[_OneRow], assignments: Iterable[_OneRow]
) -> Incident:
    """The state behind *row* and the rows of its *calls* and *assignments*."""
    return Incident(
        id=row.id,
        facility_id=row.facility_id,
        number=row.number,
        year=row.year,
        short_number=row.short_number,
        channel=IncidentChannel(row.channel),
        policy=policy.from_data(row.policy),
        duty=duties_from_data(row.duty),
        is_drill=row.is_drill,
        **_standing(row, calls, assignments),
    )


def _standing(
    row: "rows.Incident | Row[*tuple[Any, ...]]", calls: Iterable[_OneRow], assignments: Iterable[_OneRow]
) -> Values:
    """All but what it keeps as it was opened."""
    return {
        "status": IncidentStatus(row.status),
        "priority": Priority(row.priority),
        "category": Category(row.category),
        "times": Times(**{name: getattr(row, name) for name in TIME_FIELDS}),
        "outcome": None if row.outcome is None else Outcome(row.outcome),
        "merged_into": row.merged_into,
        "caller_number": row.caller_number,
        "location": KnownLocation(
            text=row.location_text,
            place=row.location_place,
            lat=row.location_lat,
            lon=row.location_lon,
            source=None if row.location_source is None else LocationSource(row.location_source),
            accuracy_m=row.location_accuracy_m,
        ),
        "calls": tuple(_leg(call) for call in calls),
        "assignments": tuple(_assignment(part) for part in assignments),
        "ladder": ladder_from_data(row.ladder),
        "help_wanted": row.help_wanted,
    }


def write(
    writes: Together, before: Incident | None, incident: Incident, *, event_count: int, chain_head: str
) -> None:
    """Let *writes* bring the row from *before* (None: there is none) to *incident*."""
    place = {"event_count": event_count, "chain_head": chain_head}
    if before is None:
        values = {**_fixed(incident), **_changing(incident), **place}
        writes.lead(_INSERT_INCIDENT, values)
    else:
        writes.lead(_UPDATE_INCIDENT, {_ID: incident.id, **_changing(incident), **place})


def write_parts(writes: Together, before: Incident | None, incident: Incident) -> None:
    """Let *writes* bring the rows of calls and assignments from *before* to *incident*."""
    added, changed = _differing(() if before is None else before.calls, incident.calls)
    writes.add(_INSERT_CALL, [_call_values(incident, leg) for leg in added])
    for leg in changed:
        writes.add(_UPDATE_CALL, {_ID: leg.id, **_call_changes(leg)})
    new, altered = _differing(() if before is None else before.assignments, incident.assignments)
    writes.add(_INSERT_ASSIGNMENT, [_assignment_values(incident, part) for part in new])
    for part in altered:
        writes.add(_UPDATE_ASSIGNMENT, {_ID: part.id, **_assignment_changes(part)})


def in_order(incident: Incident) -> tuple[tuple[CallLeg, ...], tuple[Assignment, ...]]:
    """Calls and assignments in the order in which they are read from their tables."""
    calls = sorted(incident.calls, key=lambda leg: (leg.received_at, leg.id))
    parts = sorted(incident.assignments, key=lambda part: (part.asked_at, part.staff_code))
    return tuple(calls), tuple(parts)


def _differing(
    before: "Sequence[CallLeg | Assignment]", after: "Sequence[Any]"
) -> tuple[list[Any], list[Any]]:
    """What is new in *after*, and what changed; what is the same object did not."""
    known = {part.id: part for part in before}
    added = [part for part in after if part.id not in known]
    changed = [part for part in after if part.id in known and part is not known[part.id]]
    return added, [part for part in changed if part != known[part.id]]


def _fixed(incident: Incident) -> Values:
    return {
        "id": incident.id,
        "facility_id": incident.facility_id,
        "number": incident.number,
        "year": incident.year,
        "short_number": incident.short_number,
        "channel": str(incident.channel),
        "is_drill": incident.is_drill,
        "policy": policy.to_data(incident.policy),
        "duty": [duty_to_data(person) for person in incident.duty],
    }


def _changing(incident: Incident) -> Values:
    location = incident.location
    return {
        "status": str(incident.status),
        "priority": str(incident.priority),
        "category": str(incident.category),
        "outcome": None if incident.outcome is None else str(incident.outcome),
        "merged_into": incident.merged_into,
        "caller_number": incident.caller_number,
        "location_text": location.text,
        "location_place": location.place,
        "location_lat": location.lat,
        "location_lon": location.lon,
        "location_source": None if location.source is None else str(location.source),
        "location_accuracy_m": location.accuracy_m,
        **{name: getattr(incident.times, name) for name in TIME_FIELDS},
        "ladder": ladder_to_data(incident.ladder),
        "help_wanted": incident.help_wanted,
        # A new line may bring something personal: it is looked at again when its time is over.
        "erased_at": None,
    }


def _call_values(incident: Incident, leg: CallLeg) -> Values:
    return {
        "id": leg.id,
        "facility_id": incident.facility_id,
        "incident_id": incident.id,
        "provider": leg.provider,
        "provider_sid": leg.provider_sid,
        "channel": str(leg.channel),
        "caller_number": leg.caller_number,
        "opened_incident": leg.opened_incident,
        "received_at": leg.received_at,
        **_call_changes(leg),
    }


def _call_changes(leg: CallLeg) -> Values:
    return {
        "outcome": str(leg.outcome),
        "menu_digit": leg.menu_digit,
        "answered_at": leg.answered_at,
        "ended_at": leg.ended_at,
    }


def _leg(row: _OneRow) -> CallLeg:
    return CallLeg(
        id=row.id,
        provider=row.provider,
        provider_sid=row.provider_sid,
        channel=IncidentChannel(row.channel),
        caller_number=row.caller_number,
        received_at=row.received_at,
        opened_incident=row.opened_incident,
        outcome=CallOutcome(row.outcome),
        menu_digit=row.menu_digit,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
    )


def _assignment_values(incident: Incident, part: Assignment) -> Values:
    return {
        "id": part.id,
        "facility_id": incident.facility_id,
        "incident_id": incident.id,
        "staff_id": part.staff_id,
        "staff_code": part.staff_code,
        "role": str(part.role),
        "tier": part.tier,
        **_assignment_changes(part),
    }


def _assignment_changes(part: Assignment) -> Values:
    changing = _ASSIGNMENT_FIELDS[_ASSIGNMENT_FIELDS.index("status") :]
    return {**{name: getattr(part, name) for name in changing}, "status": str(part.status)}


def _assignment(row: _OneRow) -> Assignment:
    values = {name: getattr(row, name) for name in _ASSIGNMENT_FIELDS}
    return Assignment(**{**values, "role": Role(row.role), "status": AssignmentStatus(row.status)})
