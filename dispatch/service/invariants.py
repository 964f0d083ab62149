"""What must hold at every instant (DESIGN 4), as questions to the database that stay cheap as it grows.

Each check is one statement, or a few, that walks an index whose size does not follow the number of
incidents; it finds what is wrong, in terms a person can act on. Decides nothing about who is told:
``watchdog`` does. Changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.phones import normalise
from dispatch.domain.vocabulary import ENGAGED, DeliveryState, Role
from dispatch.service import verifying
from dispatch.service.callers_alone import (
    CALL_LASTS,
    CALLER_LEFT_ALONE,
    CALLER_NOT_REACHED,
    left_alone,
    not_reached,
)
from dispatch.service.checks import DAY, HOUR, MOST, OPEN_INCIDENTS, Check, Finding
from dispatch.service.services import Services
from models.facility import Facility, Staff
from models.incident import IS_ORPHAN, IS_UNENDED, Assignment, Call, Incident
from models.record import Event, Seal
from models.traffic import IS_UNSENT, Deadline, Delivery, Inbox, Pulse

BACKUP = "backup"
"""The name of the sign of life that a backup leaves."""

RECONCILE_PULSES = "reconcile:"
"""How the signs that the readers of the providers' logs leave begin; a provider's name follows."""

FAILING_SINCE = "failing_since"
STUCK_SINCE = "stuck_since"
BEGUN_AT = "begun_at"

CALL_WITHOUT_INCIDENT = "call_without_incident"
CALL_WITHOUT_ENDING = "call_without_ending"
KEPT_WITHOUT_CALL = "kept_without_call"
NOBODY_WILL_LOOK = "nobody_will_look"
NOT_ONE_PRIMARY = "not_one_primary"
ALERT_NOT_LEFT = "alert_not_left"
DEADLINE_OVERDUE = "deadline_overdue"
DELIVERY_STUCK = "delivery_stuck"
RECORD_NOT_INTACT = "record_not_intact"
ENGINE_SILENT = "engine_silent"
CLOCK_WRONG = "clock_wrong"
BACKUP_MISSING = "backup_missing"
LOG_UNREAD = "log_unread"
SEAL_MISSING = "seal_missing"

REPLAYED = 5
"""Incidents whose record is replayed in one round, the newest first: each costs 9 ms."""

ENGINE_SILENT_AFTER = timedelta(seconds=20)
ALERT_LEAVES_WITHIN = timedelta(seconds=60)
DEADLINE_SLACK = timedelta(seconds=30)
DELIVERY_SLACK = timedelta(seconds=60)
DELIVERY_LASTS = timedelta(minutes=5)
KEPT_LATELY = timedelta(minutes=10)
CHANGED_LATELY = timedelta(minutes=2)
CLOCK_SLACK = timedelta(minutes=1)
LOG_UNREAD_AFTER = timedelta(minutes=10)
BACKUP_LASTS = timedelta(hours=26)
SEALED_WITHIN = timedelta(hours=26)
"""After the end of a day; one that was missed is made up for at the next start."""


def _orphans(session: Session, services: Services, _now: datetime) -> Iterator[Finding]:
    """Every ring has an incident."""
    query = (
        select(Call.id, Call.provider_sid, Call.received_at)
        .where(Call.facility_id == services.facility_id, IS_ORPHAN)
        .order_by(Call.received_at)
        .limit(MOST)
    )
    for call_id, sid, received_at in session.execute(query):
        detail = f"the call {sid} belongs to no incident: nobody was alerted for it"
        yield Finding(check=CALL_WITHOUT_INCIDENT, subject=call_id, detail=detail, since_at=received_at)


def _unended(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """Every ring has its ending; after a day nobody can find it any more."""
    query = (
        select(Call.id, Call.received_at, Incident.number, Incident.short_number)
        .join(Incident, Incident.id == Call.incident_id)
        .where(
            Call.facility_id == services.facility_id,
            IS_UNENDED,
            Call.received_at < now - CALL_LASTS,
            Call.received_at > now - DAY,
        )
        .limit(MOST)
    )
    for call_id, received_at, number, short_number in session.execute(query):
        yield Finding(
            check=CALL_WITHOUT_ENDING,
            subject=call_id,
            detail=f"a call of {number} has no ending: the provider never said that it is over",
            since_at=received_at,
            number=number,
            short_number=short_number,
        )


def _kept_without_call(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """What was kept and answered 200 is in the log of calls; a worker's text is a command and no call."""
    sid = func.substr(Inbox.provider_key, func.length(Inbox.kind) + 2)
    has_call = exists().where(Call.facility_id == services.facility_id, Call.provider_sid == sid)
    query = select(Inbox.provider_key, Inbox.kind, Inbox.received_at, Inbox.body).where(
        Inbox.facility_id == services.facility_id,
        Inbox.received_at > now - KEPT_LATELY,
        Inbox.kind.in_(("voice", "sms")),
        ~has_call,
    )
    staff = set(session.scalars(select(Staff.phone).where(Staff.facility_id == services.facility_id)))
    for key, kind, received_at, body in session.execute(query):
        if kind == "sms" and normalise(str(body.get("From", ""))) in staff:
            continue
        what = "a call" if kind == "voice" else "a text"
        detail = f"{what} was kept and answered, and is in no log of calls ({key})"
        yield Finding(check=KEPT_WITHOUT_CALL, subject=key, detail=detail, since_at=received_at)


def _forgotten(session: Session, services: Services, _now: datetime) -> Iterator[Finding]:
    """No incident without an owner or a next deadline."""
    owned = exists().where(
        Assignment.incident_id == Incident.id,
        Assignment.is_primary.is_(True),
        Assignment.status.in_(ENGAGED),
    )
    awaited = exists().where(Deadline.incident_id == Incident.id)
    query = (
        select(Incident.id, Incident.number, Incident.short_number, Incident.received_at)
        .where(Incident.facility_id == services.facility_id, *OPEN_INCIDENTS, ~owned, ~awaited)
        .order_by(Incident.short_number)
        .limit(MOST)
    )
    for incident_id, number, short_number, received_at in session.execute(query):
        yield Finding(
            check=NOBODY_WILL_LOOK,
            subject=incident_id,
            detail=f"{number} is open, nobody owns it, and no deadline will wake anybody",
            since_at=received_at,
            number=number,
            short_number=short_number,
        )


def _primaries(session: Session, services: Services, _now: datetime) -> Iterator[Finding]:
    """Exactly one of those who accepted is primary; call takers talk and never are."""
    query = (
        select(
            Incident.id,
            Incident.number,
            Incident.short_number,
            Incident.received_at,
            Assignment.is_primary,
            Assignment.role,
        )
        .join(Assignment, Assignment.incident_id == Incident.id)
        .where(Incident.facility_id == services.facility_id, *OPEN_INCIDENTS, Assignment.status.in_(ENGAGED))
        .order_by(Incident.short_number)
    )
    for incident_id, parts in groupby(session.execute(query).all(), key=lambda row: row.id):
        engaged = list(parts)
        owners = sum(part.is_primary for part in engaged)
        if owners == 1 or (owners == 0 and all(part.role == Role.CALL_TAKER for part in engaged)):
            continue
        yield Finding(
            check=NOT_ONE_PRIMARY,
            subject=incident_id,
            detail=f"{engaged[0].number} has {owners} owners among those who accepted, and must have one",
            since_at=engaged[0].received_at,
            number=engaged[0].number,
            short_number=engaged[0].short_number,
        )


def _unalerted(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """The first alert leaves at once, unless policy or call-back hold it; whoever accepts was alerted."""
    waits = exists().where(
        Deadline.incident_id == Incident.id, Deadline.kind == "begin", Deadline.due_at > now
    )
    patience = ALERT_LEAVES_WITHIN + timedelta(seconds=services.policy.caller.alert_after_s)
    query = (
        select(Incident.id, Incident.number, Incident.short_number, Incident.received_at)
        .where(
            Incident.facility_id == services.facility_id,
            *OPEN_INCIDENTS,
            Incident.alerted_at.is_(None),
            ~waits,
        )
        .order_by(Incident.short_number)
    )
    for incident_id, number, short_number, received_at in session.execute(query):
        if received_at >= now - patience:
            continue
        yield Finding(
            check=ALERT_NOT_LEFT,
            subject=incident_id,
            detail=f"{number}: no alert has left the house, and nobody has accepted",
            since_at=received_at,
            number=number,
            short_number=short_number,
        )


def _deadlines(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """Deadlines fire when they are due."""
    query = (
        select(Deadline.kind, Deadline.due_at, Incident.id, Incident.number, Incident.short_number)
        .join(Incident, Incident.id == Deadline.incident_id)
        .where(Deadline.facility_id == services.facility_id, Deadline.due_at < now - DEADLINE_SLACK)
        .order_by(Deadline.due_at)
        .limit(MOST)
    )
    for kind, due_at, incident_id, number, short_number in session.execute(query):
        yield Finding(
            check=DEADLINE_OVERDUE,
            subject=f"{incident_id} {kind}",
            detail=f"{number}: the deadline {kind!r} is overdue: the next person is not asked",
            since_at=due_at,
            number=number,
            short_number=short_number,
        )


def _deliveries(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """What is to leave does: nothing is overdue, no lease ran out long ago, nothing is tried in vain."""
    query = (
        select(
            Delivery.id,
            Delivery.purpose,
            Delivery.state,
            Delivery.attempts,
            Delivery.error_code,
            Delivery.created_at,
            Incident.number,
            Incident.short_number,
        )
        .outerjoin(Incident, Incident.id == Delivery.incident_id)
        .where(
            Delivery.facility_id == services.facility_id,
            IS_UNSENT,
            # Our own warning that cannot leave must not call for another one; nobody waits for a question.
            Delivery.purpose.not_in((Purpose.WATCHDOG, Purpose.SURVEY)),
            # True of all of them; it lets both databases walk the small index of what is unsent.
            Delivery.next_attempt_at < now + HOUR,
            or_(
                Delivery.next_attempt_at < now - DELIVERY_SLACK,
                and_(Delivery.created_at < now - DELIVERY_LASTS, Delivery.attempts > 0),
            ),
        )
        .order_by(Delivery.next_attempt_at)
        .limit(MOST)
    )
    for delivery_id, purpose, state, attempts, code, created_at, number, short_number in session.execute(
        query
    ):
        whose = number or ("a witness" if purpose == Purpose.SEAL else "a warning to the supervisors")
        known = DeliveryState(state)
        detail = f"{whose}: {purpose} is {known} after {attempts} tries" + (f" ({code})" if code else "")
        yield Finding(
            check=DELIVERY_STUCK,
            subject=delivery_id,
            detail=detail,
            since_at=created_at,
            number=number,
            short_number=short_number,
        )


def _record(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """``replay(events) == row`` and an unbroken chain, for what was written a moment ago."""
    lately = (
        select(Event.incident_id, func.max(Event.recorded_at).label("at"))
        .where(Event.facility_id == services.facility_id, Event.recorded_at > now - CHANGED_LATELY)
        .group_by(Event.incident_id)
        .order_by(func.max(Event.recorded_at).desc())
        .limit(REPLAYED)
    )
    for incident_id, at in session.execute(lately).all():
        found = next(verifying.verify_one(session, incident_id), None)
        if found is not None:
            what = f"{found.field}: {found.problem}" if found.field else found.problem
            yield Finding(
                check=RECORD_NOT_INTACT,
                subject=incident_id,
                detail=f"{found.incident} event {found.sequence}: {what}: {found.detail}",
                since_at=at,
                number=found.incident,
            )


def _engine(session: Session, _services: Services, now: datetime) -> Iterator[Finding]:
    """An engine gives signs of life; one that was never started is no failure but a way of running."""
    last_at = session.scalar(select(func.max(Pulse.at)).where(Pulse.name.like("engine%")))
    if last_at is not None and now - last_at > ENGINE_SILENT_AFTER:
        detail = "the engine is silent: nobody is being alerted"
        yield Finding(check=ENGINE_SILENT, subject="engine", detail=detail, since_at=last_at)


def _clock(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """No line was recorded later than now."""
    latest_at = session.scalar(
        select(Event.recorded_at)
        .where(Event.facility_id == services.facility_id)
        .order_by(Event.recorded_at.desc())
        .limit(1)
    )
    if latest_at is not None and latest_at > now + CLOCK_SLACK:
        detail = f"the clock is behind the record, whose last line is of {latest_at:%Y-%m-%d %H:%M:%S} UTC"
        yield Finding(check=CLOCK_WRONG, subject="clock", detail=detail, since_at=now)


def _unread_log(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """What never reached us is learned from the provider's log, all of it."""
    names = [f"{RECONCILE_PULSES}{provider}" for provider in services.providers]
    for row in session.scalars(select(Pulse).where(Pulse.name.in_(names))):
        known = [row.details[key] for key in (FAILING_SINCE, STUCK_SINCE, BEGUN_AT) if key in row.details]
        since_at = min((datetime.fromisoformat(str(at)) for at in known), default=now)
        if now - since_at > LOG_UNREAD_AFTER:
            detail = (
                f"the log {row.name} is not read to its end, or an entry in it: a missed call stays unknown"
            )
            yield Finding(check=LOG_UNREAD, subject=row.name, detail=detail, since_at=since_at)


def _backup(session: Session, _services: Services, now: datetime) -> Iterator[Finding]:
    """Where backups are made by themselves, the last good one is of today and the last try did not fail."""
    row = session.get(Pulse, BACKUP)
    if row is None or not row.details.get("is_wanted"):
        return
    failed = row.details.get("failed")
    if failed or now - row.at > BACKUP_LASTS:
        detail = str(failed) if failed else "there is no new backup"
        yield Finding(check=BACKUP_MISSING, subject=BACKUP, detail=detail, since_at=row.at)


def _seals(session: Session, services: Services, now: datetime) -> Iterator[Finding]:
    """Each day is sealed soon after its end; the log says why one is not."""
    facility = services.facility_id
    last_at = session.scalar(select(func.max(Seal.covers_until)).where(Seal.facility_id == facility))
    # Before the first seal: a day that began with the facility, or in it.
    since_at = last_at or session.scalar(select(Facility.created_at).where(Facility.id == facility))
    if since_at is not None and now - since_at > DAY + SEALED_WITHIN:
        detail = "a day that has ended is not sealed: siaga seal says why"
        yield Finding(check=SEAL_MISSING, subject="seal", detail=detail, since_at=since_at + DAY)


CHECKS = (
    Check(name=ENGINE_SILENT, find=_engine),
    Check(name=ALERT_NOT_LEFT, find=_unalerted),
    Check(name=NOBODY_WILL_LOOK, find=_forgotten),
    Check(name=CALLER_LEFT_ALONE, find=left_alone),
    Check(name=CALLER_NOT_REACHED, find=not_reached, is_of_the_program=False),
    Check(name=DEADLINE_OVERDUE, find=_deadlines),
    Check(name=CALL_WITHOUT_INCIDENT, find=_orphans),
    Check(name=KEPT_WITHOUT_CALL, find=_kept_without_call),
    Check(name=DELIVERY_STUCK, find=_deliveries),
    Check(name=NOT_ONE_PRIMARY, find=_primaries),
    Check(name=LOG_UNREAD, find=_unread_log),
    Check(name=RECORD_NOT_INTACT, find=_record, again_after=DAY),
    Check(name=CLOCK_WRONG, find=_clock),
    Check(name=CALL_WITHOUT_ENDING, find=_unended, again_after=DAY),
    Check(name=BACKUP_MISSING, find=_backup, again_after=DAY),
    Check(name=SEAL_MISSING, find=_seals, again_after=DAY),
)
"""Every check, the most pressing first: the first finding is the one that a text names."""
