"""What the forms of a report for programs have in common: one way to write CSV and JSON, and one head.

Names in them are English and stable, numbers are not rounded.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from dashboards.api import shapes
from dashboards.exports.tables import guarded
from dashboards.reports.cover import Cover

Row = Mapping[str, object]


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """The *rows* as CSV (RFC 4180); what a row does not name is empty, and no text is a formula."""
    written = io.StringIO()
    table = csv.DictWriter(written, columns, restval="")
    table.writeheader()
    for row in rows:
        table.writerow(
            {name: guarded(value) if isinstance(value, str) else value for name, value in row.items()}
        )
    return written.getvalue()


def json_text(content: Mapping[str, object]) -> str:
    """The *content* as one JSON document."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def head(cover: Cover, facility_code: str) -> Mapping[str, object]:
    """Whose report it is, and of which time."""
    return {
        "facility": {"code": facility_code, "name": cover.facility_name, "zone": cover.zone_name},
        "period": cover.period.text,
        "from": shapes.instant(cover.from_at),
        "to": shapes.instant(cover.until_at),
        "begun_at": shapes.maybe_instant(cover.begun_at),
        "as_of": shapes.maybe_instant(cover.as_of),
    }
