"""Who is on duty, as far as the database knows; the deciding itself is ``dispatch.domain.roster``.

The same function feeds alerting, pages and reports, so that the roster shown is the roster rung.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.domain.decisions import Condition, Crew
from dispatch.domain.incidents import DutyPerson
from dispatch.domain.roster import Shift, on_duty
from dispatch.domain.vocabulary import ENGAGED, Role
from dispatch.service.services import Services
from models import facility as rows
from models.incident import Assignment

LOAD_WINDOW = timedelta(hours=12)
"""How far back alerts count as load; the longest shift of the sample roster is twelve hours."""

BASE_DECIMALS = 2
"""Decimals of a degree kept of where somebody is based: about 1 km, the village and not the house."""


def duty_list(session: Session, services: Services, at: datetime) -> tuple[DutyPerson, ...]:
    """Everybody on duty at *at*; when nobody is, all active staff under the policy's last tier.

    An empty roster must not leave a caller alone: then everybody is asked, and the log says so by the
    ``alert.nobody_on_duty`` lines of the tiers before.
    """
    people = {row.code: row for row in _active_staff(session, services)}
    shifts = on_duty(shifts_around(session, services, at), at)
    chosen: dict[str, DutyPerson] = {}
    for tier in services.policy.alerting.tiers:
        for shift in shifts:
            if shift.tier == tier.name and shift.staff_code in people and shift.staff_code not in chosen:
                chosen[shift.staff_code] = duty_person(people[shift.staff_code], tier.name)
    if not chosen:
        last = services.policy.alerting.tiers[-1].name
        return tuple(duty_person(row, last) for row in people.values())
    return tuple(chosen.values())


def duty_person(row: rows.Staff, tier: str) -> DutyPerson:
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


def shifts_around(session: Session, services: Services, at: datetime) -> list[Shift]:
    """The shifts that cover *at*."""
    found = session.execute(
        select(rows.Staff.code, rows.Shift.tier, rows.Shift.starts_at, rows.Shift.ends_at)
        .join(rows.Staff, rows.Staff.id == rows.Shift.staff_id)
        .where(
            rows.Shift.facility_id == services.facility_id,
            rows.Shift.ends_at > at,
            rows.Shift.starts_at <= at,
        )
        .order_by(rows.Shift.starts_at, rows.Staff.code)
    )
    return [
        Shift(staff_code=code, tier=tier, starts_at=starts_at, ends_at=ends_at)
        for code, tier, starts_at, ends_at in found
    ]


def crew_of(session: Session, services: Services, duty: Iterable[DutyPerson], at: datetime) -> Crew:
    """How things stand right now with the people of *duty*."""
    codes = {person.staff_id: person.staff_code for person in duty}
    if not codes:
        return {}
    engaged = set(
        session.scalars(
            select(Assignment.staff_id).where(Assignment.staff_id.in_(codes), Assignment.status.in_(ENGAGED))
        )
    )
    breaks = set(
        session.scalars(
            select(rows.StaffBreak.staff_id).where(
                rows.StaffBreak.facility_id == services.facility_id, rows.StaffBreak.until_at.is_(None)
            )
        )
    )
    counted = session.execute(
        select(Assignment.staff_id, func.count())
        .where(Assignment.staff_id.in_(codes), Assignment.asked_at >= at - LOAD_WINDOW)
        .group_by(Assignment.staff_id)
    )
    loads = dict(counted.all())
    return {
        code: Condition(
            engaged_elsewhere=staff_id in engaged,
            on_break=staff_id in breaks,
            alerts_in_shift=loads.get(staff_id, 0),
        )
        for staff_id, code in codes.items()
    }


def duty_phones(session: Session, services: Services, at: datetime) -> Sequence[str]:
    """The phones of the people on duty, in the order of the tiers, for the static fallback."""
    duty = duty_list(session, services, at)
    phones = {row.id: row.phone for row in _active_staff(session, services)}
    return [phones[person.staff_id] for person in duty]


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
