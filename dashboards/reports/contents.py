"""What the response-time report of a period says, before it is put into words (CONTRACT 1).

Every number stands with its definition, the clock it starts from, its target and how many it is made of.
Under :data:`FEW` values the values themselves stand there: a percentage of few says more than is known
(DOMAIN 3.5). Formulas are ``dispatch.domain.response_times``; what belongs in which table is ``measuring``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dashboards.context import FacilityFacts
from dashboards.queries import api_times, outages
from dashboards.queries.outages import Interruptions
from dashboards.reports import measuring
from dashboards.reports.measuring import By, Tables
from dashboards.reports.periods import Period
from dispatch.domain.response_times import wilson
from dispatch.domain.vocabulary import CallOutcome

FEW = 20
"""Under so many values neither median, percentile nor percentage is printed."""

METHOD = "nearest-rank"
BREAKDOWNS = (By.MONTH, By.PRIORITY, By.CATEGORY, By.TIER)
NOT_GENUINE = (CallOutcome.PRANK, CallOutcome.GHOST, CallOutcome.WRONG_NUMBER)
"""Counted as not genuine, so that the share can be compared with other cities' (DOMAIN 5.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Voice calls: how many rang, were answered, and within the target; abandoned ones are among them."""

    offered: int
    answered: int
    target_s: float | None
    within: int | None
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the report says, before it is put into words."""

    facility_code: str
    facility_name: str
    zone_name: str
    period: Period
    from_at: datetime
    until_at: datetime
    as_of: datetime | None
    targets: Mapping[str, float]
    calls: Mapping[str, int]
    answering: Answering
    assumed_answers: int
    outages: Interruptions
    tables: Tables

    @property
    def calls_total(self) -> int:
        """Every ring and text of the period."""
        return sum(self.calls.values())

    @property
    def not_genuine(self) -> int:
        """Pranks, ghost calls and wrong numbers among them."""
        return sum(self.calls.get(str(outcome), 0) for outcome in NOT_GENUINE)

    @property
    def is_empty(self) -> bool:
        """Whether the period holds neither a ring nor an incident of any kind."""
        tables = self.tables
        counted = tables.total.incidents + tables.drills.incidents + tables.tests + tables.duplicates
        return counted + self.calls_total == 0

    @property
    def is_running(self) -> bool:
        """Whether the period was not over when the report was made."""
        return self.as_of is not None and self.as_of < self.until_at


def build(
    session: Session, *, facility: FacilityFacts, period: Period, as_of: datetime | None = None
) -> Report:
    """Read and sum up the period; *as_of* is when, so that a period that still runs says so."""
    span = period.span(facility.zone)
    assert span.from_at is not None
    assert span.until_at is not None
    tables = measuring.tabulate(
        api_times.timed_incidents(session, facility.code, span),
        by=BREAKDOWNS,
        targets=facility.targets,
        zone=facility.zone,
    )
    # Of a period that still runs only what has passed can have been interrupted.
    passed_at = span.until_at if as_of is None else max(span.from_at, min(as_of, span.until_at))
    return Report(
        facility_code=facility.code,
        facility_name=facility.name,
        zone_name=facility.zone.key,
        period=period,
        from_at=span.from_at,
        until_at=span.until_at,
        as_of=as_of,
        targets=dict(facility.targets),
        calls=api_times.calls_by_outcome(session, facility.code, span),
        answering=_answering(
            list(api_times.seconds_to_answer(session, facility.code, span)), facility.targets.get("answer")
        ),
        assumed_answers=api_times.assumed_answers(session, facility.code, span),
        outages=outages.interruptions(
            outages.between(session, facility.code, span.from_at, span.until_at), span.from_at, passed_at
        ),
        tables=tables,
    )


def _answering(waits: list[float | None], target_s: float | None) -> Answering:
    answered = [seconds for seconds in waits if seconds is not None]
    within = None if target_s is None else sum(seconds <= target_s for seconds in answered)
    known = within is not None and bool(waits)
    low, high = wilson(within, len(waits)) if known and within is not None else (None, None)
    return Answering(
        offered=len(waits),
        answered=len(answered),
        target_s=target_s,
        within=within,
        share=within / len(waits) if known and within is not None else None,
        low=low,
        high=high,
    )
