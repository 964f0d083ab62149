"""Response times over the JSON API: counts, medians, 90th percentiles, shares within target, per interval."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse
from typing_extensions import TypedDict

from dashboards.api import access, reading, shapes
from dashboards.api.context import ApiContext
from dashboards.api.tokens import Caller
from dashboards.queries import api_times
from dashboards.reports import measuring
from dashboards.reports.measuring import By, Group
from dispatch.domain.response_times import INTERVALS
from dispatch.domain.summaries import Limits, Summary


class SummaryJson(TypedDict):
    """One interval over the incidents of a group, in seconds; null where there is nothing to sum up."""

    count: int
    recorded: int
    not_recorded: int
    not_applicable: int
    anomalies: int
    share_missing: float | None
    median_s: float | None
    median_limits_s: list[float | None]
    p90_s: float | None
    p90_limits_s: list[float | None]
    target_s: float | None
    within_target: int | None
    share_within: float | None
    share_low: float | None
    share_high: float | None
    values_s: list[float] | None


class GroupJson(TypedDict):
    """The intervals of one group."""

    key: str
    incidents: int
    intervals: dict[str, SummaryJson]


class DefinitionJson(TypedDict):
    """What an interval measures: from the time ``start`` to the time ``end``."""

    title: str
    definition: str
    start: str
    end: str
    source: str


class ResponseTimesJson(TypedDict):
    """Response times; drills, tests and duplicates are counted apart and stand in no group."""

    by: str | None
    method: str
    incidents: int
    drills: int
    tests: int
    duplicates: int
    calls: dict[str, int]
    definitions: dict[str, DefinitionJson]
    items: list[GroupJson]


def response_time_routes(ctx: ApiContext) -> APIRouter:
    """The route ``/response-times``."""
    router = APIRouter(tags=["response times"])
    services = ctx.services

    @router.get("/response-times", response_model=ResponseTimesJson)
    def response_times(
        caller: Annotated[Caller, Depends(access.reader)],
        from_text: reading.From = None,
        to_text: reading.To = None,
        by: Annotated[By | None, Query(description="Without it, one group of all.")] = None,
    ) -> JSONResponse:
        """Intervals of the incidents whose first ring lies between from and to."""
        assert caller.role
        span = reading.span(ctx, from_text, to_text)
        with services.uow.read() as session:
            tables = measuring.tabulate(
                api_times.timed_incidents(session, services.facility_id, span),
                by=() if by is None else (by,),
                targets=ctx.facility.targets,
                zone=ctx.facility.zone,
                shifts=ctx.facility.report.shifts,
                zones=ctx.facility.report.zones,
            )
            rings = tuple(api_times.rings(session, services.facility_id, span))
        calls = dict(api_times.by_outcome(rings))
        groups = (tables.total,) if by is None else tables.groups[by]
        return JSONResponse(
            {
                "from": shapes.maybe_instant(span.from_at),
                "to": shapes.maybe_instant(span.until_at),
                "by": None if by is None else str(by),
                "method": "nearest-rank",
                "incidents": tables.total.incidents,
                "drills": tables.drills.incidents,
                "tests": tables.tests,
                "duplicates": tables.duplicates,
                "calls": calls,
                "definitions": definitions_json(),
                "items": [group_json(group) for group in groups],
            }
        )

    return router


def definitions_json() -> dict[str, DefinitionJson]:
    """Every interval's definition, which is printed beside every number."""
    return {
        interval.key: {
            "title": interval.title,
            "definition": interval.definition,
            "start": interval.start,
            "end": interval.end,
            "source": interval.source,
        }
        for interval in INTERVALS
    }


def group_json(group: Group) -> GroupJson:
    """One group as JSON."""
    return {
        "key": group.key,
        "incidents": group.incidents,
        "intervals": {key: _summary_json(summary) for key, summary in group.intervals.items()},
    }


def _summary_json(summary: Summary) -> SummaryJson:
    return {
        "count": summary.count,
        "recorded": summary.recorded,
        "not_recorded": summary.not_recorded,
        "not_applicable": summary.not_applicable,
        "anomalies": summary.anomalies,
        "share_missing": summary.share_missing,
        "median_s": summary.median_s,
        "median_limits_s": _limits(summary.median_limits),
        "p90_s": summary.p90_s,
        "p90_limits_s": _limits(summary.p90_limits),
        "target_s": summary.target_s,
        "within_target": summary.within_target,
        "share_within": summary.share_within,
        "share_low": summary.share_low,
        "share_high": summary.share_high,
        "values_s": None if summary.values is None else list(summary.values),
    }


def _limits(limits: Limits) -> list[float | None]:
    return [limits.low, limits.high]
