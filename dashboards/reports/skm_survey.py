"""What the report of the satisfaction survey is made from, before it is put into words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dashboards.queries.survey import FollowUpLine, SurveyFigures, follow_ups, read_survey
from dashboards.reports.cover import Cover, cover_of
from dashboards.reports.periods import Period, containing, period_before
from dashboards.reports.sources import Sources
from dispatch.domain.questionnaire import VERSIONS, Questionnaire
from dispatch.domain.survey import Weight

EARLIER = 4
"""So many periods before are shown as a trend (4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything that the report says; ``trend`` ends with the period itself.

    ``plan`` is of the period and of each longer one that it lies in, ``plan_before`` of the period before and
    of those in which that one lies alone. ``versions`` are the words of each questionnaire.
    """

    facility_code: str
    cover: Cover
    figures: SurveyFigures
    trend: Sequence[tuple[str, SurveyFigures]]
    plan: Sequence[FollowUpLine]
    plan_before: Sequence[FollowUpLine]
    weight: Weight
    versions: Sequence[Questionnaire]

    @property
    def questionnaires(self) -> Iterator[tuple[str, Questionnaire | None]]:
        """The versions that were answered, with their words where the program knows them."""
        known = {one.version: one for one in self.versions}
        for part in self.figures.parts:
            yield part.version, known.get(part.version)


def read(
    session: Session,
    *,
    sources: Sources,
    period: Period,
    as_of: datetime | None = None,
    versions: Sequence[Questionnaire] = VERSIONS,
) -> Survey:
    """The survey of *period*, the periods of the same length before it, and both follow-up plans."""
    facility = sources.facility
    earlier: list[Period] = []
    while len(earlier) < EARLIER and (before := period_before(earlier[-1] if earlier else period)):
        earlier.append(before)
    weight = facility.survey.weight
    trend = [
        (one.text, read_survey(session, facility.code, one.span(facility.zone), weight, versions=versions))
        for one in (*reversed(earlier), period)
    ]
    now = [one.text for one in containing(period)]
    then = [one.text for one in containing(earlier[0]) if one.text not in now] if earlier else []
    return Survey(
        facility_code=facility.code,
        cover=cover_of(facility, period, as_of),
        figures=trend[-1][1],
        trend=trend,
        plan=follow_ups(session, facility.code, *now),
        plan_before=follow_ups(session, facility.code, *then) if then else (),
        weight=weight,
        versions=versions,
    )
