"""Who is on duty, as far as the database knows; the deciding itself is ``dispatch.domain.roster``.

The same function feeds alerting, pages and reports, so that the roster shown is the roster rung.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, literal, select
from sqlalchemy.orm import Session

from dispatch.domain.decisions import Condition, Crew
from dispatch.domain.incidents import DutyPerson
from dispatch.domain.roster import Shift, on_duty
from dispatch.domain.vocabulary import Role
from dispatch.service.duty_lists import READ_AGAIN_AFTER, KnownDuty
from dispatch.service.services import Services
from models import facility as rows
from models.base import table_of
from models.incident import IS_ENGAGED, Assignment
from models.statements import Prepared, among

LOAD_WINDOW = timedelta(hours=12)
"""How far back alerts count as load; the longest shift of the sample roster is twelve hours."""

COUNTED = 48
"""Alerts counted as load at most: one in each quarter of an hour of those twelve; counting on takes time."""

KNOWN_AHEAD = timedelta(days=7)
"""How far the shifts are kept for when the database does not answer; no outage may outlast that."""

BASE_DECIMALS = 2
"""Decimals of a degree kept of where somebody is based: about 1 km, the village and not the house."""


_STAFF, _SHIFT, _BREAK = table_of(rows.Staff), table_of(rows.Shift), table_of(rows.StaffBreak)
_ROSTER_MARK = table_of(rows.RosterMark)
_ASSIGNMENT = table_of(Assignment)

_ACTIVE_STAFF = (
    select(_STAFF.c.id, _STAFF.c.code, _STAFF.c.role, _STAFF.c.skills, _STAFF.c.lat, _STAFF.c.lon)
    .where(_STAFF.c.facility_id == bindparam("facility_id"), _STAFF.c.is_active.is_(True))
    .order_by(_STAFF.c.code)
)
_ON_DUTY = (
    _ACTIVE_STAFF.add_columns(_SHIFT.c.tier, _SHIFT.c.starts_at, _SHIFT.c.ends_at)
    .join(_SHIFT, _SHIFT.c.staff_id == _STAFF.c.id)
    .where(
        _SHIFT.c.facility_id == bindparam("facility_id"),
        _SHIFT.c.ends_at > bindparam("at"),
        _SHIFT.c.starts_at <= bindparam("at"),
    )
)
_NEXT_START = select(func.min(_SHIFT.c.starts_at)).where(
    _SHIFT.c.facility_id == bindparam("facility_id"),
    _SHIFT.c.ends_at > bindparam("at"),
    _SHIFT.c.starts_at > bindparam("at"),
)
_AHEAD = (
    select(_STAFF.c.phone, _STAFF.c.name, _SHIFT.c.tier, _SHIFT.c.starts_at, _SHIFT.c.ends_at)
    .join(_SHIFT, _SHIFT.c.staff_id == _STAFF.c.id)
    .where(
        _SHIFT.c.facility_id == bindparam("facility_id"),
        _SHIFT.c.ends_at > bindparam("at"),
        _SHIFT.c.starts_at < bindparam("until"),
        _STAFF.c.is_active.is_(True),
    )
    .order_by(_SHIFT.c.starts_at, _STAFF.c.code)
)
_MARK = Prepared(select(_ROSTER_MARK.c.mark).where(_ROSTER_MARK.c.facility_id == bindparam("facility_id")))
_ASKED = (
    select(literal(1))
    .where(_ASSIGNMENT.c.staff_id == _STAFF.c.id, _ASSIGNMENT.c.asked_at >= bindparam("since"))
    .correlate(_STAFF)
    .limit(COUNTED)
    .subquery()
)
_CONDITIONS = select(
    _STAFF.c.id,
    _STAFF.c.phone,
    exists().where(_ASSIGNMENT.c.staff_id == _STAFF.c.id, IS_ENGAGED).label("engaged"),
    exists()
    .where(
        _BREAK.c.facility_id == _STAFF.c.facility_id,
        _BREAK.c.until_at.is_(None),
        _BREAK.c.staff_id == _STAFF.c.id,
    )
    .label("on_break"),
    select(func.count()).select_from(_ASKED).correlate(_STAFF).scalar_subquery().label("asked"),
)
_PHONES = Prepared(among(select(_STAFF.c.id, _STAFF.c.phone), _STAFF.c.id, "staff_ids"))
_CREW_NOW = Prepared(among(_CONDITIONS, _STAFF.c.id, "staff_ids"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RosteredPhone:
    """Whom to ring from ``from_at`` until just before ``until_at``, as the roster has it."""

    phone: str
    name: str
    tier: str
    from_at: datetime
    until_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether the shift goes on at *at*."""
        return self.from_at <= at < self.until_at


def duty_list(session: Session, services: Services, at: datetime) -> tuple[DutyPerson, ...]:
    """Everybody on duty at *at*; when nobody is, all active staff under the policy's last tier.

    An empty roster must not leave a caller alone: then everybody is asked, and the log says so by the
    ``alert.nobody_on_duty`` lines of the tiers before.
    """
    connection = session.connection()
    mark = _MARK.run(connection, {"facility_id": services.facility_id}).scalar()
    people = services.duty_lists.get(mark, at)
    if people is None:
        people, until_at = _read_duty(connection, services, at)
        if mark is not None:
            until_at = min(until_at, at + READ_AGAIN_AFTER)
            services.duty_lists.put(KnownDuty(mark, at, until_at, people))
    return people


def _read_duty(
    connection: Connection, services: Services, at: datetime
) -> tuple[tuple[DutyPerson, ...], datetime]:
    """Who is on duty at *at*, and when the next shift begins or ends."""
    key = {"facility_id": services.facility_id}
    people = {}
    shifts = []
    for row in connection.execute(_ON_DUTY, {**key, "at": at}):
        people[row.code] = row
        shifts.append(Shift(staff_code=row.code, tier=row.tier, starts_at=row.starts_at, ends_at=row.ends_at))
    next_start = connection.execute(_NEXT_START, {**key, "at": at}).scalar()
    changes = [shift.ends_at for shift in shifts] + ([] if next_start is None else [next_start])
    until_at = min(changes, default=at + READ_AGAIN_AFTER)
    standing = on_duty(shifts, at)
    chosen: dict[str, DutyPerson] = {}
    for tier in services.policy.alerting.tiers:
        for shift in standing:
            if shift.tier == tier.name and shift.staff_code not in chosen:
                chosen[shift.staff_code] = duty_person(people[shift.staff_code], tier.name)
    if not chosen:
        last = services.policy.alerting.tiers[-1].name
        everybody = connection.execute(_ACTIVE_STAFF, key)
        chosen = {row.code: duty_person(row, last) for row in everybody}
    return tuple(chosen.values()), until_at


def duty_person(row: "rows.Staff | Row[*tuple[Any, ...]]", tier: str) -> DutyPerson:
    """A staff row as the ladder needs it.

    Where somebody is based is rounded here, because the list is frozen into the incident's first event: an
    exact position is personal and must not stand in an event's ``data``, which can never be erased. Rounded
    before anybody ranks by it, the decision, the incident's row and the replayed log stay the same; a
    kilometre is enough to tell who has the shorter way.
    """
    return DutyPerson(
        staff_id=row.id,
        staff_code=row.code,
        role=Role(row.role),
        tier=tier,
        skills=tuple(str(skill) for skill in row.skills),
        lat=_village(row.lat),
        lon=_village(row.lon),
    )


def _village(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, BASE_DECIMALS)


def crew_of(session: Session, services: Services, duty: Iterable[DutyPerson], at: datetime) -> Crew:
    """How things stand right now with the people of *duty*; asked only when a decision looks at it."""
    return _CrewNow(session, services, {person.staff_id: person.staff_code for person in duty}, at)


def phones_of(session: Session, staff_ids: Collection[str]) -> Mapping[str, str]:
    """The numbers of these and perhaps of others, by their identifier."""
    known = _phones_read(session)
    missing = sorted(set(staff_ids) - known.keys())
    if missing:
        found = _PHONES.run(session.connection(), {"staff_ids": missing})
        known.update((row.id, row.phone) for row in found)
    return known


def _phones_read(session: Session) -> dict[str, str]:
    """What came with the conditions: who is looked at is often rung next."""
    phones: dict[str, str] = session.info.setdefault("phones_read", {})
    return phones


class _CrewNow(Mapping[str, Condition]):
    """Most commands wake nobody and so never look at the crew: it is read at the first look."""

    def __init__(self, session: Session, services: Services, codes: Mapping[str, str], at: datetime) -> None:
        self._session = session
        self._services = services
        self._codes = codes
        self._at = at
        self._conditions: Mapping[str, Condition] | None = None

    def __getitem__(self, staff_code: str) -> Condition:
        return self._read()[staff_code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> Mapping[str, Condition]:
        if self._conditions is None:
            self._conditions = self._conditions_now() if self._codes else {}
        return self._conditions

    def _conditions_now(self) -> dict[str, Condition]:
        question = {"staff_ids": list(self._codes), "since": self._at - LOAD_WINDOW}
        found = _CREW_NOW.run(self._session.connection(), question)
        _phones_read(self._session).update((row.id, row.phone) for row in found)
        return {
            self._codes[row.id]: Condition(
                engaged_elsewhere=row.engaged,
                on_break=row.on_break,
                alerts_in_shift=row.asked,
            )
            for row in found
        }


def duty_phones(session: Session, services: Services, at: datetime) -> Sequence[str]:
    """The phones of the people on duty, in the order of the tiers, for the static fallback."""
    duty = duty_list(session, services, at)
    phones = {row.id: row.phone for row in _active_staff(session, services)}
    return [phones[person.staff_id] for person in duty]


def shifts_ahead(session: Session, services: Services, at: datetime) -> Sequence[RosteredPhone]:
    """Whose shift goes on at *at* or begins in the week after, tier by tier, the earliest first."""
    question = {"facility_id": services.facility_id, "at": at, "until": at + KNOWN_AHEAD}
    found = [
        RosteredPhone(
            phone=row.phone, name=row.name, tier=row.tier, from_at=row.starts_at, until_at=row.ends_at
        )
        for row in session.connection().execute(_AHEAD, question)
    ]
    # What stands in a tier that the policy does not know is no duty, here as in the list itself.
    return [shift for tier in services.policy.alerting.tiers for shift in found if shift.tier == tier.name]


def start_break(session: Session, services: Services, staff_id: str, at: datetime) -> None:
    """ISTIRAHAT: this worker is not alerted until HADIR; a second one changes nothing."""
    if _open_break(session, staff_id) is None:
        session.add(
            rows.StaffBreak(
                id=services.ids.new_id(),
                facility_id=services.facility_id,
                staff_id=staff_id,
                from_at=at,
                until_at=None,
            )
        )


def end_break(session: Session, staff_id: str, at: datetime) -> None:
    """HADIR: this worker may be alerted again."""
    current = _open_break(session, staff_id)
    if current is not None:
        current.until_at = at


def _open_break(session: Session, staff_id: str) -> rows.StaffBreak | None:
    return session.scalar(
        select(rows.StaffBreak).where(
            rows.StaffBreak.staff_id == staff_id, rows.StaffBreak.until_at.is_(None)
        )
    )


def _active_staff(session: Session, services: Services) -> Sequence[rows.Staff]:
    return session.scalars(
        select(rows.Staff)
        .where(rows.Staff.facility_id == services.facility_id, rows.Staff.is_active.is_(True))
        .order_by(rows.Staff.code)
    ).all()
