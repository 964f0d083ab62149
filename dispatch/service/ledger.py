"""Loading an incident's state and writing a decision down, inside the caller's transaction.

One decision becomes: its lines, chained by hash; the personal values beside them; the rows of incident,
calls and assignments as they are now; the deliveries that its effects ask for; its deadlines. All of it
is written or none.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from dispatch.domain import escalation, policy
from dispatch.domain.decisions import Decision
from dispatch.domain.errors import IncidentNotFoundError
from dispatch.domain.evidence import GENESIS, ChainLink, private_digest, with_hash
from dispatch.domain.incidents import Assignment, CallLeg, Incident, KnownLocation, Times
from dispatch.domain.snapshots import duty_from_data, duty_to_data, ladder_from_data, ladder_to_data
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
from dispatch.service import outbox
from dispatch.service.services import Services
from models import incident as rows
from models.base import Base
from models.record import Event as EventRow
from models.record import PrivateValue
from models.traffic import Deadline
from models.unit_of_work import wake_engine_after

TIME_FIELDS = tuple(field.name for field in fields(Times))
Values = dict[str, Any]
_ASSIGNMENT_FIELDS = tuple(field.name for field in fields(Assignment))


def load(session: Session, services: Services, incident_id: str, *, for_update: bool = True) -> Incident:
    """The incident with its calls and assignments; on PostgreSQL its row is locked until the commit.

    Raises:
        IncidentNotFoundError: this facility has no such incident.
    """
    query = select(rows.Incident).where(
        rows.Incident.id == incident_id, rows.Incident.facility_id == services.facility_id
    )
    row = session.scalar(query.with_for_update() if for_update else query)
    if row is None:
        raise IncidentNotFoundError(incident=incident_id)
    return from_row(session, row)


def from_row(session: Session, row: rows.Incident) -> Incident:
    """The state behind *row*."""
    calls = session.scalars(
        select(rows.Call).where(rows.Call.incident_id == row.id).order_by(rows.Call.received_at, rows.Call.id)
    )
    assignments = session.scalars(
        select(rows.Assignment)
        .where(rows.Assignment.incident_id == row.id)
        .order_by(rows.Assignment.asked_at, rows.Assignment.staff_code)
    )
    return Incident(
        id=row.id,
        facility_id=row.facility_id,
        number=row.number,
        year=row.year,
        short_number=row.short_number,
        status=IncidentStatus(row.status),
        priority=Priority(row.priority),
        category=Category(row.category),
        channel=IncidentChannel(row.channel),
        times=Times(**{name: getattr(row, name) for name in TIME_FIELDS}),
        policy=policy.from_data(row.policy),
        duty=tuple(duty_from_data(cast("Mapping[str, object]", entry)) for entry in row.duty),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        is_drill=row.is_drill,
        merged_into=row.merged_into,
        caller_number=row.caller_number,
        location=KnownLocation(
            text=row.location_text,
            place=row.location_place,
            lat=row.location_lat,
            lon=row.location_lon,
            source=None if row.location_source is None else LocationSource(row.location_source),
            accuracy_m=row.location_accuracy_m,
        ),
        calls=tuple(_leg(call) for call in calls),
        assignments=tuple(_assignment(assignment) for assignment in assignments),
        ladder=ladder_from_data(row.ladder),
        help_wanted=row.help_wanted,
    )


def record(
    session: Session, services: Services, decision: Decision, *, before: Incident | None, at: datetime
) -> None:
    """Write *decision* down; *before* is the state it was taken on, *at* the instant of recording."""
    if not decision.events:
        return
    incident = decision.incident
    if before is None:
        # The row first, because everything else refers to it.
        session.execute(
            insert(rows.Incident),
            [{"id": incident.id, "chain_head": GENESIS, "event_count": 0, **_incident(incident)}],
        )
        count, head = 0, GENESIS
    else:
        count, head = session.execute(
            select(rows.Incident.event_count, rows.Incident.chain_head).where(rows.Incident.id == incident.id)
        ).one()
    count, head = _append(session, services, decision, count=count, head=head, at=at)
    session.execute(
        update(rows.Incident)
        .where(rows.Incident.id == incident.id)
        .values(event_count=count, chain_head=head, **_incident(incident))
        .execution_options(synchronize_session=False)
    )
    _save(session, rows.Call, _calls(before), _calls(incident))
    _save(session, rows.Assignment, _assignments(before), _assignments(incident))
    _set_deadlines(session, before, incident)
    outbox.enqueue(session, services, decision, now=at)


def _append(
    session: Session, services: Services, decision: Decision, *, count: int, head: str, at: datetime
) -> tuple[int, str]:
    incident = decision.incident
    lines: list[dict[str, object]] = []
    values: list[dict[str, object]] = []
    for event in decision.events:
        count += 1
        digests: dict[str, str] = {}
        for name, value in event.private.items():
            salt = services.ids.salt()
            digests[name] = private_digest(salt, value)
            values.append(
                {
                    "incident_id": incident.id,
                    "sequence": count,
                    "name": name,
                    "facility_id": incident.facility_id,
                    "value": value,
                    "salt": salt,
                    "erased_at": None,
                }
            )
        link = with_hash(
            ChainLink(
                incident=incident.id,
                sequence=count,
                kind=str(event.kind),
                occurred_at=event.occurred_at,
                recorded_at=at,
                source=str(event.source),
                actor=event.actor,
                data=cast("Mapping[str, Any]", event.data),
                private=digests,
                previous=head,
                hash="",
            )
        )
        head = link.hash
        lines.append(
            {
                "incident_id": incident.id,
                "sequence": count,
                "facility_id": incident.facility_id,
                "kind": link.kind,
                "occurred_at": link.occurred_at,
                "recorded_at": at,
                "source": link.source,
                "actor": link.actor,
                "data": dict(event.data),
                "private": digests,
                "previous": link.previous,
                "hash": head,
            }
        )
    session.execute(insert(EventRow), lines)
    if values:
        session.execute(insert(PrivateValue), values)
    return count, head


def _set_deadlines(session: Session, before: Incident | None, incident: Incident) -> None:
    wanted = escalation.deadlines(incident)
    if before is not None:
        if wanted == escalation.deadlines(before):
            return
        session.execute(delete(Deadline).where(Deadline.incident_id == incident.id))
    if wanted:
        session.execute(
            insert(Deadline),
            [
                {
                    "incident_id": incident.id,
                    "kind": due.kind,
                    "subject": due.subject,
                    "facility_id": incident.facility_id,
                    "due_at": due.due_at,
                }
                for due in wanted
            ],
        )
        wake_engine_after(session)


def _save(
    session: Session, table: type[Base], before: Mapping[str, Values], after: Mapping[str, Values]
) -> None:
    """Insert the rows that are new and update those that changed."""
    added = [values for key, values in after.items() if key not in before]
    if added:
        session.execute(insert(table), added)
    changed = [values for key, values in after.items() if key in before and before[key] != values]
    for values in changed:
        session.execute(
            update(table)
            .where(table.__table__.c.id == values["id"])
            .values({name: value for name, value in values.items() if name != "id"})
            .execution_options(synchronize_session=False)
        )


# --- rows to values and back ----------------------------------------------------------------------


def _incident(incident: Incident) -> Values:
    location = incident.location
    return {
        "facility_id": incident.facility_id,
        "number": incident.number,
        "year": incident.year,
        "short_number": incident.short_number,
        "status": str(incident.status),
        "priority": str(incident.priority),
        "category": str(incident.category),
        "outcome": None if incident.outcome is None else str(incident.outcome),
        "channel": str(incident.channel),
        "is_drill": incident.is_drill,
        "merged_into": incident.merged_into,
        "caller_number": incident.caller_number,
        "location_text": location.text,
        "location_place": location.place,
        "location_lat": location.lat,
        "location_lon": location.lon,
        "location_source": None if location.source is None else str(location.source),
        "location_accuracy_m": location.accuracy_m,
        **{name: getattr(incident.times, name) for name in TIME_FIELDS},
        "policy": policy.to_data(incident.policy),
        "duty": [duty_to_data(person) for person in incident.duty],
        "ladder": ladder_to_data(incident.ladder),
        "help_wanted": incident.help_wanted,
    }


def _calls(incident: Incident | None) -> dict[str, Values]:
    if incident is None:
        return {}
    return {
        leg.id: {
            "id": leg.id,
            "facility_id": incident.facility_id,
            "incident_id": incident.id,
            "provider": leg.provider,
            "provider_sid": leg.provider_sid,
            "channel": str(leg.channel),
            "caller_number": leg.caller_number,
            "outcome": str(leg.outcome),
            "menu_digit": leg.menu_digit,
            "opened_incident": leg.opened_incident,
            "received_at": leg.received_at,
            "answered_at": leg.answered_at,
            "ended_at": leg.ended_at,
        }
        for leg in incident.calls
    }


def _leg(row: rows.Call) -> CallLeg:
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


def _assignments(incident: Incident | None) -> dict[str, Values]:
    if incident is None:
        return {}
    return {
        a.id: {
            "facility_id": incident.facility_id,
            "incident_id": incident.id,
            **{name: getattr(a, name) for name in _ASSIGNMENT_FIELDS},
            "role": str(a.role),
            "status": str(a.status),
        }
        for a in incident.assignments
    }


def _assignment(row: rows.Assignment) -> Assignment:
    values = {name: getattr(row, name) for name in _ASSIGNMENT_FIELDS}
    return Assignment(**{**values, "role": Role(row.role), "status": AssignmentStatus(row.status)})
