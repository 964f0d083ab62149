"""The live incidents, in a fixed number of queries however many there are.

``version`` costs three small queries and answers most refreshes; ``live_incidents`` reads the rest.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from dashboards.queries.staff import named
from dispatch.domain.error_codes import meaning_of
from dispatch.domain.vocabulary import ENGAGED, AssignmentStatus, DeliveryState, Priority
from dispatch.service.checks import OPEN_INCIDENTS
from dispatch.service.outbox import UNSENT
from models.facility import Staff
from models.incident import Assignment, Call, Incident
from models.record import Event
from models.traffic import Delivery, Pulse

MOST = 200
"""The newest open incidents are shown, up to this many; the log has them all."""
LATELY = timedelta(hours=1)
"""How long a closed incident stays at the foot of the board."""
LOOK_BACK = timedelta(hours=24)
MOST_LATELY = 10
SILENCE = timedelta(seconds=20)
"""An engine that ticks every second and has been silent this long is not running."""

_URGENCY = {Priority.RED: 0, Priority.UNKNOWN: 0, Priority.YELLOW: 1, Priority.GREEN: 2, Priority.BLACK: 3}
_TROUBLE = or_(
    Delivery.state.in_((DeliveryState.FAILED, DeliveryState.UNKNOWN)),
    # What waits for another try, and what waited until it was too old.
    and_(Delivery.state.in_((*UNSENT, DeliveryState.WITHDRAWN)), Delivery.error_code.is_not(None)),
)
_NOT_CALLED_OFF = or_(Delivery.state != DeliveryState.WITHDRAWN, Delivery.error_code == "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A worker's part as the board shows it."""

    code: str
    name: str
    tier: str
    role: str
    status: str
    is_primary: bool
    asked_count: int
    minutes: int | None
    asked_at: datetime
    accepted_at: datetime | None
    rings_until: datetime | None

    @property
    def is_engaged(self) -> bool:
        """Whether this person accepted and has not ended."""
        return self.status in ENGAGED

    @property
    def is_being_asked(self) -> bool:
        """Whether the phone is ringing, or the time to answer is running."""
        return self.status == AssignmentStatus.ALERTED

    @property
    def due_at(self) -> datetime | None:
        """When this person said they would arrive."""
        if self.minutes is None or self.accepted_at is None:
            return None
        return self.accepted_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A call or text that did not get through, and has not been followed by one that did."""

    person: str
    purpose: str
    channel: str
    state: str
    error_code: str | None
    at: datetime
    retry_at: datetime | None
    """When it is tried again; None when nothing more is tried at this number for now."""

    @property
    def reason(self) -> str:
        """Why, as the table of error codes knows it."""
        return meaning_of(self.error_code).reason


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLine:
    """The newest line of an incident's record."""

    kind: str
    facts: Mapping[str, object]
    at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveIncident:
    """One incident on the board."""

    id: str
    number: str
    short_number: int
    status: str
    priority: str
    category: str
    channel: str
    outcome: str | None
    is_drill: bool
    caller_number: str | None
    location_text: str | None
    location_place: str | None
    received_at: datetime
    accepted_at: datetime | None
    on_scene_at: datetime | None
    closed_at: datetime | None
    help_wanted: int
    rings: int = 0
    caller_on_line: bool = False
    people: tuple[Person, ...] = ()
    empty_tiers: tuple[str, ...] = ()
    """Rungs of the ladder that were reached and on which nobody was on duty."""
    troubles: tuple[Trouble, ...] = ()
    last: LastLine | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still running."""
        return self.closed_at is None

    @property
    def needs_people(self) -> bool:
        """Whether nobody owns it yet, or more help is wanted."""
        return self.is_open and (self.help_wanted > 0 or not any(p.is_primary for p in self.people))


def version(db: Session, facility: str) -> str:
    """Changes whenever something changed that the board shows of an incident."""
    incidents = db.execute(
        select(Incident.id, Incident.event_count, Incident.status)
        .where(Incident.facility_id == facility, *OPEN_INCIDENTS)
        .order_by(Incident.id.desc())
        .limit(MOST)
    ).all()
    ids = [row.id for row in incidents]
    deliveries = db.execute(
        select(
            Delivery.incident_id,
            Delivery.state,
            func.count(),
            func.sum(Delivery.attempts),
        )
        .where(Delivery.incident_id.in_(ids))
        .group_by(Delivery.incident_id, Delivery.state)
        .order_by(Delivery.incident_id, Delivery.state)
    ).all()
    seen = repr([tuple(row) for row in incidents]) + repr([tuple(row) for row in deliveries])
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def engine_silent_since(db: Session, now: datetime) -> datetime | None:
    """The engine's last sign of life when it is too old; None while all is well or it never started."""
    last = db.scalar(select(func.max(Pulse.at)).where(Pulse.name.like("engine%")))
    return last if last is not None and now - last > SILENCE else None


def live_incidents(db: Session, facility: str) -> tuple[LiveIncident, ...]:
    """Every open incident: those that need people first, red before yellow, the oldest first."""
    found = _fetch(db, _all_of(facility, and_(*OPEN_INCIDENTS)).order_by(Incident.id.desc()).limit(MOST))
    return tuple(
        sorted(
            found, key=lambda i: (not i.needs_people, _URGENCY.get(Priority(i.priority), 0), i.received_at)
        )
    )


def lately_closed(db: Session, facility: str, now: datetime) -> tuple[LiveIncident, ...]:
    """What was closed in the last hour, newest first."""
    query = (
        _all_of(facility, Incident.received_at > now - LOOK_BACK, Incident.closed_at > now - LATELY)
        .order_by(Incident.received_at.desc(), Incident.id.desc())
        .limit(MOST_LATELY)
    )
    return _fetch(db, query)


def _all_of(facility: str, *conditions: ColumnElement[bool]) -> Select[Incident]:
    return select(Incident).where(Incident.facility_id == facility, *conditions)


def _fetch(db: Session, query: Select[Incident]) -> tuple[LiveIncident, ...]:
    rows = db.scalars(query).all()
    ids = [row.id for row in rows]
    if not ids:
        return ()
    calls = _calls(db, ids)
    people = _people(db, rows)
    troubles = _troubles(db, ids)
    last = _last_lines(db, rows)
    return tuple(
        replace(
            _bare(row),
            rings=calls[row.id][0],
            caller_on_line=calls[row.id][1],
            people=tuple(people[row.id]),
            troubles=tuple(troubles[row.id]),
            last=last.get(row.id),
        )
        for row in rows
    )


def _bare(row: Incident) -> LiveIncident:
    return LiveIncident(
        id=row.id,
        number=row.number,
        short_number=row.short_number,
        status=row.status,
        priority=row.priority,
        category=row.category,
        channel=row.channel,
        outcome=row.outcome,
        is_drill=row.is_drill,
        caller_number=row.caller_number,
        location_text=row.location_text,
        location_place=row.location_place,
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        on_scene_at=row.on_scene_at,
        closed_at=row.closed_at,
        help_wanted=row.help_wanted,
        empty_tiers=_empty_tiers(row),
    )


def _empty_tiers(row: Incident) -> tuple[str, ...]:
    """By the policy and the duty list that the incident opened with."""
    alerting = cast("dict[str, Any]", row.policy.get("alerting", {}))
    reached = cast("int", row.ladder.get("tier_index", -1)) + 1
    manned = {cast("dict[str, object]", person)["tier"] for person in row.duty}
    names = [str(tier["name"]) for tier in alerting.get("tier", ())[:reached]]
    return tuple(name for name in names if name not in manned)


def _calls(db: Session, ids: Iterable[str]) -> Mapping[str, tuple[int, bool]]:
    found: dict[str, tuple[int, bool]] = defaultdict(lambda: (0, False))
    for incident_id, rings, ended in db.execute(
        select(Call.incident_id, func.count(), func.count(Call.ended_at))
        .where(Call.incident_id.in_(ids))
        .group_by(Call.incident_id)
    ):
        found[str(incident_id)] = (rings, ended < rings)
    return found


def _people(db: Session, incidents: Sequence[Incident]) -> Mapping[str, list[Person]]:
    batch_ends = {row.id: _ladder(row) for row in incidents}
    found: dict[str, list[Person]] = defaultdict(list)
    rows = db.execute(
        select(Assignment, Staff.name)
        .join(Staff, Staff.id == Assignment.staff_id)
        .where(Assignment.incident_id.in_(batch_ends))
        .order_by(Assignment.asked_at, Assignment.staff_code)
    )
    for row, name in rows:
        batch, ends_at = batch_ends[row.incident_id]
        found[row.incident_id].append(
            Person(
                code=row.staff_code,
                name=name,
                tier=row.tier,
                role=row.role,
                status=row.status,
                is_primary=row.is_primary,
                asked_count=row.asked_count,
                minutes=row.minutes,
                asked_at=row.asked_at,
                accepted_at=row.accepted_at,
                rings_until=ends_at if row.staff_code in batch else None,
            )
        )
    for people in found.values():
        people.sort(key=lambda p: (not p.is_primary, not p.is_engaged, not p.is_being_asked))
    return found


def _ladder(row: Incident) -> tuple[frozenset[str], datetime | None]:
    """The people asked last, and until when their answer is waited for."""
    batch = cast(list[str], row.ladder.get("batch") or [])
    ends_at = cast(str | None, row.ladder.get("ends_at"))
    return frozenset(batch), None if ends_at is None else datetime.fromisoformat(ends_at)


def _troubles(db: Session, ids: Iterable[str]) -> Mapping[str, list[Trouble]]:
    """Failures that no later delivery of the same channel to the same person has made good."""
    same: list[Any] = [Delivery.incident_id, Delivery.staff_id, Delivery.to_number, Delivery.channel]
    newest = (
        select(*same, func.max(Delivery.created_at).label("created_at"))
        .where(Delivery.incident_id.in_(ids), _NOT_CALLED_OFF)
        .group_by(*same)
        .subquery()
    )
    rows = db.execute(
        select(Delivery, Staff.name, Staff.code)
        .join(
            newest,
            and_(
                Delivery.incident_id == newest.c.incident_id,
                Delivery.to_number == newest.c.to_number,
                Delivery.channel == newest.c.channel,
                Delivery.created_at == newest.c.created_at,
            ),
        )
        .outerjoin(Staff, Staff.id == Delivery.staff_id)
        .where(Delivery.incident_id.in_(ids), _TROUBLE, _NOT_CALLED_OFF)
        .order_by(Delivery.created_at)
    )
    found: dict[str, list[Trouble]] = defaultdict(list)
    for row, name, code in rows:
        found[str(row.incident_id)].append(
            Trouble(
                person=named(name, code),
                purpose=row.purpose,
                channel=row.channel,
                state=row.state,
                error_code=row.error_code,
                at=row.finished_at or row.sent_at or row.created_at,
                retry_at=row.next_attempt_at if row.state in UNSENT else None,
            )
        )
    return found


def last_lines(incident_ids: Sequence[str]) -> Select[Event]:
    """The last line of each incident, by its primary key: SQLite would scan all lines for a list of pairs."""
    return (
        select(Event)
        .join(Incident, and_(Event.incident_id == Incident.id, Event.sequence == Incident.event_count))
        .where(Incident.id.in_(incident_ids))
    )


def _last_lines(db: Session, incidents: Sequence[Incident]) -> Mapping[str, LastLine]:
    rows = db.scalars(last_lines([row.id for row in incidents]))
    return {
        row.incident_id: LastLine(kind=row.kind, facts=row.data, at=row.occurred_at, source=row.source)
        for row in rows
    }
