"""What a dispatcher does to an incident from its page: one form, one command.

The rules are the domain's; here a form becomes a command, and a refusal becomes the same page with the reason
on top.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from dashboards.incidents import Draft, read_incident
from dashboards.page_errors import FormInvalidError, PageNotFoundError
from dashboards.page_route import PageRoute
from dashboards.queries import one_incident as queries
from dashboards.visits import Visit, our_form
from dispatch.domain.commands import Action, ActOnIncident, Location
from dispatch.domain.errors import DispatchError
from dispatch.domain.vocabulary import Category, LocationSource, Outcome, Priority, Source, UserRole

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Dispatcher = Annotated[Visit, Depends(our_form(UserRole.ADMIN, UserRole.DISPATCHER))]
Field = Annotated[str, Form()]
Word = TypeVar("Word", bound=StrEnum)

LONGEST_TEXT = 10_000
LONGEST_NUMBER = 40


@router.post("/incidents/{number}/actions")
def act_on_incident(
    visit: Dispatcher,
    number: str,
    action: Field = "",
    staff_code: Field = "",
    priority: Field = "",
    category: Field = "",
    outcome: Field = "",
    place: Field = "",
    text: Field = "",
    reason: Field = "",
    into: Field = "",
    local_time: Field = "",
) -> Response:
    """Carry out one form; ``local_time`` is the facility's wall time of the step, empty for now."""
    with visit.ctx.uow.read() as db:
        incident = queries.find_by_number(db, visit.ctx.facility.code, number)
        meant = queries.full_number(into[:LONGEST_NUMBER], visit.ctx.facility.code, visit.year)
        other = queries.find_by_number(db, visit.ctx.facility.code, meant) if meant else None
    if incident is None:
        raise PageNotFoundError
    wanted = word(Action, action, "action")
    command = ActOnIncident(
        incident_id=incident.id,
        action=wanted,
        actor=visit.signed_in.actor,
        source=Source.WEB,
        staff_code=_prose(staff_code),
        occurred_at=_stated_time(visit, local_time),
        reason=_prose(reason),
        text=_prose(text),
        priority=word(Priority, priority, "priority") if priority else None,
        category=word(Category, category, "category") if category else None,
        outcome=word(Outcome, outcome, "outcome") if outcome else None,
        location=_location(text, place) if wanted is Action.SET_LOCATION else None,
        into=None if other is None else other.id,
    )
    problem = _missing(command)
    try:
        if problem is None:
            visit.ctx.act(command)
    except DispatchError as error:
        problem = error.code
    if problem is not None:
        draft = Draft(action=action, text=text, reason=reason, place=place)
        page = read_incident(visit, number, problem=problem, draft=draft)
        return visit.html("incident.html", page, status=409)
    return RedirectResponse(
        f"/incidents/{incident.number}", status_code=303, headers={"Cache-Control": "no-store"}
    )


def _missing(command: ActOnIncident) -> str | None:
    """What a form lacks, in words that name it; the domain would only say that something is missing."""
    if command.action is Action.SET_LOCATION and command.location is None:
        return "location_missing"
    if command.action is Action.MERGE and command.into is None:
        return "number_unknown"
    return None


def word(kind: type[Word], text: str, field: str) -> Word:
    """The member of an enumeration that *text* names.

    Raises:
        FormInvalidError: it names none.
    """
    try:
        return kind(text)
    except ValueError as error:
        raise FormInvalidError(field) from error


def _prose(text: str) -> str | None:
    """Free text as it was typed, without the blanks around it; a NUL is no text (PostgreSQL refuses it)."""
    return text.replace("\x00", "").strip()[:LONGEST_TEXT] or None


def _location(text: str, place: str) -> Location | None:
    said, named = _prose(text), _prose(place[:200])
    if said is None and named is None:
        return None
    return Location(source=LocationSource.DISPATCHER, text=said, place=named)


def _stated_time(visit: Visit, text: str) -> datetime | None:
    if not text:
        return None
    try:
        naive = datetime.fromisoformat(text)
    except ValueError as error:
        raise FormInvalidError("local_time") from error
    return naive.replace(tzinfo=visit.ctx.facility.zone).astimezone(UTC)
