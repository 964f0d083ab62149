"""The report for programs: everything in it, unrounded, in the shapes of ``GET /response-times``."""

from dashboards.api import shapes
from dashboards.api.response_times import GroupJson, definitions_json, group_json
from dashboards.reports import data
from dashboards.reports.contents import METHOD, Report
from dashboards.reports.measuring import Group


def as_json(report: Report, before: Report | None = None) -> str:
    """The report as one JSON document; *before* is the period that it is compared with."""
    content = {"report": "response-times", **_figures(report)}
    if before is not None:
        content["compared_with"] = _figures(before)
    return data.json_text(content)


def _figures(report: Report) -> dict[str, object]:
    tables = report.tables
    return {
        **data.head(report.cover, report.facility_code),
        "is_empty": report.is_empty,
        "method": METHOD,
        "median_method": "mean of the two middle values",
        "share_interval": "Wilson 95 %",
        "few": report.few,
        "targets_s": dict(report.targets),
        "zones": [
            {"name": zone.name, "places": list(zone.places), "targets_s": dict(zone.targets)}
            for zone in report.zones
        ],
        "percentile_interval": "order statistics, at least 95 %",
        "calls": _calls(report),
        "outages": _outages(report),
        "lines": [
            {
                "kind": line.kind,
                "source": line.source,
                "minutes_late": line.minutes_late,
                "is_assumed": line.is_assumed,
                "is_by_person": line.is_by_person,
                "is_after_seal": line.is_after_seal,
                "count": line.count,
            }
            for line in report.lines
        ],
        "anomalies": [
            {
                "number": each.number,
                "interval": each.interval,
                "start": shapes.instant(each.start_at),
                "end": shapes.instant(each.end_at),
            }
            for each in tables.anomalies
        ],
        "incidents": tables.total.incidents,
        "drills": tables.drills.incidents,
        "tests": tables.tests,
        "duplicates": tables.duplicates,
        "complete_times": {"complete": tables.complete, "accepted": tables.accepted},
        "nobody_accepted": {"alone": tables.alone, "needed": tables.needed},
        "definitions": definitions_json(),
        "total": _group(tables.total, report.few),
        "drill_times": _group(tables.drills, report.few),
        "by": {
            str(by): [_group(group, report.few) for group in groups] for by, groups in tables.groups.items()
        },
    }


def _group(group: Group, few: int) -> GroupJson:
    """A group in which no median and no percentage stands for fewer than *few*; the values stand there."""
    found = group_json(group)
    for summary in found["intervals"].values():
        if summary["recorded"] < few:
            summary["median_s"] = summary["p90_s"] = summary["share_within"] = None
        if summary["recorded"] + summary["not_recorded"] < few:
            summary["share_missing"] = None
    return found


def _calls(report: Report) -> dict[str, object]:
    answering, took = report.answering, report.returning.took
    part = answering.part
    low, high = (part and part.limits) or (None, None)
    return {
        "total": report.calls_total,
        "by_outcome": dict(report.calls),
        "not_genuine": report.not_genuine,
        "offered": answering.offered,
        "answered": answering.answered,
        "answered_impossibly": answering.impossible,
        "of_drills": report.calls_of_drills,
        "abandoned": answering.abandoned,
        "answered_within_s": {str(seconds): count for seconds, count in answering.standard.items()},
        "answer_target_s": answering.target_s,
        "answered_within_target": answering.within,
        "share_within": None if part is None else part.share,
        "share_low": low,
        "share_high": high,
        "assumed_answers": report.assumed_answers,
        "reconstructed": report.reconstructed,
        "call_backs": {
            "requested": report.returning.requested,
            "reached": report.returning.reached,
            "impossible": report.returning.impossible,
            "median_s": took.median_s if took.recorded >= report.few else None,
        },
    }


def _outages(report: Report) -> dict[str, object]:
    return {
        "away_s": report.outages.away_s,
        "share": report.outages.share,
        "nothing_received_s": report.unreachable.away_s,
        "provider_log_read": report.is_log_read,
        "stretches": [
            {
                "cause": stretch.cause,
                "provider": stretch.provider,
                "from": shapes.instant(stretch.from_at),
                "to": shapes.instant(stretch.until_at),
                "duration_s": stretch.seconds,
            }
            for stretch in report.outages.stretches
        ],
    }
