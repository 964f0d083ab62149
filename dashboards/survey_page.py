"""``/survey``: what a period's satisfaction survey amounts to, and what people suggested.

Whoever is logged in sees the figures. Suggestions are people's own words: admin, dispatcher and manager read
them, and each reading is a line of the audit trail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from dashboards import trail
from dashboards.page_errors import FormInvalidError
from dashboards.page_route import PageRoute
from dashboards.queries.survey import FollowUpLine, SurveyFigures, follow_ups, read_survey, suggestions
from dashboards.reports.periods import Period, PeriodError, last_month, parse_period
from dashboards.reports_page import choices
from dashboards.visits import Visit, require
from dispatch.domain.questionnaire import (
    FORM_ORDER,
    UNSUR,
    Education,
    Element,
    Occupation,
    Sex,
)
from dispatch.domain.survey import Weight
from dispatch.domain.vocabulary import UserRole

router = APIRouter(route_class=PageRoute, include_in_schema=False)

READERS = (UserRole.ADMIN, UserRole.DISPATCHER, UserRole.MANAGER)
"""Who reads what people wrote."""

LISTED = 200
"""Suggestions on one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementRow:
    """One element in the table of results; ``code`` is its place on the form, U1 to U9."""

    code: str
    element: Element
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyPage:
    """The survey of one period."""

    period: str
    choices: Sequence[tuple[str, Sequence[str]]]
    weight: Weight
    is_asked: bool
    figures: SurveyFigures
    elements: Sequence[ElementRow]
    profile: Sequence[tuple[str, Sequence[tuple[str, int]]]]
    plan: Sequence[FollowUpLine]
    may_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsPage:
    """What people wrote in one period."""

    period: str
    found: Sequence[tuple[datetime, str]]
    is_cut: bool


ELEMENTS = tuple(
    ElementRow(code=f"U{place}", element=element, name=UNSUR[element])
    for place, element in enumerate(FORM_ORDER, 1)
)


@router.get("/survey")
def show_survey(visit: Annotated[Visit, Depends(require())], period: str = "") -> Response:
    """The results of a period, of last month when none is named."""
    facility = visit.ctx.facility
    wanted = _period(visit, period)
    with visit.ctx.uow.read() as db:
        figures = read_survey(db, facility.code, wanted.span(facility.zone), facility.survey.weight)
        plan = follow_ups(db, facility.code, wanted.text)
    page = SurveyPage(
        period=wanted.text,
        choices=choices(visit.now.astimezone(facility.zone).date(), visit.language),
        weight=facility.survey.weight,
        is_asked=bool(facility.survey.ask),
        figures=figures,
        elements=ELEMENTS,
        profile=_profile(figures),
        plan=plan,
        may_read=visit.signed_in.role in READERS,
    )
    return visit.html("survey.html", page)


@router.get("/survey/suggestions")
def show_suggestions(visit: Annotated[Visit, Depends(require(*READERS))], period: str = "") -> Response:
    """What people wrote; that it was read is on record before it is shown."""
    facility = visit.ctx.facility
    wanted = _period(visit, period)
    visit.reads(trail.SUGGESTIONS_READ, wanted.text, masked=False)
    with visit.ctx.uow.read() as db:
        found = suggestions(db, facility.code, wanted.span(facility.zone), limit=LISTED + 1)
    page = SuggestionsPage(period=wanted.text, found=found[:LISTED], is_cut=len(found) > LISTED)
    return visit.html("survey_suggestions.html", page)


def _period(visit: Visit, text: str) -> Period:
    if not text:
        return last_month(visit.now, visit.ctx.facility.zone)
    try:
        return parse_period(text)
    except PeriodError as error:
        raise FormInvalidError("period") from error


def _profile(figures: SurveyFigures) -> Sequence[tuple[str, Sequence[tuple[str, int]]]]:
    """By kind of particular: how many gave which, in the order of the form, and how many gave none."""
    found = figures.respondents
    kinds = (
        ("sex", Sex, found.by_sex),
        ("education", Education, found.by_education),
        ("occupation", Occupation, found.by_occupation),
    )
    return tuple(
        (kind, [*((str(value), counts.get(value, 0)) for value in values), ("", counts.get(None, 0))])
        for kind, values, counts in kinds
    )
