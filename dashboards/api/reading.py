"""Parameters that several listings share, read one way; and the line that each look leaves."""

from typing import Annotated

from fastapi import Query

from dashboards import problems
from dashboards.api import boundaries, cursors
from dashboards.api.boundaries import BoundaryError, Span
from dashboards.api.context import ApiContext
from dashboards.api.cursors import CursorError, Position
from dashboards.api.shapes import SEES_NUMBERS
from dashboards.api.tokens import Caller
from dashboards.readings import Readings
from dispatch.service.services import Services

From = Annotated[
    str | None,
    Query(alias="from", description="A day of the facility's zone, or an instant with offset; included."),
]
To = Annotated[
    str | None,
    Query(alias="to", description="A day of the facility's zone, or an instant with offset; not included."),
]
Limit = Annotated[int, Query(ge=1, le=cursors.LIMIT_MAX, description="How many items at most.")]
Cursor = Annotated[str | None, Query(description="next_cursor of the page before.")]


def span(ctx: ApiContext, from_text: str | None, to_text: str | None) -> Span:
    """The stretch that was asked for.

    Raises:
        ProblemError: 422, naming the boundary.
    """
    try:
        return boundaries.span(from_text, to_text, ctx.facility.zone)
    except BoundaryError as error:
        raise problems.bad_field(error.field, error.reason) from error


def position(cursor: str | None) -> Position | None:
    """Where the page before ended.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    try:
        return None if not cursor else cursors.decode(cursor)
    except CursorError as error:
        raise problems.bad_field("cursor", str(error)) from error


def note(readings: Readings, services: Services, caller: Caller, action: str, subject: str) -> None:
    """Have it noted that a program read *subject*, before it gets it; once an hour."""
    readings.note(
        at=services.clock.now(),
        actor=caller.actor,
        action=action,
        subject=subject,
        masked=caller.role not in SEES_NUMBERS,
        is_repeated=True,
    )


def next_cursor(following: Position | None) -> str | None:
    """The cursor that a page carries."""
    return None if following is None else cursors.encode(following)
