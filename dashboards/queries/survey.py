"""What the survey of a period amounts to, counted in the database; and the follow-up plan.

Reads and counts; what the counts mean is ``dispatch.domain.survey``. A questionnaire belongs to the period in
which it was answered. Each version of it is summed by itself: two are never mixed (DOMAIN 1.1.2).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dashboards.api.boundaries import Span
from dashboards.queries.api_times import within
from dispatch.domain.questionnaire import (
    FORM_ORDER,
    HIGHEST,
    LOWEST,
    VERSIONS,
    Element,
    FollowUpStatus,
    Questionnaire,
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

    by_channel: Counter[SurveyChannel]
    by_sex: Counter[str | None]
    by_education: Counter[str | None]
    by_occupation: Counter[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyPart:
    """What was answered to one version of the questionnaire; never added to another's.

    ``index`` is None while nobody filled one.
    """

    version: str
    tally: Tally
    index: Index | None
    distribution: Distribution
    respondents: Respondents


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyFigures(SurveyPart):
    """Everything that is counted of a period's survey: the newest version answered in it, and the others.

    ``earlier`` are parts of older versions, the oldest first. ``users`` are the incidents of the period by
    which somebody used the service; ``needed`` is how many of them should answer. ``asked`` counts requests
    by what became of them.
    """

    earlier: Sequence[SurveyPart]
    users: int
    needed: int
    asked: Mapping[RequestState, int]

    @property
    def parts(self) -> Sequence[SurveyPart]:
        """One for each version, the newest last."""
        return (*self.earlier, self)

    @property
    def filled(self) -> int:
        """Filled questionnaires of every version."""
        return sum(part.tally.filled for part in self.parts)

    @property
    def incomplete(self) -> int:
        """Those of every version that broke off."""
        return sum(part.tally.incomplete for part in self.parts)

    @property
    def other_versions(self) -> int:
        """Answers to older versions, filled or not."""
        return sum(part.tally.filled + part.tally.incomplete for part in self.earlier)


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


def read_survey(
    session: Session,
    facility_id: str,
    span: Span,
    weight: Weight,
    *,
    versions: Sequence[Questionnaire] = VERSIONS,
) -> SurveyFigures:
    """The survey of *span*, weighted by *weight*; a period without answers has figures too.

    Which version is newer is said by *versions*; one that is not among them is older than all of these.
    """
    tallies = _answers(session, facility_id, span)
    if not tallies:
        tallies = {versions[-1].version: _nothing()}
    known = [one.version for one in versions]
    ordered = sorted(tallies, key=lambda name: (known.index(name) if name in known else -1, name))
    respondents = _respondents(session, facility_id, span)
    *earlier, newest = (
        SurveyPart(
            version=version,
            tally=tallies[version][1],
            index=index_of(tallies[version][1], weight),
            distribution=tallies[version][0],
            respondents=respondents.get(version) or _nobody(),
        )
        for version in ordered
    )
    users = count_users(session, facility_id, span)
    return SurveyFigures(
        version=newest.version,
        tally=newest.tally,
        index=newest.index,
        distribution=newest.distribution,
        respondents=newest.respondents,
        earlier=earlier,
        users=users,
        needed=respondents_needed(users),
        asked=_asked(session, facility_id, span),
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


def follow_ups(session: Session, facility_id: str, *periods: str) -> tuple[FollowUpLine, ...]:
    """The follow-up plans of *periods* (``2026-Q4``), or of all, what is due first first."""
    query = (
        select(FollowUp)
        .where(FollowUp.facility_id == facility_id, *([FollowUp.period.in_(periods)] if periods else []))
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


def _answers(session: Session, facility_id: str, span: Span) -> dict[str, tuple[Distribution, Tally]]:
    """By version: how the answers spread, and what they add up to."""
    is_filled = SurveyResponse.is_filled.is_(True)
    chosen = [(element, score) for element in FORM_ORDER for score in SCORES]
    query = (
        select(
            SurveyResponse.questionnaire,
            _count(is_filled),
            _count(~is_filled),
            *(
                _count(is_filled & (SurveyResponse.answers[element.value].as_integer() == score))
                for element, score in chosen
            ),
        )
        .where(*_answered_within(span, facility_id))
        .group_by(SurveyResponse.questionnaire)
    )
    return {
        version: _tallied(filled, incomplete, dict(zip(chosen, numbers, strict=True)))
        for version, filled, incomplete, *numbers in session.execute(query)
    }


def _tallied(
    filled: int, incomplete: int, numbers: Mapping[tuple[Element, int], int]
) -> tuple[Distribution, Tally]:
    distribution = {
        element: {score: numbers.get((element, score), 0) for score in SCORES} for element in FORM_ORDER
    }
    sums = {
        element: sum(score * number for score, number in spread.items())
        for element, spread in distribution.items()
    }
    return distribution, Tally(filled=filled, incomplete=incomplete, sums=sums)


def _nothing() -> tuple[Distribution, Tally]:
    return _tallied(0, 0, {})


def _respondents(session: Session, facility_id: str, span: Span) -> dict[str, Respondents]:
    """By version: who filled one."""
    columns = (
        SurveyResponse.questionnaire,
        SurveyResponse.channel,
        SurveyResponse.sex,
        SurveyResponse.education,
        SurveyResponse.occupation,
    )
    query = (
        select(*columns, func.count())
        .where(*_answered_within(span, facility_id), SurveyResponse.is_filled.is_(True))
        .group_by(*columns)
    )
    found: dict[str, Respondents] = {}
    for version, channel, sex, education, occupation, number in session.execute(query):
        own = found.setdefault(version, _nobody())
        own.by_channel[SurveyChannel(channel)] += number
        own.by_sex[sex] += number
        own.by_education[education] += number
        own.by_occupation[occupation] += number
    return found


def _nobody() -> Respondents:
    return Respondents(
        by_channel=Counter(dict.fromkeys(SurveyChannel, 0)),
        by_sex=Counter(),
        by_education=Counter(),
        by_occupation=Counter(),
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
