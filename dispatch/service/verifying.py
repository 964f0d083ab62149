"""Checking the record: every chain, every personal value, every row against its replayed events, every seal.

What it finds is said in terms a person can act on: which incident, which line, which field.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, cast

from sqlalchemy import bindparam, exists, func, literal, select, union_all
from sqlalchemy.orm import Session

from dispatch.domain import evidence
from dispatch.domain.erasure import erased_by
from dispatch.domain.events import Event, Kind
from dispatch.domain.evidence import ChainLink
from dispatch.domain.evolution import replay
from dispatch.domain.vocabulary import Source
from dispatch.service import incident_rows, quick_check
from dispatch.service.comparing import assignment_label, differences, is_code
from dispatch.service.cycles import seldom_looking_for_cycles
from dispatch.service.findings import Finding, whole
from dispatch.service.readability import UNREADABLE, Damage, read
from dispatch.service.verifying_numbers import verify_numbers
from dispatch.service.verifying_seals import verify_seals
from models import incident as rows
from models.base import table_of
from models.record import Event as EventRow
from models.record import PrivateValue
from models.unit_of_work import UnitOfWork

_CHUNK = 200
"""Incidents that are read together."""


_EVENT, _PRIVATE, _CALL, _PART = map(table_of, (EventRow, PrivateValue, rows.Call, rows.Assignment))
_ELSEWHERE = union_all(
    *(
        select(sequence.label("sequence"), field.label("field")).where(
            table.c.incident_id == bindparam("incident"), table.c.facility_id != bindparam("facility")
        )
        for table, sequence, field in (
            (_EVENT, _EVENT.c.sequence, literal("facility_id")),
            (_PRIVATE, _PRIVATE.c.sequence, _PRIVATE.c.name + " facility_id"),
            (_CALL, literal(0), literal("call ") + _CALL.c.id + " facility_id"),
            (_PART, literal(0), _PART.c.staff_code + " facility_id"),
        )
    )
).order_by("sequence", "field")
"""Parts of an incident that are not its facility's."""


@dataclass(slots=True)
class Checked:
    """How much was looked at."""

    incidents: int = 0
    events: int = 0


def verify(
    uow: UnitOfWork,
    facility_id: str,
    checked: Checked | None = None,
    *,
    key: str | None = None,
    witnessed: Sequence[str] = (),
) -> Iterator[Finding]:
    """Every finding about the live database of one facility; none when the record is intact.

    A value that cannot be read is a finding like any other; the other incidents are still looked at. *key* is
    the public key of the seals if it is at hand, *witnessed* are fingerprints that witnesses hold.
    """
    checked = checked or Checked()
    with uow.read() as session, seldom_looking_for_cycles():
        for chunk in _in_chunks(session, facility_id):
            surely = quick_check.intact(session.connection(), facility_id, list(chunk))
            for incident_id, number in chunk.items():
                checked.incidents += 1
                if incident_id in surely:
                    checked.events += surely[incident_id]
                    continue
                named = number if is_code(number) else incident_id
                yield from _incident(session, incident_id, named, checked)
                session.expunge_all()
        yield from verify_numbers(session, facility_id)
        has_row = exists().where(rows.Incident.id == EventRow.incident_id)
        for incident_id in session.scalars(
            select(EventRow.incident_id).where(EventRow.facility_id == facility_id, ~has_row).distinct()
        ):
            yield whole(incident_id, "missing", "the incident's row is gone, its lines are still there")
        yield from verify_seals(session, facility_id, key=key, witnessed=witnessed)


def _in_chunks(session: Session, facility_id: str) -> Iterator[dict[str, str]]:
    """Identifiers and numbers of the incidents, oldest first.

    Only these: a row that cannot be read must not end the walk over the others.
    """
    last = ""
    while True:
        chunk = session.execute(
            select(rows.Incident.id, rows.Incident.number)
            .where(rows.Incident.facility_id == facility_id, rows.Incident.id > last)
            .order_by(rows.Incident.id)
            .limit(_CHUNK)
        ).all()
        if not chunk:
            return
        yield dict(chunk)
        last = chunk[-1].id


def verify_one(session: Session, incident_id: str) -> Iterator[Finding]:
    """Every finding about one incident: its chain, its personal values, its rows."""
    number = session.scalar(select(rows.Incident.number).where(rows.Incident.id == incident_id))
    named = number if number is not None and is_code(number) else incident_id
    yield from _incident(session, incident_id, named, Checked())
    session.expunge_all()


def _incident(session: Session, incident_id: str, number: str, checked: Checked) -> Iterator[Finding]:
    events, bad_events = read(session, EventRow, EventRow.incident_id == incident_id, EventRow.sequence)
    private, bad_values = read(
        session,
        PrivateValue,
        PrivateValue.incident_id == incident_id,
        PrivateValue.sequence,
        PrivateValue.name,
    )
    incidents, bad_row = read(session, rows.Incident, rows.Incident.id == incident_id)
    checked.events += len(events) or _count(session, incident_id)
    found = False
    for finding in chain(
        _unreadable(number, "lines", bad_events),
        _unreadable(number, "personal values", bad_values),
        (_damaged(number, damage.column, damage) for damage in bad_row),
        _unreadable_parts(session, incident_id, number),
        _of_another_facility(session, incident_id, number),
    ):
        found = True
        yield finding
    if bad_events or bad_values:
        return
    values = {(value.sequence, value.name): value for value in private}
    for finding in _chain(number, events, values):
        found = True
        yield finding
    if bad_row:
        return
    row = incidents[0]
    if not events or len(events) != row.event_count or events[-1].hash != row.chain_head:
        found = True
        detail = f"the incident counts {row.event_count} lines, {len(events)} are there"
        yield replace(whole(number, "missing", detail), sequence=len(events))
    if row.erased_at is not None and any(value.value is not None for value in private):
        found = True
        detail = "it says that nothing personal is left, and there is"
        yield whole(number, "changed", detail, field="erased_at")
    if not found:
        yield from _compare(session, row, number, [_event(event, values) for event in events])


def _count(session: Session, incident_id: str) -> int:
    counted = select(func.count()).select_from(EventRow).where(EventRow.incident_id == incident_id)
    return session.scalar(counted) or 0


def _chain(
    number: str, events: list[EventRow], values: dict[tuple[int, str], PrivateValue]
) -> Iterator[Finding]:
    """What the hashes say about the lines and the personal values beside them."""
    known: dict[tuple[int, str], tuple[bytes, str] | None] = {
        key: None if value.salt is None or value.value is None else (value.salt, value.value)
        for key, value in values.items()
    }
    try:
        wrong = evidence.verify_chain(
            [link_of(event) for event in events],
            private_values=lambda _incident, sequence, name: known.get((sequence, name)),
        )
    except UNREADABLE:
        yield whole(number, "unreadable", "the lines cannot be checked against their hashes")
        return
    for finding in wrong:
        yield Finding(
            incident=number,
            sequence=finding.sequence,
            field=finding.field,
            problem=str(finding.problem),
            detail=finding.detail,
        )
    yield from _gone(number, events, values)
    named = {(event.sequence, name) for event in events for name in event.private}
    for sequence, name in sorted(values.keys() - named):
        detail = "no line names this personal value"
        yield Finding(incident=number, sequence=sequence, field=name, problem="inserted", detail=detail)


def _gone(
    number: str, events: list[EventRow], values: dict[tuple[int, str], PrivateValue]
) -> Iterator[Finding]:
    """Personal values that are gone without a line that erased them, and those that came back after it."""
    erased = erased_by((event.sequence, event.kind, event.data) for event in events)
    for event in events:
        for name in event.private:
            place = (event.sequence, name)
            value = values.get(place)
            left = (None, None) if value is None else (value.value, value.salt)
            by = erased.get(place)
            if by is None and None in left:
                problem, detail = "missing", "the stored value is gone, and no line says that it was erased"
            elif by is not None and left != (None, None):
                problem, detail = "changed", f"line {by} erased it, and something of it stands there again"
            else:
                continue
            yield Finding(
                incident=number, sequence=event.sequence, field=name, problem=problem, detail=detail
            )


def _compare(session: Session, row: rows.Incident, number: str, events: list[Event]) -> Iterator[Finding]:
    """``replay(events) == rows``: the working tables say what the record says."""
    try:
        recorded = replay(events)
    except (*UNREADABLE, StopIteration):
        yield whole(number, "unreadable", "the lines do not amount to an incident")
        return
    try:
        different = list(differences(recorded, incident_rows.from_row(session.connection(), row)))
    except UNREADABLE:
        yield whole(number, "unreadable", "the rows of the incident have no meaning")
        return
    for difference in different:
        yield Finding(
            incident=number,
            sequence=0,
            field=difference.field,
            problem=difference.problem,
            detail=difference.detail,
        )


def _of_another_facility(session: Session, incident_id: str, number: str) -> Iterator[Finding]:
    """Every part of an incident is its facility's: else seals and reports, which ask by it, pass it over."""
    facility = session.scalar(select(rows.Incident.facility_id).where(rows.Incident.id == incident_id))
    detail = "is said to be another facility's than the incident"
    for sequence, field in session.execute(_ELSEWHERE, {"incident": incident_id, "facility": facility}):
        yield Finding(incident=number, sequence=sequence, field=field, problem="changed", detail=detail)


# --- what cannot be read --------------------------------------------------------------------------


def _unreadable(number: str, what: str, damages: list[Damage]) -> Iterator[Finding]:
    """Damage in lines, or in the personal values beside them."""
    for damage in damages:
        sequence = damage.key[1] if len(damage.key) > 1 else 0
        field = damage.column
        if field is not None and len(damage.key) > 2:
            field = f"{damage.key[2]} {field}"
        yield replace(
            _damaged(number, field or what, damage), sequence=sequence if isinstance(sequence, int) else 0
        )


def _unreadable_parts(session: Session, incident_id: str, number: str) -> Iterator[Finding]:
    """Damage in the rows of calls and assignments."""
    _, damages = read(
        session, rows.Call, rows.Call.incident_id == incident_id, rows.Call.received_at, rows.Call.id
    )
    for damage in damages:
        yield _damaged(number, f"call {damage.position} {damage.column or ''}".rstrip(), damage)
    _, damages = read(
        session,
        rows.Assignment,
        rows.Assignment.incident_id == incident_id,
        rows.Assignment.asked_at,
        rows.Assignment.id,
    )
    for damage in damages:
        code = None
        if damage.key and damage.column != "staff_code":
            code = session.scalar(
                select(rows.Assignment.staff_code).where(rows.Assignment.id == damage.key[0])
            )
        label = assignment_label(code, damage.position)
        yield _damaged(number, f"{label} {damage.column or ''}".rstrip(), damage)


def _damaged(number: str, field: str | None, damage: Damage) -> Finding:
    detail = "cannot be read: it holds what this program never writes there"
    if damage.column is None:
        detail = "cannot be read; which value it is cannot be known"
    return replace(whole(number, "unreadable", detail), field=field)


def link_of(row: Any) -> ChainLink:  # noqa: ANN401 - an entity, or a row with its columns
    """A line of the record as the chain sees it."""
    return ChainLink(
        incident=row.incident_id,
        sequence=row.sequence,
        kind=row.kind,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        source=row.source,
        actor=row.actor,
        data=cast("dict[str, Any]", row.data),
        private=cast("dict[str, str]", row.private),
        previous=row.previous,
        hash=row.hash,
    )


def _event(row: EventRow, values: dict[tuple[int, str], PrivateValue]) -> Event:
    private: dict[str, str] = {}
    for name in row.private:
        value = values.get((row.sequence, name))
        if value is not None and value.value is not None:
            private[name] = value.value
    return Event(
        kind=Kind(row.kind),
        occurred_at=row.occurred_at,
        source=Source(row.source),
        actor=row.actor,
        data=row.data,
        private=private,
    )
