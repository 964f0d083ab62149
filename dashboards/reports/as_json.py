"""The report for programs: everything in it, unrounded, in the shapes of ``GET /response-times``."""

import json

from dashboards.api import shapes
from dashboards.api.response_times import definitions_json, group_json
from dashboards.reports.contents import FEW, METHOD, Report


def as_json(report: Report) -> str:
    """The report as one JSON document."""
    tables, answering = report.tables, report.answering
    content = {
        "report": "response-times",
        "facility": {"code": report.facility_code, "name": report.facility_name, "zone": report.zone_name},
        "period": report.period.text,
        "from": shapes.instant(report.from_at),
        "to": shapes.instant(report.until_at),
        "as_of": shapes.maybe_instant(report.as_of),
        "is_empty": report.is_empty,
        "method": METHOD,
        "share_interval": "Wilson 95 %",
        "few": FEW,
        "targets_s": dict(report.targets),
        "calls": {
            "total": report.calls_total,
            "by_outcome": dict(report.calls),
            "not_genuine": report.not_genuine,
            "offered": answering.offered,
            "answered": answering.answered,
            "answer_target_s": answering.target_s,
            "answered_within_target": answering.within,
            "share_within": answering.share,
            "share_low": answering.low,
            "share_high": answering.high,
            "assumed_answers": report.assumed_answers,
        },
        "outages": {
            "away_s": report.outages.away_s,
            "share": report.outages.share,
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
        },
        "incidents": tables.total.incidents,
        "drills": tables.drills.incidents,
        "tests": tables.tests,
        "duplicates": tables.duplicates,
        "complete_times": {"complete": tables.complete, "accepted": tables.accepted},
        "definitions": definitions_json(),
        "total": group_json(tables.total),
        "drill_times": group_json(tables.drills),
        "by": {str(by): [group_json(group) for group in groups] for by, groups in tables.groups.items()},
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
