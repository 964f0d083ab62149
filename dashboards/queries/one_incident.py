"""Everything the record holds of one incident, as its page and a worker's page show it."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.queries.staff import named
from dispatch.domain.error_codes import meaning_of
from dispatch.domain.events import Kind
from dispatch.domain.places import plus_code
from dispatch.domain.vocabulary import ENGAGED
from models.facility import Staff
from models.incident import Assignment, Call, Incident
from models.record import Event, PrivateValue
from models.traffic import Delivery

TIME_NAMES = (
    "received_at",
    "answered_at",
    "alerted_at",
    "accepted_at",
    "en_route_at",
    "staged_at",
    "on_scene_at",
    "left_scene_at",
    "at_facility_at",
    "available_at",
    "closed_at",
)
PART_TIMES = (
    "alerted_at",
    "accepted_at",
    "declined_at",
    "stood_down_at",
    "en_route_at",
    "staged_at",
    "on_scene_at",
    "left_scene_at",
    "at_facility_at",
    "available_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the times of an incident: how long after the call, and after the step before."""

    name: str
    at: datetime
    since_call_s: float
    since_before_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One worker's part."""

    code: str
    name: str
    phone: str
    role: str
    tier: str
    status: str
    is_primary: bool
    asked_count: int
    minutes: int | None
    asked_at: datetime
    times: Mapping[str, datetime]

    @property
    def is_engaged(self) -> bool:
        """Whether this worker accepted and has not ended."""
        return self.status in ENGAGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One call or text of a resident."""

    channel: str
    caller_number: str | None
    outcome: str
    menu_digit: str | None
    received_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the record; ``private`` holds the values that still exist, ``erased`` the other names."""

    sequence: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    actor: str
    facts: Mapping[str, object]
    private: Mapping[str, str]
    erased: tuple[str, ...]
    hash: str

    @property
    def was_late(self) -> bool:
        """Whether the program learned of it more than two seconds after it happened."""
        return abs((self.recorded_at - self.occurred_at).total_seconds()) > 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call or text that went out, or should have."""

    person: str
    purpose: str
    channel: str
    state: str
    attempts: int
    provider: str | None
    provider_status: str | None
    error_code: str | None
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None

    @property
    def reason(self) -> str | None:
        """Why it failed, as the table of error codes knows it."""
        return None if self.error_code is None else meaning_of(self.error_code).reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it is, as far as anybody said."""

    text: str | None
    place: str | None
    lat: float | None
    lon: float | None
    source: str | None
    accuracy_m: float | None

    @property
    def is_known(self) -> bool:
        """Whether anything is known."""
        return bool(self.text or self.place or self.lat is not None)

    @property
    def plus_code(self) -> str:
        """The point as a short code that can be read out over the phone; empty without a point."""
        return "" if self.lat is None or self.lon is None else plus_code(self.lat, self.lon)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneIncident:
    """The head of the page: one incident as it stands."""

    id: str
    number: str
    short_number: int
    status: str
    priority: str
    category: str
    outcome: str | None
    channel: str
    is_drill: bool
    merged_into: str | None
    caller_number: str | None
    place: Place
    received_at: datetime
    closed_at: datetime | None
    event_count: int
    chain_head: str
    help_wanted: int
    steps: tuple[Step, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is still running."""
        return self.closed_at is None


def full_number(text: str, facility: str, year: int) -> str:
    """The number that somebody means: a short one, digits alone, is of this *year*."""
    said = text.strip().upper()
    return f"{facility}-{year}-{int(said):06d}" if re.fullmatch("[0-9]{1,9}", said) else said


def find_by_number(db: Session, facility: str, number: str) -> OneIncident | None:
    """The incident with the full number, if there is one."""
    row = db.scalar(select(Incident).where(Incident.facility_id == facility, Incident.number == number))
    return None if row is None else _incident(db, row)


def find_by_id(db: Session, facility: str, incident_id: str) -> OneIncident | None:
    """The incident with the identifier, if there is one."""
    row = db.scalar(select(Incident).where(Incident.facility_id == facility, Incident.id == incident_id))
    return None if row is None else _incident(db, row)


def parts(db: Session, incident_id: str) -> tuple[Part, ...]:
    """Everybody who was ever asked, the owner first."""
    rows = db.execute(
        select(Assignment, Staff.name, Staff.phone)
        .join(Staff, Staff.id == Assignment.staff_id)
        .where(Assignment.incident_id == incident_id)
        .order_by(Assignment.is_primary.desc(), Assignment.asked_at, Assignment.staff_code)
    )
    return tuple(
        Part(
            code=row.staff_code,
            name=name,
            phone=phone,
            role=row.role,
            tier=row.tier,
            status=row.status,
            is_primary=row.is_primary,
            asked_count=row.asked_count,
            minutes=row.minutes,
            asked_at=row.asked_at,
            times={key: at for key in PART_TIMES if (at := getattr(row, key)) is not None},
        )
        for row, name, phone in rows
    )


def rings(db: Session, incident_id: str) -> tuple[Ring, ...]:
    """Every call and text of residents that belongs to the incident."""
    rows = db.scalars(select(Call).where(Call.incident_id == incident_id).order_by(Call.received_at, Call.id))
    return tuple(
        Ring(
            channel=row.channel,
            caller_number=row.caller_number,
            outcome=row.outcome,
            menu_digit=row.menu_digit,
            received_at=row.received_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
        )
        for row in rows
    )


def lines(db: Session, incident_id: str, *, kind: Kind | None = None) -> tuple[Line, ...]:
    """The record in order; only the lines of *kind* where one is named."""
    query = select(Event).where(Event.incident_id == incident_id).order_by(Event.sequence)
    if kind is not None:
        query = query.where(Event.kind == kind)
    values: dict[int, dict[str, str]] = defaultdict(dict)
    erased: dict[int, list[str]] = defaultdict(list)
    for value in db.scalars(select(PrivateValue).where(PrivateValue.incident_id == incident_id)):
        if value.value is None:
            erased[value.sequence].append(value.name)
        else:
            values[value.sequence][value.name] = value.value
    return tuple(
        Line(
            sequence=row.sequence,
            kind=row.kind,
            occurred_at=row.occurred_at,
            recorded_at=row.recorded_at,
            source=row.source,
            actor=row.actor,
            facts=row.data,
            private=values[row.sequence],
            erased=tuple(erased[row.sequence]),
            hash=row.hash,
        )
        for row in db.scalars(query)
    )


def sent(db: Session, incident_id: str, *, most: int = 200) -> tuple[Sent, ...]:
    """What went out because of the incident, newest first."""
    rows = db.execute(
        select(Delivery, Staff.name, Staff.code)
        .outerjoin(Staff, Staff.id == Delivery.staff_id)
        .where(Delivery.incident_id == incident_id)
        .order_by(Delivery.created_at.desc(), Delivery.id.desc())
        .limit(most)
    )
    return tuple(
        Sent(
            person=named(name, code),
            purpose=row.purpose,
            channel=row.channel,
            state=row.state,
            attempts=row.attempts,
            provider=row.provider,
            provider_status=row.provider_status,
            error_code=row.error_code,
            created_at=row.created_at,
            sent_at=row.sent_at,
            finished_at=row.finished_at,
        )
        for row, name, code in rows
    )


def _incident(db: Session, row: Incident) -> OneIncident:
    merged_into = None if row.merged_into is None else db.get(Incident, row.merged_into)
    return OneIncident(
        id=row.id,
        number=row.number,
        short_number=row.short_number,
        status=row.status,
        priority=row.priority,
        category=row.category,
        outcome=row.outcome,
        channel=row.channel,
        is_drill=row.is_drill,
        merged_into=None if merged_into is None else merged_into.number,
        caller_number=row.caller_number,
        place=Place(
            text=row.location_text,
            place=row.location_place,
            lat=row.location_lat,
            lon=row.location_lon,
            source=row.location_source,
            accuracy_m=row.location_accuracy_m,
        ),
        received_at=row.received_at,
        closed_at=row.closed_at,
        event_count=row.event_count,
        chain_head=row.chain_head,
        help_wanted=row.help_wanted,
        steps=_steps(row),
    )


def _steps(row: Incident) -> tuple[Step, ...]:
    known = [(name, at) for name in TIME_NAMES if (at := getattr(row, name)) is not None]
    known.sort(key=lambda step: step[1])
    found: list[Step] = []
    for name, at in known:
        before = found[-1].at if found else None
        found.append(
            Step(
                name=name,
                at=at,
                since_call_s=(at - row.received_at).total_seconds(),
                since_before_s=None if before is None else (at - before).total_seconds(),
            )
        )
    return tuple(found)
