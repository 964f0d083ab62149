"""The response-time report of a period in one call: read, sum up, put into words (CONTRACT 1)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from dashboards.context import FacilityFacts
from dashboards.i18n import Language
from dashboards.reports.as_csv import as_csv
from dashboards.reports.as_html import as_html
from dashboards.reports.as_json import as_json
from dashboards.reports.contents import build
from dashboards.reports.periods import Period


class Format(StrEnum):
    """What the report can be written as."""

    HTML = "html"
    CSV = "csv"
    JSON = "json"


def render(
    session: Session,
    *,
    facility: FacilityFacts,
    period: Period,
    format: Format,  # noqa: A002 - the word of CONTRACT 1
    language: Language = Language.ID,
    as_of: datetime | None = None,
) -> str:
    """The report of *period* as text; *as_of* is the present, so that a period that still runs says so.

    Only HTML is written in a language; CSV and JSON are for programs.
    """
    report = build(session, facility=facility, period=period, as_of=as_of)
    match format:
        case Format.HTML:
            return as_html(report, facility=facility, language=language)
        case Format.CSV:
            return as_csv(report)
        case Format.JSON:
            return as_json(report)
