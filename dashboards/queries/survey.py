"""What the survey of a period amounts to, counted in the database; and the follow-up plan.

Reads and counts; what the counts mean is ``dispatch.domain.survey``. A questionnaire belongs to the period in
which it was answered. Only answers to the questionnaire that is asked now are summed: those to another one
are counted apart, never mixed in (DOMAIN 1.1.2).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dashboards.api.boundaries import Span
from dashboards.queries.api_times import within
from dispatch.domain.questionnaire import (
    CURRENT,
    FORM_ORDER,
    HIGHEST,
    LOWEST,
    Element,
    FollowUpStatus,
    RequestState,
    SurveyChannel,
)
from dispatch.domain.survey import Index, Tally, Weight, index_of, respondents_needed
from dispatch.domain.survey_rules import NOT_USERS
from models.incident import Incident
from models.survey import FollowUp, SurveyRequest, SurveyResponse

SCORES = range(LOWEST, HIGHEST + 1)

Distribution = Mapping[Element, Mapping[int, int]]
"""How many answered 1, 2, 3, 4, by element; of filled questionnaires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Respondents:
    """Who answered; the filled questionnaires only. None stands for those who did not say."""

    by_channel: Mapping[SurveyChannel, int]
    by_sex: Mapping[str | None, int]
    by_education: Mapping[str | None, int]
    by_occupation: Mapping[str | None, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyFigures:
    """Everything that is counted of a period's survey.

    ``index`` is None while nobody filled a questionnaire. ``users`` are the incidents of the period by which
    somebody used the service; ``needed`` is how many of them should answer. ``asked`` counts requests by what
    became of them. ``other_versions`` are answers to another questionnaire, which enter nothing else.
    """

    version: str
    tally: Tally
    index: Index | None
    distribution: Distribution
    respondents: Respondents
    users: int
    needed: int
    asked: Mapping[RequestState, int]
    other_versions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpLine:
    """One step of the follow-up plan; ``due_on`` is a day of the facility."""

    id: str
    period: str
    element: Element
    action: str
    responsible: str
    due_on: date
    status: FollowUpStatus
    note: str | None
    updated_at: datetime
    updated_by: str


def read_survey(session: Session, facility_id: str, span: Span, weight: Weight) -> SurveyFigures:
    """The survey of *span*, weighted by *weight*; a period without answers has figures too."""
    distribution, tally, others = _answers(session, facility_id, span)
    users = count_users(session, facility_id, span)
    return SurveyFigures(
        version=CURRENT.version,
        tally=tally,
        index=index_of(tally, weight),
        distribution=distribution,
        respondents=_respondents(session, facility_id, span),
        users=users,
        needed=respondents_needed(users),
        asked=_asked(session, facility_id, span),
        other_versions=others,
    )


def count_users(session: Session, facility_id: str, span: Span) -> int:
    """The incidents of *span* by which somebody used the service; drills and what was merged are none."""
    query = (
        select(func.count())
        .select_from(Incident)
        .where(
            *within(span, facility_id),
            Incident.is_drill.is_(False),
            Incident.merged_into.is_(None),
            func.coalesce(Incident.outcome, "").not_in([str(outcome) for outcome in NOT_USERS]),
        )
    )
    return session.scalar(query) or 0


def follow_ups(session: Session, facility_id: str, period: str | None = None) -> tuple[FollowUpLine, ...]:
    """The follow-up plan of *period* (``2026-Q4``), or of all, what is due first first."""
    query = (
        select(FollowUp)
        .where(FollowUp.facility_id == facility_id, *([FollowUp.period == period] if period else []))
        .order_by(FollowUp.due_on, FollowUp.id)
    )
    return tuple(
        FollowUpLine(
            id=row.id,
            period=row.period,
            element=Element(row.element),
            action=row.action,
            responsible=row.responsible,
            due_on=row.due_on,
            status=FollowUpStatus(row.status),
            note=row.note,
            updated_at=row.updated_at,
            updated_by=row.updated_by,
        )
        for row in session.scalars(query)
    )


def suggestions(
    session: Session, facility_id: str, span: Span, *, limit: int
) -> tuple[tuple[datetime, str], ...]:
    """What people wrote, newest first. Personal: whoever shows it writes a line of the audit trail."""
    query = (
        select(SurveyResponse.answered_at, SurveyResponse.suggestion)
        .where(*_answered_within(span, facility_id), SurveyResponse.suggestion.is_not(None))
        .order_by(SurveyResponse.answered_at.desc(), SurveyResponse.id)
        .limit(limit)
    )
    return tuple((at, said) for at, said in session.execute(query) if said is not None)


def _answers(session: Session, facility_id: str, span: Span) -> tuple[Distribution, Tally, int]:
    is_current = SurveyResponse.questionnaire == CURRENT.version
    counts = is_current & SurveyResponse.is_filled.is_(True)
    chosen = [(element, score) for element in FORM_ORDER for score in SCORES]
    query = select(
        _count(counts),
        _count(is_current & SurveyResponse.is_filled.is_(False)),
        _count(~is_current),
        *(
            _count(counts & (SurveyResponse.answers[element.value].as_integer() == score))
            for element, score in chosen
        ),
    ).where(*_answered_within(span, facility_id))
    filled, incomplete, others, *numbers = session.execute(query).one()
    distribution: dict[Element, dict[int, int]] = {element: {} for element in FORM_ORDER}
    for (element, score), number in zip(chosen, numbers, strict=True):
        distribution[element][score] = number
    sums = {
        element: sum(score * number for score, number in numbers.items())
        for element, numbers in distribution.items()
    }
    return distribution, Tally(filled=filled, incomplete=incomplete, sums=sums), others


def _respondents(session: Session, facility_id: str, span: Span) -> Respondents:
    columns = (
        SurveyResponse.channel,
        SurveyResponse.sex,
        SurveyResponse.education,
        SurveyResponse.occupation,
    )
    query = (
        select(*columns, func.count())
        .where(
            *_answered_within(span, facility_id),
            SurveyResponse.questionnaire == CURRENT.version,
            SurveyResponse.is_filled.is_(True),
        )
        .group_by(*columns)
    )
    by_channel: Counter[SurveyChannel] = Counter(dict.fromkeys(SurveyChannel, 0))
    by_sex: Counter[str | None] = Counter()
    by_education: Counter[str | None] = Counter()
    by_occupation: Counter[str | None] = Counter()
    for channel, sex, education, occupation, number in session.execute(query):
        by_channel[SurveyChannel(channel)] += number
        by_sex[sex] += number
        by_education[education] += number
        by_occupation[occupation] += number
    return Respondents(
        by_channel=by_channel, by_sex=by_sex, by_education=by_education, by_occupation=by_occupation
    )


def _asked(session: Session, facility_id: str, span: Span) -> Mapping[RequestState, int]:
    query = (
        select(SurveyRequest.state, func.count())
        .where(SurveyRequest.facility_id == facility_id, *_between(span, SurveyRequest.asked_at))
        .group_by(SurveyRequest.state)
    )
    found = dict(session.execute(query).all())
    return {state: found.get(state.value, 0) for state in RequestState}


def _answered_within(span: Span, facility_id: str) -> list[ColumnElement[bool]]:
    return [SurveyResponse.facility_id == facility_id, *_between(span, SurveyResponse.answered_at)]


def _between(span: Span, column: InstrumentedAttribute[datetime]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if span.from_at is not None:
        conditions.append(column >= span.from_at)
    if span.until_at is not None:
        conditions.append(column < span.until_at)
    return conditions


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
