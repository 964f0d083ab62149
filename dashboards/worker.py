"""``/w/{token}``: a worker's own page of one incident. The token in the address is the credential.

Opening the page changes nothing, so that a messenger's preview of the link accepts nothing. Taps are plain
forms; a script keeps them with their times while the phone is out of reach and sends them later (DESIGN 6).
The time a phone states is judged by the domain and kept beside the time of recording.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse, Response

from dashboards import trail
from dashboards.csrf import comes_from_elsewhere
from dashboards.incident_actions import LONGEST_TEXT, word
from dashboards.page_errors import FormRefusedError, PageNotFoundError
from dashboards.page_route import PageRoute
from dashboards.queries import one_incident as queries
from dashboards.visits import AnyVisit, Visit
from dispatch.domain.commands import Action, ActOnIncident
from dispatch.domain.errors import AnswerOvertakenError, DispatchError, WrongTransitionError
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import AssignmentStatus, Source
from dispatch.service.links import WORKER, find_link
from models.facility import Staff

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Field = Annotated[str, Form()]
_S = AssignmentStatus

NEXT_STEPS: Mapping[AssignmentStatus, tuple[Action, ...]] = {
    _S.ALERTED: (Action.ACCEPT, Action.DECLINE),
    _S.NO_ANSWER: (Action.ACCEPT, Action.DECLINE),
    _S.DECLINED: (Action.ACCEPT,),
    _S.STOOD_DOWN: (Action.ACCEPT,),
    _S.ACCEPTED: (
        Action.EN_ROUTE,
        Action.ON_SCENE,
        Action.STAGE,
        Action.HELP,
        Action.AVAILABLE,
        Action.DECLINE,
    ),
    _S.EN_ROUTE: (Action.ON_SCENE, Action.STAGE, Action.HELP, Action.AVAILABLE),
    _S.STAGING: (Action.ON_SCENE, Action.EN_ROUTE, Action.HELP, Action.AVAILABLE),
    _S.ON_SCENE: (Action.LEAVE_SCENE, Action.AVAILABLE, Action.HELP),
    _S.TRANSPORTING: (Action.ARRIVE_FACILITY, Action.AVAILABLE, Action.HELP),
    _S.AT_FACILITY: (Action.AVAILABLE, Action.HELP),
    _S.AVAILABLE: (),
}
"""The steps offered where a worker stands, the most likely first; what is allowed the domain decides."""

JUST_NOW = timedelta(seconds=3)
"""A tap that arrives within this time is recorded as of its arrival: one clock is surer than two."""

SAY_WHAT_STANDS = frozenset({AnswerOvertakenError.code, WrongTransitionError.code})
"""Refusals that surprise whoever tapped on an old page."""

ALLOWED = frozenset(action for steps in NEXT_STEPS.values() for action in steps) | {Action.NOTE, Action.INFO}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPage:
    """What one worker sees of one incident. ``caller_number`` is filled only while the worker is engaged."""

    token: str
    incident: queries.OneIncident
    me: queries.Part
    others: tuple[queries.Part, ...]
    notes: tuple[queries.Line, ...]
    steps: tuple[Action, ...]
    caller_number: str | None
    names: Mapping[str, str]
    problem: str | None
    stands: str | None
    """How they stand, where that has to be said beside the problem: their page may have been an old one."""
    tag: str


@router.get("/w/{token}")
def show_worker_page(visit: AnyVisit, token: str) -> Response:
    """The page."""
    page = _page(visit, token)
    _note_reading(visit, page)
    return visit.html("worker.html", page, is_live=True)


@router.get("/w/{token}/live")
def refresh_worker_page(visit: AnyVisit, token: str) -> Response:
    """The fragment, or 304 while nothing has changed."""
    page = _page(visit, token)
    if visit.request.headers.get("if-none-match") == page.tag:
        return Response(status_code=304, headers={"ETag": page.tag, "Cache-Control": "no-store"})
    _note_reading(visit, page, is_repeated=True)
    response = visit.html("_worker_live.html", page)
    response.headers["ETag"] = page.tag
    return response


@router.post("/w/{token}/act")
def tap(
    visit: AnyVisit,
    token: str,
    action: Field = "",
    minutes: Field = "",
    reason: Field = "",
    text: Field = "",
    waited_ms: Field = "",
    shown: Field = "",
) -> Response:
    """One tap. A script gets JSON, so that it knows whether to keep the tap; a plain form gets the page.

    *shown* is how the worker stood on the page that was tapped; pages of before that was asked leave it out.
    """
    if comes_from_elsewhere(visit.request, visit.ctx.public_url):
        raise FormRefusedError
    wanted = word(Action, action, "action")
    if wanted not in ALLOWED:
        raise FormRefusedError
    page = _page(visit, token)
    command = ActOnIncident(
        incident_id=page.incident.id,
        action=wanted,
        actor=f"staff:{page.me.code}",
        source=Source.WEB,
        staff_code=page.me.code,
        occurred_at=_tapped_at(waited_ms, visit.now),
        minutes=_minutes(minutes),
        reason=reason.replace("\x00", "").strip()[:LONGEST_TEXT] or None,
        text=text.replace("\x00", "").strip()[:LONGEST_TEXT] or None,
        shown=AssignmentStatus(shown) if shown in set(AssignmentStatus) else None,
    )
    by_script = visit.request.headers.get("x-live") is not None
    try:
        visit.ctx.act(command)
    except DispatchError as error:
        page = _page(visit, token, problem=error.code)
        if by_script:
            return _for_script(visit, 409, error.code, page.stands)
        _note_reading(visit, page)
        return visit.html("worker.html", page, status=409)
    if by_script:
        return _for_script(visit, 200, None)
    return RedirectResponse(f"/w/{token}", status_code=303, headers={"Cache-Control": "no-store"})


def _page(visit: Visit, token: str, *, problem: str | None = None) -> WorkerPage:
    with visit.ctx.uow.read() as db:
        staff_code, incident = _behind(db, visit, token)
        everybody = queries.parts(db, incident.id)
        notes = queries.lines(db, incident.id, kind=Kind.NOTE_ADDED)
    me = next((part for part in everybody if part.code == staff_code), None)
    if me is None:
        raise PageNotFoundError
    steps = NEXT_STEPS.get(AssignmentStatus(me.status), ()) if incident.is_open else ()
    states = [(part.code, part.status, part.is_primary) for part in everybody]
    seen = (incident.event_count, states, visit.language, visit.site.renderer.assets.build)
    return WorkerPage(
        token=token,
        incident=incident,
        me=me,
        others=tuple(part for part in everybody if part.code != staff_code),
        notes=notes,
        steps=steps,
        caller_number=incident.caller_number if me.is_engaged and incident.is_open else None,
        names={part.code: part.name for part in everybody},
        problem=problem,
        stands=me.status if problem in SAY_WHAT_STANDS else None,
        tag=f'"{hashlib.sha256(repr(seen).encode()).hexdigest()[:20]}"',
    )


def _note_reading(visit: Visit, page: WorkerPage, *, is_repeated: bool = False) -> None:
    """That the worker saw where it is and what was said, and the caller's number once it is shown."""
    shows_number = page.caller_number is not None
    visit.site.readings.note(
        at=visit.now,
        actor=f"staff:{page.me.code}",
        action=trail.CALLER_READ if shows_number else trail.WORKER_PAGE_READ,
        subject=page.incident.number,
        masked=not shows_number,
        is_repeated=is_repeated,
        is_urgent=True,
    )


def _behind(db: Session, visit: Visit, token: str) -> tuple[str, queries.OneIncident]:
    """The worker and the incident that a token opens; nothing tells an expired one from an invented one."""
    link = find_link(db, token, kind=WORKER, now=visit.now)
    if link is None or link.staff_id is None or link.facility_id != visit.ctx.facility.code:
        raise PageNotFoundError
    staff = db.get(Staff, link.staff_id)
    incident = queries.find_by_id(db, link.facility_id, link.incident_id)
    if staff is None or not staff.is_active or incident is None:
        raise PageNotFoundError
    return staff.code, incident


def _for_script(visit: Visit, status: int, code: str | None, stands: str | None = None) -> Response:
    label = partial(visit.site.renderer.label, visit.language)
    said = [] if code is None else [label("refusal", code)]
    text = " ".join(said if stands is None else [*said, label("standing", stands)])
    return JSONResponse(
        {"refused": code, "message": text}, status_code=status, headers={"Cache-Control": "no-store"}
    )


def _tapped_at(waited_ms: str, now: datetime) -> datetime | None:
    """When the button was pressed, from how long the phone kept the tap; None for just now.

    A span on one clock is used and not the phone's time of day: a phone whose clock is minutes off still
    tells truly how long it waited for a signal.
    """
    if not (waited_ms.isascii() and waited_ms.isdigit() and len(waited_ms) <= 10):
        return None
    waited = timedelta(milliseconds=int(waited_ms))
    return now - waited if waited > JUST_NOW else None


def _minutes(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None
