"""``/board``: the live incidents, and the fragment that keeps them live.

The fragment is asked for every two seconds with the tag of what is shown; while nothing has changed the
answer is an empty 304 (docs/adr/0007).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from dashboards import trail
from dashboards.page_route import PageRoute
from dashboards.queries import board as queries
from dashboards.queries import outages
from dashboards.queries.outages import Stretch
from dashboards.queries.staff import breaks_at, shifts_between, staff_by_code
from dashboards.visits import Visit, require
from dispatch.domain import roster
from dispatch.service.checks import Finding
from dispatch.service.provider_signs import SilentProvider, silent_providers
from dispatch.service.watchdog import last_report

OUTAGES_SHOWN = timedelta(hours=12)
"""How long an outage that is over stands on the board: a shift, for whoever comes on duty after it."""

OUTAGE_SHOWN_FROM_S = 60.0
"""A restart is no news; the report has every outage."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Visit, Depends(require())]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """Somebody who would be rung now."""

    code: str
    name: str
    tier: str
    until_at: datetime
    on_break: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage:
    """Everything on the board."""

    incidents: tuple[queries.LiveIncident, ...]
    lately: tuple[queries.LiveIncident, ...]
    duty: tuple[OnDuty, ...]
    names: Mapping[str, str]
    silent_since: datetime | None
    silent_providers: tuple[SilentProvider, ...]
    findings: tuple[Finding, ...]
    outages: tuple[Stretch, ...]
    tag: str


@router.get("/board")
def show_board(visit: Reader) -> Response:
    """The whole page."""
    with visit.ctx.uow.read() as db:
        page = _read(db, visit, _tag(db, visit))
    visit.reads(trail.BOARD_READ, "board", is_urgent=True)
    return visit.html("board.html", page, is_live=True)


@router.get("/board/live")
def refresh_board(visit: Reader) -> Response:
    """The fragment, or 304 while nothing has changed."""
    with visit.ctx.uow.read() as db:
        tag = _tag(db, visit)
        if visit.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-store"})
        page = _read(db, visit, tag)
    visit.reads(trail.BOARD_READ, "board", is_repeated=True, is_urgent=True)
    response = visit.html("_board_live.html", page)
    response.headers["ETag"] = tag
    return response


def _tag(db: Session, visit: Visit) -> str:
    seen = (
        queries.version(db, visit.ctx.facility.code),
        # What was closed leaves the foot of the board without any event.
        int(visit.now.timestamp() // 60),
        _duty(db, visit),
        queries.engine_silent_since(db, visit.now) is not None,
        [(silent.name, silent.since) for silent in silent_providers(db, visit.now)],
        last_report(db).findings,
        _outages(db, visit),
        visit.language,
        visit.sees_numbers,
        visit.site.renderer.assets.build,
    )
    return f'"{hashlib.sha256(repr(seen).encode()).hexdigest()[:20]}"'


def _read(db: Session, visit: Visit, tag: str) -> BoardPage:
    facility = visit.ctx.facility.code
    return BoardPage(
        incidents=queries.live_incidents(db, facility),
        lately=queries.lately_closed(db, facility, visit.now),
        duty=_duty(db, visit),
        names={code: member.name for code, member in staff_by_code(db, facility).items()},
        silent_since=queries.engine_silent_since(db, visit.now),
        silent_providers=tuple(silent_providers(db, visit.now)),
        findings=last_report(db).findings,
        outages=_outages(db, visit),
        tag=tag,
    )


def _outages(db: Session, visit: Visit) -> tuple[Stretch, ...]:
    found = outages.between(db, visit.ctx.facility.code, visit.now - OUTAGES_SHOWN, visit.now)
    return tuple(stretch for stretch in found if stretch.seconds >= OUTAGE_SHOWN_FROM_S)


def _duty(db: Session, visit: Visit) -> tuple[OnDuty, ...]:
    facility = visit.ctx.facility.code
    shifts = shifts_between(db, facility, visit.now, visit.now + timedelta(seconds=1))
    resting = roster.on_break(breaks_at(db, facility, visit.now), visit.now)
    staff = staff_by_code(db, facility)
    tiers = {tier: index for index, tier in enumerate(visit.ctx.tiers)}
    found = [
        OnDuty(
            code=shift.staff_code,
            name=staff[shift.staff_code].name,
            tier=shift.tier,
            until_at=shift.ends_at,
            on_break=shift.staff_code in resting,
        )
        for shift in roster.on_duty(shifts, visit.now)
    ]
    return tuple(sorted(found, key=lambda person: (tiers.get(person.tier, len(tiers)), person.code)))
