"""``/roster``: who is on duty now and in the coming days, tier by tier, and the hours in which nobody is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from dashboards import trail
from dashboards.page_route import PageRoute
from dashboards.queries.staff import StaffMember, breaks_at, shifts_between, staff_by_code
from dashboards.visits import Visit, require
from dispatch.domain import roster

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One person's stretch of duty."""

    staff: StaffMember
    starts_at: datetime
    ends_at: datetime
    on_break: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TierHours:
    """One tier in one stretch of time: who is there, and when nobody is."""

    tier: str
    people: tuple[Duty, ...]
    gaps: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterDay:
    """One day of the facility's calendar."""

    begins_at: datetime
    ends_at: datetime
    next_ends_at: datetime
    is_today: bool
    tiers: tuple[TierHours, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterPage:
    """The roster from now on."""

    on_duty: tuple[TierHours, ...]
    days: tuple[RosterDay, ...]

    @property
    def nobody(self) -> bool:
        """Whether no tier has anybody now: then every active worker would be rung."""
        return not any(hours.people for hours in self.on_duty)


@router.get("/roster")
def show_roster(visit: Annotated[Visit, Depends(require())]) -> Response:
    """The roster, from the same function that decides who is rung (DESIGN 4)."""
    facility = visit.ctx.facility
    today = visit.now.astimezone(facility.zone).date()
    midnights = [
        datetime.combine(today + timedelta(days=number), time(), tzinfo=facility.zone).astimezone(UTC)
        for number in range(DAYS + 1)
    ]
    with visit.ctx.uow.read() as db:
        shifts = shifts_between(db, facility.code, midnights[0], midnights[-1])
        resting = roster.on_break(breaks_at(db, facility.code, visit.now), visit.now)
        staff = staff_by_code(db, facility.code)
    tiers = [*visit.ctx.tiers, *sorted({shift.tier for shift in shifts} - set(visit.ctx.tiers))]
    now_covering = roster.on_duty(shifts, visit.now)
    page = RosterPage(
        on_duty=tuple(
            TierHours(
                tier=tier,
                people=_duties(now_covering, tier, staff, resting),
                gaps=(),
            )
            for tier in tiers
        ),
        days=tuple(
            _day(shifts, tiers, staff, begins_at, ends_at, is_today=begins_at == midnights[0])
            for begins_at, ends_at in pairwise(midnights)
        ),
    )
    if visit.sees_numbers:
        visit.reads(trail.STAFF_READ, "roster")
    return visit.html("roster.html", page)


def _day(
    shifts: tuple[roster.Shift, ...],
    tiers: list[str],
    staff: Mapping[str, StaffMember],
    begins_at: datetime,
    ends_at: datetime,
    *,
    is_today: bool,
) -> RosterDay:
    touching = roster.merged(s for s in shifts if s.starts_at < ends_at and s.ends_at > begins_at)
    return RosterDay(
        begins_at=begins_at,
        ends_at=ends_at,
        next_ends_at=ends_at + (ends_at - begins_at),
        is_today=is_today,
        tiers=tuple(
            TierHours(
                tier=tier,
                people=_duties(touching, tier, staff, frozenset()),
                gaps=roster.gaps(shifts, tier, begins_at, ends_at),
            )
            for tier in tiers
        ),
    )


def _duties(
    shifts: tuple[roster.Shift, ...],
    tier: str,
    staff: Mapping[str, StaffMember],
    resting: frozenset[str],
) -> tuple[Duty, ...]:
    return tuple(
        Duty(
            staff=staff[shift.staff_code],
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            on_break=shift.staff_code in resting,
        )
        for shift in shifts
        if shift.tier == tier
    )
