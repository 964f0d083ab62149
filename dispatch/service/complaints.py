"""Keeping the complaints register: entering a complaint, and each step until it has ended.

The rules are ``dispatch.domain.complaints``. Steps are appended and never changed; the row of a complaint
says where it stands.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.domain import complaints as rules
from dispatch.domain.errors import ComplaintNotFoundError, FieldRequiredError, IncidentNotFoundError
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject
from models.complaint import Complaint, ComplaintNote, ComplaintStep
from models.facility import Facility
from models.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterComplaint:
    """What somebody complained about; without ``due_on`` the facility's own number of days counts."""

    actor: str
    channel: ComplaintChannel
    subject: ComplaintSubject
    received_at: datetime
    text: str
    complainant: str = ""
    contact: str = ""
    incident_number: str = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveComplaint:
    """What became of the complaint *number*; without ``due_on`` its day stays as it was."""

    actor: str
    number: str
    status: ComplaintStatus
    occurred_at: datetime
    note: str = ""
    due_on: date | None = None


def enter(
    db: Session,
    command: EnterComplaint,
    *,
    facility_id: str,
    zone: ZoneInfo,
    due_days: int | None,
    new_id: str,
    now: datetime,
) -> str:
    """Write a complaint into the register and return its number.

    Raises:
        FieldRequiredError: it says nothing, or nobody said by when it is due.
        IncidentNotFoundError: the incident that it names does not exist.
        TimeRefusedError: its times cannot be.
    """
    if not command.text.strip():
        raise FieldRequiredError(field="text")
    due_on = rules.due_day(command.received_at, zone, due_days, command.due_on)
    step = rules.receipt(received_at=command.received_at, now=now, due_on=due_on, zone=zone)
    incident_id = _incident(db, facility_id, command.incident_number)
    year = now.astimezone(zone).year
    serial = _next_serial(db, facility_id, year)
    row = Complaint(
        id=new_id,
        facility_id=facility_id,
        year=year,
        serial=serial,
        number=f"P-{year}-{serial:04d}",
        channel=command.channel,
        subject=command.subject,
        incident_id=incident_id,
        status=step.status,
        received_at=command.received_at,
        due_on=due_on,
        text=command.text.strip(),
        complainant=command.complainant.strip() or None,
        contact=command.contact.strip() or None,
    )
    db.add(row)
    db.flush()
    _append(db, row, 1, step, actor=command.actor, note="", now=now)
    return row.number


def move(db: Session, command: MoveComplaint, *, facility_id: str, now: datetime) -> None:
    """Append a step.

    Raises:
        ComplaintNotFoundError: there is no such complaint here.
        DispatchError: the rules refuse the step.
    """
    row = db.scalar(
        select(Complaint)
        .where(Complaint.facility_id == facility_id, Complaint.number == command.number)
        .with_for_update()
    )
    if row is None:
        raise ComplaintNotFoundError(number=command.number)
    last = db.scalars(
        select(ComplaintStep)
        .where(ComplaintStep.complaint_id == row.id)
        .order_by(ComplaintStep.sequence.desc())
        .limit(1)
    ).one()
    step = rules.following(
        step_of(last),
        command.status,
        occurred_at=command.occurred_at,
        now=now,
        due_on=command.due_on,
        note=command.note,
    )
    row.status, row.due_on = step.status, step.due_on
    row.ended_at = None if step.status.is_open else step.occurred_at
    _append(db, row, last.sequence + 1, step, actor=command.actor, note=command.note.strip(), now=now)


def step_of(row: ComplaintStep) -> rules.Step:
    """The row as the rules know it."""
    return rules.Step(status=ComplaintStatus(row.status), occurred_at=row.occurred_at, due_on=row.due_on)


def _append(
    db: Session, row: Complaint, sequence: int, step: rules.Step, *, actor: str, note: str, now: datetime
) -> None:
    db.add(
        ComplaintStep(
            complaint_id=row.id,
            sequence=sequence,
            facility_id=row.facility_id,
            status=step.status,
            due_on=step.due_on,
            occurred_at=step.occurred_at,
            recorded_at=now,
            actor=actor[:80],
        )
    )
    if note:
        db.flush()
        db.add(ComplaintNote(complaint_id=row.id, sequence=sequence, facility_id=row.facility_id, text=note))


def _incident(db: Session, facility_id: str, number: str) -> str | None:
    if not number.strip():
        return None
    found = db.scalar(
        select(Incident.id).where(
            Incident.facility_id == facility_id, Incident.number == number.strip().upper()
        )
    )
    if found is None:
        raise IncidentNotFoundError(number=number)
    return found


def _next_serial(db: Session, facility_id: str, year: int) -> int:
    """The next number of the year; two who enter one at the same moment wait for each other."""
    db.execute(select(Facility.id).where(Facility.id == facility_id).with_for_update(key_share=True))
    newest = db.scalar(
        select(func.max(Complaint.serial)).where(Complaint.facility_id == facility_id, Complaint.year == year)
    )
    return (newest or 0) + 1
