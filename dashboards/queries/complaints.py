"""The complaints register as pages and reports read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.domain import complaints as rules
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject
from dispatch.service.complaints import step_of
from models.complaint import Complaint, ComplaintNote, ComplaintStep
from models.incident import Incident

LISTED = 200
OPEN = tuple(status for status in ComplaintStatus if status.is_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the register; nothing personal."""

    number: str
    channel: str
    subject: str
    status: str
    received_at: datetime
    due_on: date
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return ComplaintStatus(self.status).is_open


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step with what was written at it; ``erased`` says that something was."""

    status: str
    due_on: date
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    note: str
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneComplaint:
    """Everything about one of them."""

    line: Listed
    incident_number: str | None
    text: str | None
    complainant: str | None
    contact: str | None
    erased_at: datetime | None
    steps: Sequence[Step]


def listed(
    db: Session, facility_id: str, *, status: str, from_at: datetime, until_at: datetime
) -> Sequence[Listed]:
    """The register of a time, the newest first; those still open are in it whenever they were received."""
    query = select(Complaint).where(
        Complaint.facility_id == facility_id,
        or_(
            (Complaint.received_at >= from_at) & (Complaint.received_at < until_at),
            Complaint.status.in_(OPEN) & (Complaint.received_at < until_at),
        ),
    )
    if status == "open":
        query = query.where(Complaint.status.in_(OPEN))
    elif status:
        query = query.where(Complaint.status == status)
    rows = db.scalars(query.order_by(Complaint.received_at.desc(), Complaint.serial.desc()).limit(LISTED))
    return tuple(_listed(row) for row in rows)


def find(db: Session, facility_id: str, number: str) -> OneComplaint | None:
    """The complaint *number*, with its steps in order."""
    found = db.execute(
        select(Complaint, Incident.number)
        .outerjoin(Incident, Incident.id == Complaint.incident_id)
        .where(Complaint.facility_id == facility_id, Complaint.number == number)
    ).first()
    if found is None:
        return None
    row, incident_number = found
    steps = db.execute(
        select(ComplaintStep, ComplaintNote)
        .outerjoin(
            ComplaintNote,
            (ComplaintNote.complaint_id == ComplaintStep.complaint_id)
            & (ComplaintNote.sequence == ComplaintStep.sequence),
        )
        .where(ComplaintStep.complaint_id == row.id)
        .order_by(ComplaintStep.sequence)
    )
    return OneComplaint(
        line=_listed(row),
        incident_number=incident_number,
        text=row.text,
        complainant=row.complainant,
        contact=row.contact,
        erased_at=row.erased_at,
        steps=tuple(_step(step, note) for step, note in steps),
    )


def of_period(
    db: Session, facility_id: str, *, from_at: datetime, until_at: datetime
) -> Sequence[rules.Complaint]:
    """Those that were received or still open in a period, without anything personal."""
    rows = db.execute(
        select(Complaint.number, Complaint.channel, Complaint.subject, ComplaintStep)
        .join(ComplaintStep, ComplaintStep.complaint_id == Complaint.id)
        .where(
            Complaint.facility_id == facility_id,
            Complaint.received_at < until_at,
            # One that ended before the period may have been taken up again since.
            or_(Complaint.ended_at.is_(None), Complaint.ended_at >= from_at),
        )
        .order_by(Complaint.received_at, Complaint.id, ComplaintStep.sequence)
    )
    steps: dict[str, list[rules.Step]] = {}
    facts: dict[str, tuple[str, str]] = {}
    for number, channel, subject, step in rows:
        steps.setdefault(number, []).append(step_of(step))
        facts[number] = channel, subject
    return tuple(
        rules.Complaint(
            number=number,
            channel=ComplaintChannel(channel),
            subject=ComplaintSubject(subject),
            steps=steps[number],
        )
        for number, (channel, subject) in facts.items()
    )


def _listed(row: Complaint) -> Listed:
    return Listed(
        number=row.number,
        channel=row.channel,
        subject=row.subject,
        status=row.status,
        received_at=row.received_at,
        due_on=row.due_on,
        ended_at=row.ended_at,
    )


def _step(step: ComplaintStep, note: ComplaintNote | None) -> Step:
    return Step(
        status=step.status,
        due_on=step.due_on,
        occurred_at=step.occurred_at,
        recorded_at=step.recorded_at,
        actor=step.actor,
        note="" if note is None else note.text or "",
        erased=note is not None and note.text is None,
    )
