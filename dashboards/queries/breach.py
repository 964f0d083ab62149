"""What the log knows of a stretch of time in which personal data may have got into wrong hands.

Counts and acts; nothing personal of a resident is in it. What came from outside the program (a stolen disk, a
copied file) leaves no line and is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from dashboards import trail
from dashboards.api.shapes import SEES_NUMBERS
from dashboards.queries.holdings import Held, different_numbers, held
from models.access import ApiToken
from models.incident import Incident
from models.record import Audit, PrivateValue

FILES = ("incidents.exported", trail.EVIDENCE_MADE, "backup.made")

MOST_FILES = 200
"""Listed one by one; how many more there were is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How often an account, a program or a worker read one kind of thing, and how many of them."""

    actor: str
    action: str
    times: int
    things: int
    first_at: datetime
    last_at: datetime


@dataclass(slots=True, kw_only=True)
class LogIns:
    """Attempts to log in to one account, and from which machines."""

    actor: str
    succeeded: int = 0
    failed: int = 0
    addresses: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A file that left the program, or somebody who was let in; *role* is theirs."""

    at: datetime
    actor: str
    action: str
    subject: str
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything that the log knows of the stretch."""

    incidents: int
    """With personal values that stood there at some time of the stretch; as everything below."""
    incidents_new: int
    """Received within the stretch."""
    numbers: int
    """Different numbers but for the staff's; whose were erased since is not known any more."""
    values: Mapping[str, int]
    """Personal values by name."""
    held: Mapping[str, Held]
    """Rows of everything else, by the name of the table."""
    programs: int
    """Whose token opened whole numbers at some time of the stretch."""
    given: Sequence[Act]
    """Accounts and tokens that were made in it."""
    looks: Sequence[Looked]
    log_ins: Sequence[LogIns]
    files: Sequence[Act]
    files_left_out: int


def read_known(db: Session, facility: str, from_at: datetime, until_at: datetime) -> Known:
    """What is known of ``[from_at, until_at)``."""
    stood = or_(PrivateValue.value.is_not(None), PrivateValue.erased_at >= from_at)
    of_values = (
        select(PrivateValue.name, func.count())
        .join(Incident, Incident.id == PrivateValue.incident_id)
        .where(PrivateValue.facility_id == facility, stood, Incident.received_at < until_at)
    )
    before = (Incident.facility_id == facility, Incident.received_at < until_at)
    kept = or_(Incident.erased_at.is_(None), Incident.erased_at >= from_at)
    may_ask = (
        ApiToken.facility_id == facility,
        ApiToken.created_at < until_at,
        or_(ApiToken.revoked_at.is_(None), ApiToken.revoked_at >= from_at),
        ApiToken.role.in_([str(role) for role in SEES_NUMBERS]),
    )
    files = _acts(db, facility, from_at, until_at, FILES)
    return Known(
        incidents=_count(db, Incident.id, *before, kept),
        incidents_new=_count(db, Incident.id, *before, Incident.received_at >= from_at),
        numbers=different_numbers(db, facility, until_at),
        values={str(name): count for name, count in db.execute(of_values.group_by(PrivateValue.name))},
        held=held(db, facility, from_at, until_at),
        programs=_count(db, ApiToken.id, *may_ask),
        given=_acts(db, facility, from_at, until_at, trail.ACCESS_GIVEN),
        looks=_looks(db, facility, from_at, until_at),
        log_ins=_log_ins(db, facility, from_at, until_at),
        files=files[:MOST_FILES],
        files_left_out=max(0, len(files) - MOST_FILES),
    )


def _count(db: Session, column: Any, *where: ColumnElement[bool]) -> int:  # noqa: ANN401 - a column of any table
    return db.scalar(select(func.count(column)).where(*where)) or 0


def _within(facility: str, from_at: datetime, until_at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Audit.facility_id == facility, Audit.at >= from_at, Audit.at < until_at)


def _looks(db: Session, facility: str, from_at: datetime, until_at: datetime) -> Sequence[Looked]:
    query = (
        select(
            Audit.actor,
            Audit.action,
            func.count(),
            func.count(Audit.subject.distinct()),
            func.min(Audit.at),
            func.max(Audit.at),
        )
        .where(*_within(facility, from_at, until_at), Audit.action.in_(trail.LOOKS))
        .group_by(Audit.actor, Audit.action)
        .order_by(Audit.actor, Audit.action)
    )
    return [
        Looked(actor=actor, action=action, times=times, things=things, first_at=first_at, last_at=last_at)
        for actor, action, times, things, first_at, last_at in db.execute(query)
    ]


def _log_ins(db: Session, facility: str, from_at: datetime, until_at: datetime) -> Sequence[LogIns]:
    found: dict[str, LogIns] = {}
    query = select(Audit.actor, Audit.action, Audit.data).where(
        *_within(facility, from_at, until_at), Audit.action.in_(trail.LOG_INS)
    )
    for actor, action, data in db.execute(query, execution_options={"yield_per": 1000}):
        one = found.setdefault(actor, LogIns(actor=actor))
        one.succeeded += action == trail.LOGGED_IN
        one.failed += action == trail.LOGIN_FAILED
        one.addresses.add(str(data.get("address", "?")))
    return [found[actor] for actor in sorted(found)]


def _acts(
    db: Session, facility: str, from_at: datetime, until_at: datetime, actions: Sequence[str]
) -> Sequence[Act]:
    query = (
        select(Audit.at, Audit.actor, Audit.action, Audit.subject, Audit.data)
        .where(*_within(facility, from_at, until_at), Audit.action.in_(actions))
        .order_by(Audit.at, Audit.id)
    )
    return [
        Act(at=at, actor=actor, action=action, subject=subject, role=str(data.get("role", "")))
        for at, actor, action, subject, data in db.execute(query)
    ]
