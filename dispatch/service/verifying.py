"""Checking the record: every chain, every personal value, and every row against its replayed events.

What it finds is said in terms a person can act on: which incident, which line, which field.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain import evidence
from dispatch.domain.events import Event, Kind
from dispatch.domain.evidence import ChainLink
from dispatch.domain.evolution import replay
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import Source
from dispatch.service import ledger
from dispatch.service.intake import FIRST_SHORT_NUMBER
from models import incident as rows
from models.facility import IncidentCounter
from models.record import Event as EventRow
from models.record import PrivateValue
from models.unit_of_work import UnitOfWork

_NOT_REPLAYED = {"facility_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was recorded. ``sequence`` 0 speaks of the incident as a whole."""

    incident: str
    sequence: int
    field: str | None
    problem: str
    detail: str


@dataclass(slots=True)
class Checked:
    """How much was looked at."""

    incidents: int = 0
    events: int = 0


def verify(uow: UnitOfWork, facility_id: str, checked: Checked | None = None) -> Iterator[Finding]:
    """Every finding about the live database of one facility; none when the record is intact."""
    checked = checked or Checked()
    with uow.read() as session:
        known: set[str] = set()
        query = select(rows.Incident).where(rows.Incident.facility_id == facility_id)
        for row in session.scalars(
            query.order_by(rows.Incident.received_at).execution_options(yield_per=200)
        ):
            known.add(row.id)
            checked.incidents += 1
            yield from _incident(session, row, checked)
        yield from _numbers(session, facility_id)
        for incident_id in session.scalars(
            select(EventRow.incident_id).where(EventRow.facility_id == facility_id).distinct()
        ):
            if incident_id not in known:
                yield Finding(
                    incident=incident_id,
                    sequence=0,
                    field=None,
                    problem="missing",
                    detail="the incident's row is gone, its lines are still there",
                )


def _incident(session: Session, row: rows.Incident, checked: Checked) -> Iterator[Finding]:
    events = session.scalars(
        select(EventRow).where(EventRow.incident_id == row.id).order_by(EventRow.sequence)
    ).all()
    values = {
        (value.sequence, value.name): value
        for value in session.scalars(select(PrivateValue).where(PrivateValue.incident_id == row.id))
    }
    checked.events += len(events)
    links = [_link(event) for event in events]
    known: dict[tuple[int, str], tuple[bytes, str] | None] = {
        key: None if value.salt is None or value.value is None else (value.salt, value.value)
        for key, value in values.items()
    }
    found = False
    for finding in evidence.verify_chain(
        links, private_values=lambda _incident, sequence, name: known.get((sequence, name))
    ):
        found = True
        yield Finding(
            incident=row.number,
            sequence=finding.sequence,
            field=finding.field,
            problem=str(finding.problem),
            detail=finding.detail,
        )
    for event in events:
        for name in event.private:
            if (event.sequence, name) not in values:
                found = True
                yield Finding(
                    incident=row.number,
                    sequence=event.sequence,
                    field=name,
                    problem="missing",
                    detail="the stored value is gone, without the note that erasing it leaves",
                )
    if len(events) != row.event_count or (events and events[-1].hash != row.chain_head):
        found = True
        yield Finding(
            incident=row.number,
            sequence=len(events),
            field=None,
            problem="missing",
            detail=f"the incident counts {row.event_count} lines, {len(events)} are there",
        )
    if events and not found:
        yield from _compare(session, row, [_event(event, values) for event in events])


def _compare(session: Session, row: rows.Incident, events: list[Event]) -> Iterator[Finding]:
    """``replay(events) == rows``: the working tables say what the record says."""
    stored = ledger.from_row(session, row)
    replayed = replay(events)
    for name, recorded, present in _differences(replayed, stored):
        yield Finding(
            incident=row.number,
            sequence=0,
            field=name,
            problem="changed",
            detail=f"the lines amount to {recorded}, the table says {present}",
        )


def _differences(replayed: Incident, stored: Incident) -> Iterator[tuple[str, object, object]]:
    for field in fields(Incident):
        if field.name in _NOT_REPLAYED:
            continue
        recorded, present = getattr(replayed, field.name), getattr(stored, field.name)
        if field.name in ("calls", "assignments"):
            recorded = sorted(recorded, key=lambda part: part.id)
            present = sorted(present, key=lambda part: part.id)
        if recorded == present:
            continue
        if field.name == "times":
            for time in fields(recorded):
                if getattr(recorded, time.name) != getattr(present, time.name):
                    yield time.name, getattr(recorded, time.name), getattr(present, time.name)
        else:
            yield field.name, recorded, present


def _numbers(session: Session, facility_id: str) -> Iterator[Finding]:
    """Incident numbers of a year have no gaps: a missing one means a missing incident.

    They run from the first that is given out to the last that is known, by an incident or by the counter.
    """
    last_by_year = {
        counter.year: counter.next_value - 1
        for counter in session.scalars(
            select(IncidentCounter).where(IncidentCounter.facility_id == facility_id)
        )
    }
    present: dict[int, set[int]] = {year: set() for year in last_by_year}
    for year, number in session.execute(
        select(rows.Incident.year, rows.Incident.short_number).where(rows.Incident.facility_id == facility_id)
    ):
        present.setdefault(year, set()).add(number)
    for year, numbers in sorted(present.items()):
        last = max(numbers, default=FIRST_SHORT_NUMBER - 1)
        for number in range(FIRST_SHORT_NUMBER, max(last, last_by_year.get(year, 0)) + 1):
            if number not in numbers:
                yield Finding(
                    incident=f"{facility_id}-{year}-{number:06d}",
                    sequence=0,
                    field=None,
                    problem="missing",
                    detail="no incident with this number, though it was given out",
                )


def _link(row: EventRow) -> ChainLink:
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
