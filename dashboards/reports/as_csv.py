"""The report as one table: a row for each interval of each group, and one for each way a ring ended.

Headers and keys are English and stable, for programs and spreadsheets alike; seconds are plain numbers.
"""

import csv
import io
from collections.abc import Iterator

from dashboards.api import shapes
from dashboards.exports import guarded
from dashboards.reports.contents import FEW, METHOD, Report
from dashboards.reports.measuring import Group
from dispatch.domain.response_times import INTERVAL

COLUMNS = (
    "section", "group_by", "group", "key", "count", "recorded", "not_recorded", "not_applicable", "anomalies",
    "target_s", "within_target", "share_within", "share_low", "share_high", "median_s", "p90_s", "values_s",
    "method", "clock_start", "clock_end", "definition", "from", "to", "duration_s", "share",
)  # fmt: skip

Row = dict[str, object]


def as_csv(report: Report) -> str:
    """The report as CSV (RFC 4180, UTF-8). Under twenty values the list stands instead of percentiles."""
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS, restval="")
    table.writeheader()
    for row in _rows(report):
        table.writerow(
            {name: guarded(value) if isinstance(value, str) else value for name, value in row.items()}
        )
    return written.getvalue()


def _rows(report: Report) -> Iterator[Row]:
    tables, answering = report.tables, report.answering
    yield {"section": "period", "key": report.period.text, "group": report.facility_code}
    yield {"section": "calls", "key": "total", "count": report.calls_total}
    for outcome, count in report.calls.items():
        yield {"section": "calls", "group_by": "outcome", "key": outcome, "count": count}
    yield {
        "section": "calls",
        "key": "answered",
        "count": answering.offered,
        "recorded": answering.answered,
        "target_s": _cell(answering.target_s),
        "within_target": _cell(answering.within),
        "share_within": _cell(answering.share if answering.offered >= FEW else None),
        "share_low": _cell(answering.low),
        "share_high": _cell(answering.high),
        "definition": "Voice calls answered within the target, of all that rang, abandoned ones included.",
    }
    yield {"section": "calls", "key": "assumed_answers", "count": report.assumed_answers}
    for key, count in (
        ("real", tables.total.incidents),
        ("drills", tables.drills.incidents),
        ("tests", tables.tests),
        ("duplicates", tables.duplicates),
        ("accepted", tables.accepted),
        ("complete_times", tables.complete),
    ):
        yield {"section": "incidents", "key": key, "count": count}
    yield from _group("response_times", "", tables.total)
    for by, groups in tables.groups.items():
        for group in groups:
            yield from _group("response_times", str(by), group)
    yield from _group("drills", "", tables.drills)
    yield from _outages(report)


def _outages(report: Report) -> Iterator[Row]:
    found = report.outages
    yield {
        "section": "outages",
        "key": "total",
        "count": len(found.stretches),
        "duration_s": found.away_s,
        "share": found.share,
        "definition": "Seconds in which the service or a part of it was away; clock not counted.",
    }
    for stretch in found.stretches:
        yield {
            "section": "outages",
            "group": stretch.provider or "",
            "key": stretch.cause,
            "from": shapes.instant(stretch.from_at),
            "to": shapes.instant(stretch.until_at),
            "duration_s": stretch.seconds,
        }


def _group(section: str, group_by: str, group: Group) -> Iterator[Row]:
    for key, summary in group.intervals.items():
        enough = summary.recorded >= FEW
        yield {
            "section": section,
            "group_by": group_by,
            "group": group.key,
            "key": key,
            "count": summary.count,
            "recorded": summary.recorded,
            "not_recorded": summary.not_recorded,
            "not_applicable": summary.not_applicable,
            "anomalies": summary.anomalies,
            "target_s": _cell(summary.target_s),
            "within_target": _cell(summary.within_target),
            "share_within": _cell(summary.share_within if enough else None),
            "share_low": _cell(summary.share_low),
            "share_high": _cell(summary.share_high),
            "median_s": _cell(summary.median_s if enough else None),
            "p90_s": _cell(summary.p90_s if enough else None),
            "values_s": ""
            if enough
            else " ".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in summary.values or ()),
            "method": METHOD,
            "clock_start": INTERVAL[key].start,
            "clock_end": INTERVAL[key].end,
            "definition": INTERVAL[key].definition,
        }


def _cell(value: float | None) -> object:
    return "" if value is None else value
