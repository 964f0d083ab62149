"""The recap of complaints for programs: the same figures as on paper, and nothing personal."""

from collections.abc import Iterator

from dashboards.api import shapes
from dashboards.reports import data
from dashboards.reports.complaint_recap import Register
from dispatch.domain.complaints import Complaint
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject

COLUMNS = (
    "section", "key", "count", "of", "days", "number", "channel", "subject", "status", "received_at",
    "due_on", "ended_at",
)  # fmt: skip


def as_csv(found: Register) -> str:
    """A row for each figure, each group and each complaint."""
    return data.csv_text(COLUMNS, _rows(found))


def as_json(found: Register) -> str:
    """The recap as one document."""
    recap = found.recap
    return data.json_text(
        {
            "report": "complaints",
            **data.head(found.cover, found.facility_code),
            "received": recap.received,
            "open": recap.open,
            "settled": recap.settled,
            "late": recap.late,
            "median_days_until_settled": recap.days,
            "brought_over": {"count": recap.brought, "ended": recap.brought_ended},
            "by_status": {str(one): recap.by_status.get(one, 0) for one in ComplaintStatus},
            "by_subject": {str(one): recap.by_subject.get(one, 0) for one in ComplaintSubject},
            "by_channel": {str(one): recap.by_channel.get(one, 0) for one in ComplaintChannel},
            "by_month": dict(sorted(recap.by_month.items())),
            "complaints": [_complaint(one) for one in recap.complaints],
        }
    )


def _rows(found: Register) -> Iterator[data.Row]:
    recap = found.recap
    yield {"section": "period", "key": found.cover.period.text}
    yield {"section": "figures", "key": "received", "count": recap.received}
    yield {"section": "figures", "key": "open", "count": recap.open, "of": recap.received}
    yield {"section": "figures", "key": "settled", "count": recap.settled, "of": recap.received}
    yield {"section": "figures", "key": "late", "count": recap.late, "of": recap.received}
    days = "" if recap.days is None else recap.days
    yield {"section": "figures", "key": "median_days_until_settled", "days": days}
    yield {
        "section": "figures",
        "key": "brought_over_ended",
        "count": recap.brought_ended,
        "of": recap.brought,
    }
    for section, counts in (
        ("by_status", {one: recap.by_status.get(one, 0) for one in ComplaintStatus}),
        ("by_subject", {one: recap.by_subject.get(one, 0) for one in ComplaintSubject}),
        ("by_channel", {one: recap.by_channel.get(one, 0) for one in ComplaintChannel}),
        ("by_month", dict(sorted(recap.by_month.items()))),
    ):
        for key, count in counts.items():
            yield {"section": section, "key": str(key), "count": count}
    for one in recap.complaints:
        yield {"section": "complaints", **{name: value or "" for name, value in _complaint(one).items()}}


def _complaint(one: Complaint) -> dict[str, str | None]:
    return {
        "number": one.number,
        "channel": str(one.channel),
        "subject": str(one.subject),
        "status": str(one.now.status),
        "received_at": shapes.instant(one.received_at),
        "due_on": one.now.due_on.isoformat(),
        "ended_at": shapes.maybe_instant(one.ended_at),
    }
