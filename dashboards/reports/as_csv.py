"""The report as one table: a row for each interval of each group, and one for each way a ring ended.

Headers and keys are English and stable, for programs and spreadsheets alike; seconds are plain numbers.
"""

from collections.abc import Iterator
from itertools import chain

from dashboards.api import shapes
from dashboards.reports import data
from dashboards.reports.contents import METHOD, Part, Report
from dashboards.reports.measuring import Group
from dispatch.domain.response_times import INTERVAL
from dispatch.domain.summaries import Summary

COLUMNS = (
    "section", "group_by", "group", "key", "count", "recorded", "not_recorded", "not_applicable", "anomalies",
    "target_s", "within_target", "share_within", "share_low", "share_high", "median_s", "p90_s", "values_s",
    "method", "clock_start", "clock_end", "definition", "from", "to", "duration_s", "share", "share_missing",
    "median_low_s", "median_high_s", "p90_low_s", "p90_high_s", "minutes_late", "by_person",
)  # fmt: skip

Row = dict[str, object]


def as_csv(report: Report, before: Report | None = None) -> str:
    """The report as CSV (RFC 4180, UTF-8); *before* is the period that it is compared with.

    Under the facility's minimum the list of values stands instead of percentiles.
    """
    return data.csv_text(COLUMNS, chain(_rows(report), () if before is None else _compared(before)))


def _rows(report: Report) -> Iterator[Row]:
    tables = report.tables
    yield {"section": "period", "key": report.cover.period.text, "group": report.facility_code}
    yield {"section": "calls", "key": "total", "count": report.calls_total}
    for outcome, count in report.calls.items():
        yield {"section": "calls", "group_by": "outcome", "key": outcome, "count": count}
    yield from _answering(report)
    for key, count in (
        ("real", tables.total.incidents),
        ("drills", tables.drills.incidents),
        ("tests", tables.tests),
        ("duplicates", tables.duplicates),
        ("accepted", tables.accepted),
        ("complete_times", tables.complete),
    ):
        yield {"section": "incidents", "key": key, "count": count}
    yield from _group("response_times", "", tables.total, report.few)
    for by, groups in tables.groups.items():
        for group in groups:
            yield from _group("response_times", str(by), group, report.few)
    yield from _group("drills", "", tables.drills, report.few)
    yield from _record(report)
    yield from _outages(report)


def _answering(report: Report) -> Iterator[Row]:
    answering = report.answering
    for seconds, within in answering.standard.items():
        part = Part(count=within, of=answering.offered)
        yield {
            "section": "calls",
            "key": f"answered_within_{seconds}_s",
            "target_s": seconds,
            **_part(part, report.few),
            "definition": "Voice calls answered so soon after the first ring, of all that rang.",
        }
    part = answering.part or Part(count=0, of=0)
    yield {
        "section": "calls",
        "key": "answered",
        **_part(part, report.few),
        "count": answering.offered,
        "recorded": answering.answered,
        "target_s": _cell(answering.target_s),
        "within_target": _cell(answering.within),
        "definition": "Voice calls answered within the target, of all that rang, abandoned ones included.",
    }
    yield {"section": "calls", "key": "assumed_answers", "count": report.assumed_answers}
    yield {"section": "calls", "key": "reconstructed", "count": report.reconstructed}
    took = report.returning.took
    yield {
        "section": "calls",
        "key": "called_back",
        "count": report.returning.requested,
        "recorded": report.returning.reached,
        "median_s": _cell(took.median_s if took.recorded >= report.few else None),
        "values_s": _values(took, report.few),
        "definition": "Callers who had hung up: to be called back, reached, and after how many seconds.",
    }


def _part(part: Part, few: int) -> Row:
    low, high = part.limits or (None, None)
    return {
        "count": part.of,
        "within_target": part.count,
        "share_within": _cell(part.share if part.of >= few else None),
        "share_low": _cell(low),
        "share_high": _cell(high),
    }


def _record(report: Report) -> Iterator[Row]:
    for line in report.lines:
        yield {
            "section": "lines",
            "group": line.source,
            "key": line.kind,
            "count": line.count,
            "minutes_late": line.minutes_late,
            "by_person": str(line.is_by_person).lower(),
        }
    for anomaly in report.tables.anomalies:
        yield {
            "section": "anomalies",
            "group": anomaly.number,
            "key": anomaly.interval,
            "from": shapes.instant(anomaly.start_at),
            "to": shapes.instant(anomaly.end_at),
        }


def _compared(before: Report) -> Iterator[Row]:
    yield {"section": "compared_with", "key": before.cover.period.text, "group": before.facility_code}
    yield {"section": "compared_with", "key": "calls", "count": before.calls_total}
    yield from _group("compared_with", "", before.tables.total, before.few)


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
    yield {
        "section": "outages",
        "key": "nothing_received",
        "count": len(report.unreachable.stretches),
        "duration_s": report.unreachable.away_s,
        "share": report.unreachable.share,
        "definition": "Seconds in which the program did not run, so that nothing could be received.",
    }


def _group(section: str, group_by: str, group: Group, few: int) -> Iterator[Row]:
    for key, summary in group.intervals.items():
        enough = summary.recorded >= few
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
            "median_low_s": _cell(summary.median_limits.low if enough else None),
            "median_high_s": _cell(summary.median_limits.high if enough else None),
            "p90_low_s": _cell(summary.p90_limits.low if enough else None),
            "p90_high_s": _cell(summary.p90_limits.high if enough else None),
            "share_missing": _cell(summary.share_missing if summary.applicable >= few else None),
            "values_s": _values(summary, few),
            "method": METHOD,
            "clock_start": INTERVAL[key].start,
            "clock_end": INTERVAL[key].end,
            "definition": INTERVAL[key].definition,
        }


def _values(summary: Summary, few: int) -> str:
    if summary.recorded >= few:
        return ""
    return " ".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in summary.values or ())


def _cell(value: float | None) -> object:
    return "" if value is None else value
