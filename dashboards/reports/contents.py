"""What the response-time report of a period says, before it is put into words (CONTRACT 1).

Every number stands with its definition, the clock it starts from, its target and how many it is made of.
Under the facility's minimum the values themselves stand there: a percentage of few says more than is known
(DOMAIN 3.5). Formulas are ``dispatch.domain.response_times``; what belongs in which table is ``measuring``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.context import FacilityFacts
from dashboards.queries import api_times, impact, outages, report_lines
from dashboards.queries.api_times import Ring
from dashboards.queries.outages import Interruptions
from dashboards.queries.report_lines import CallBack, Lines
from dashboards.reports import measuring
from dashboards.reports.cover import Cover, cover_of
from dashboards.reports.house import TargetZone
from dashboards.reports.measuring import By, Tables
from dashboards.reports.periods import Period
from dispatch.domain.summaries import Summary, summarise, wilson
from dispatch.domain.vocabulary import CallOutcome, IncidentChannel, OutageCause, Source
from models.facility import Facility

METHOD = "nearest-rank"
BREAKDOWNS = (By.MONTH, By.PRIORITY, By.CATEGORY, By.TIER, By.PLACE, By.CHANNEL, By.SHIFT, By.HOUR)
NOT_GENUINE = (CallOutcome.PRANK, CallOutcome.GHOST, CallOutcome.WRONG_NUMBER)
"""Counted as not genuine, so that the share can be compared with other cities' (DOMAIN 5.4)."""

STANDARD_S = (15, 20)
"""NENA-STA-020: 90 % of the calls are to be answered within 15 seconds, 95 % within 20."""

UNREACHABLE = (OutageCause.STOPPED, OutageCause.SILENT)
"""Causes for which nothing could be received here; callers were left to the provider's fallback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """So many of so many, and between what the true share lies with 95 % certainty (Wilson)."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The part, from 0 to 1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Where the true share may lie; None of nothing."""
        return wilson(self.count, self.of) if self.of else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Voice calls without tests: how many rang, were answered, and how soon; abandoned ones included.

    ``impossible`` of the answered were answered before they rang, and so within nothing.
    """

    offered: int
    answered: int
    abandoned: int
    impossible: int
    target_s: float | None
    within: int | None
    standard: Mapping[int, int]

    @property
    def part(self) -> Part | None:
        """Those within the target, of all that rang; None without a target."""
        return None if self.within is None else Part(count=self.within, of=self.offered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """Callers who had hung up: how many were to be called back, how many were, and after how long.

    ``impossible`` of them were called back before that was asked for; they are in no median.
    """

    requested: int
    reached: int
    impossible: int
    took: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the report says, before it is put into words."""

    facility_code: str
    cover: Cover
    targets: Mapping[str, float]
    zones: Sequence[TargetZone]
    calls: Mapping[str, int]
    calls_of_drills: int
    few: int
    answering: Answering
    returning: Returning
    lines: Sequence[Lines]
    outages: Interruptions
    unreachable: Interruptions
    is_log_read: bool
    """Whether the providers' logs were read past the last time in which nothing could be received."""
    tables: Tables

    @property
    def assumed_answers(self) -> int:
        """Answer times that nobody reported and the engine took to be so."""
        return sum(line.count for line in self.lines if line.is_assumed)

    @property
    def reconstructed(self) -> int:
        """Calls that never reached the program and were found in the provider's log."""
        found = (line for line in self.lines if line.kind == "call.received")
        return sum(line.count for line in found if line.source == Source.IMPORT)

    @property
    def after_seal(self) -> int:
        """Lines that were recorded after the last seal of the period."""
        return sum(line.count for line in self.lines if line.is_after_seal)

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
        return counted + self.calls_total + self.calls_of_drills == 0


def build(
    session: Session,
    *,
    facility: FacilityFacts,
    period: Period,
    as_of: datetime | None = None,
    sealed_until: datetime | None = None,
) -> Report:
    """Read and sum up the period; *as_of* is when, so that a period that still runs says so.

    *sealed_until* is when the last seal of the period ends.

    Of a period that is over the report says nothing about when it was made: the same record gives the same
    report.
    """
    cover = cover_of(facility, period, as_of)
    cover = replace(cover, begun_at=_begun_within(session, facility.code, cover))
    span = period.span(facility.zone)
    tables = measuring.tabulate(
        api_times.timed_incidents(session, facility.code, span),
        by=(By.ZONE, *BREAKDOWNS) if facility.report.zones else BREAKDOWNS,
        targets=facility.targets,
        zone=facility.zone,
        shifts=facility.report.shifts,
        zones=facility.report.zones,
    )
    rings = tuple(api_times.rings(session, facility.code, span))
    # Of a period that still runs only what has passed can have been interrupted.
    passed_at = cover.until_at if as_of is None else max(cover.from_at, min(as_of, cover.until_at))
    away = outages.between(session, facility.code, cover.from_at, cover.until_at)
    unreachable = [stretch for stretch in away if stretch.cause in UNREACHABLE]
    known_from_at = min(cover.begun_at or cover.from_at, passed_at)
    read_until = outages.logs_read_until(session)
    return Report(
        facility_code=facility.code,
        cover=cover,
        targets=dict(facility.targets),
        zones=facility.report.zones,
        calls=api_times.by_outcome(rings),
        calls_of_drills=sum(ring.is_drill for ring in rings),
        few=facility.report.few,
        answering=_answering(rings, facility.targets.get("answer")),
        returning=_returning(tuple(report_lines.call_backs(session, facility.code, span))),
        lines=report_lines.lines(session, facility.code, span, sealed_until=sealed_until),
        outages=outages.interruptions(away, known_from_at, passed_at),
        unreachable=outages.interruptions(unreachable, known_from_at, passed_at),
        is_log_read=read_until is not None and all(stretch.until_at <= read_until for stretch in unreachable),
        tables=tables,
    )


def _begun_within(session: Session, facility_id: str, cover: Cover) -> datetime | None:
    """When the record began, if within the period: at the installation, or with what came before it."""
    installed_at = session.scalar(select(Facility.created_at).where(Facility.id == facility_id))
    first_at = impact.began_at(session, facility_id)
    begun_at = min((at for at in (installed_at, first_at) if at is not None), default=None)
    return begun_at if begun_at is not None and cover.from_at < begun_at < cover.until_at else None


def is_offered(ring: Ring) -> bool:
    """Whether it was a voice call that somebody could have answered; a test and a drill are none."""
    return ring.channel == IncidentChannel.VOICE and ring.outcome != CallOutcome.TEST and not ring.is_drill


def _answering(rings: Sequence[Ring], target_s: float | None) -> Answering:
    offered = [ring for ring in rings if is_offered(ring)]
    answered = [ring.answered_after_s for ring in offered if ring.answered_after_s is not None]
    waits = [wait for wait in answered if wait >= 0]
    return Answering(
        offered=len(offered),
        answered=len(answered),
        abandoned=sum(ring.outcome == CallOutcome.ABANDONED for ring in offered),
        impossible=len(answered) - len(waits),
        target_s=target_s,
        within=None if target_s is None else sum(wait <= target_s for wait in waits),
        standard={seconds: sum(wait <= seconds for wait in waits) for seconds in STANDARD_S},
    )


def _returning(asked: Sequence[CallBack]) -> Returning:
    took = [
        (each.returned_at - each.requested_at) / timedelta(seconds=1)
        for each in asked
        if each.returned_at is not None
    ]
    possible = [seconds for seconds in took if seconds >= 0]
    return Returning(
        requested=len(asked),
        reached=len(took),
        impossible=len(took) - len(possible),
        took=summarise(possible),
    )
