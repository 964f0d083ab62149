"""The response-time report of a period in one call: read, sum up, put into words (CONTRACT 1).

A library that is not there costs its own format and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from dashboards.i18n import Language
from dashboards.reports import codes
from dashboards.reports.as_csv import as_csv
from dashboards.reports.as_html import as_html
from dashboards.reports.as_json import as_json
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.as_xlsx import as_xlsx
from dashboards.reports.chapters import compose, pen_for
from dashboards.reports.contents import Report, build
from dashboards.reports.document import Document
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period
from dashboards.reports.proof import Standing, standing_of
from dashboards.reports.sources import Sources
from dispatch.service.cycles import seldom_looking_for_cycles


class Format(StrEnum):
    """What the report can be written as."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


class FormatMissingError(Exception):
    """This format cannot be written here, because a library of it is not installed."""

    def __init__(self, format: Format, library: str) -> None:  # noqa: A002 - the word of CONTRACT 1
        """The message is one line."""
        super().__init__(f"{format} needs the library {library}, which is not installed here")
        self.format = format
        self.library = library


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read of one period, and of the one that it is compared with."""

    report: Report
    before: Report | None
    standing: Standing


def read(
    session: Session,
    *,
    sources: Sources,
    period: Period,
    before: Period | None = None,
    as_of: datetime | None = None,
) -> Read:
    """Read and sum up; *as_of* is the present, so that a period that still runs says so."""
    facility = sources.facility
    standing = standing_of(session, facility.code, period)
    earlier = None
    with seldom_looking_for_cycles():
        report = build(
            session, facility=facility, period=period, as_of=as_of, sealed_until=standing.sealed_until
        )
        if before is not None:
            earlier = build(session, facility=facility, period=before, as_of=as_of)
    return Read(
        report=report,
        before=earlier,
        standing=replace(standing, after_seal=report.after_seal),
    )


def worded(
    found: Read,
    *,
    sources: Sources,
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> Document:
    """The report in *language*, with a line for each thing that could not be done."""
    pen = pen_for(sources, language)
    return compose(
        found.report,
        pen,
        sources=sources,
        standing=found.standing,
        before=found.before,
        omitted=left_out(pen, sources, missing),
    )


def left_out(pen: Pen, sources: Sources, missing: FormatMissingError | None) -> Sequence[str]:
    """A line for each thing that a document lacks, because a library is not installed."""
    omitted = []
    if missing is not None:
        omitted.append(
            pen.say(
                "Left out: the form as %(format)s (the library %(library)s is not installed).",
                format=str(missing.format).upper(),
                library=missing.library,
            )
        )
    if sources.public_url and not codes.is_available():
        omitted.append(pen.say("Left out: the QR code (the library segno is not installed)."))
    return omitted


def render(
    found: Read,
    *,
    sources: Sources,
    format: Format,  # noqa: A002 - the word of CONTRACT 1
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> bytes:
    """The report as *format*.

    It says which format is *missing*, when it was written in its place. CSV and JSON are for programs and
    written in no language.

    Raises:
        FormatMissingError: a library of the format is not installed.
    """
    if format is Format.CSV:
        return as_csv(found.report, found.before).encode()
    if format is Format.JSON:
        return as_json(found.report, found.before).encode()
    document = worded(found, sources=sources, language=language, missing=missing)
    return typeset(document, format=format, ended=found.report.cover.until_at)


def typeset(document: Document, *, format: Format, ended: datetime) -> bytes:  # noqa: A002 - as above
    """A document as page, PDF or workbook; *ended* is the workbook's own date.

    Raises:
        FormatMissingError: a library of the format is not installed.
    """
    if format is Format.HTML:
        return as_html(document).encode()
    try:
        if format is Format.PDF:
            return as_pdf(document)
        return as_xlsx(document, ended=ended)
    except ImportError as error:
        raise FormatMissingError(format, error.name or str(error)) from error
