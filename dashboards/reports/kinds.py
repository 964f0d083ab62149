"""The kinds of report: how each is read, put into words, and in which formats it comes.

A new kind is one entry of :data:`KINDS`: a function that reads what it needs and gives a :class:`Reading`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Protocol

from sqlalchemy.orm import Session

from dashboards.i18n import Language
from dashboards.reports import (
    complaint_data,
    complaint_recap,
    kipp,
    response_times,
    roster_annex,
    skm,
    skm_data,
    skm_survey,
)
from dashboards.reports.as_csv import as_csv
from dashboards.reports.as_json import as_json
from dashboards.reports.document import Document
from dashboards.reports.periods import Period, period_before
from dashboards.reports.response_times import Format, FormatMissingError
from dashboards.reports.sources import Sources


class Kind(StrEnum):
    """What may be asked for by name."""

    RESPONSE_TIMES = "response-times"
    KIPP = "kipp"
    SKM = "skm"
    COMPLAINTS = "complaints"
    ROSTER = "roster"


MEDIA: Mapping[Format, str] = {
    Format.HTML: "text/html; charset=utf-8",
    Format.PDF: "application/pdf",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
}


class FormatRefusedError(Exception):
    """This kind does not come in this format."""

    def __init__(self, kind: Kind, format: Format) -> None:  # noqa: A002 - the word of CONTRACT 1
        """The message is one line that says what may be asked for instead."""
        known = ", ".join(formats_of(kind))
        super().__init__(f"a report of the kind {kind} does not come as {format}; choose from {known}")


class Words(Protocol):
    """Puts a report into words; it says which format is *missing* when it is written in its place."""

    def __call__(self, *, language: Language, missing: FormatMissingError | None) -> Document:
        """The report in *language*."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A report after everything was read; ``data`` are the forms for programs, which need no words."""

    worded: Words
    ended: datetime
    data: Mapping[Format, Callable[[], str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is to be about; *as_of* is the present, so that a period that still runs says so."""

    sources: Sources
    period: Period
    before: Period | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _KindOfReport:
    read: Callable[[Session, Asked], Reading]
    formats: tuple[Format, ...]


def formats_of(kind: Kind) -> tuple[Format, ...]:
    """What *kind* may be asked for as."""
    return KINDS[kind].formats


def read(session: Session, kind: Kind, asked: Asked) -> Reading:
    """Read everything that the report needs."""
    return KINDS[kind].read(session, asked)


def require_format(kind: Kind, format: Format) -> None:  # noqa: A002 - the word of CONTRACT 1
    """Refuse a format in which the kind does not come, before anything is read.

    Raises:
        FormatRefusedError: it does not.
    """
    if format not in formats_of(kind):
        raise FormatRefusedError(kind, format)


def render(
    reading: Reading,
    *,
    format: Format,  # noqa: A002 - the word of CONTRACT 1
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> bytes:
    """The report as *format*, one of its kind's.

    Raises:
        FormatMissingError: a library of the format is not installed.
    """
    if format in reading.data:
        return reading.data[format]().encode()
    document = reading.worded(language=language, missing=missing)
    return response_times.typeset(document, format=format, ended=reading.ended)


def _response_times(session: Session, asked: Asked) -> Reading:
    found = response_times.read(
        session, sources=asked.sources, period=asked.period, before=asked.before, as_of=asked.as_of
    )
    return Reading(
        worded=partial(response_times.worded, found, sources=asked.sources),
        ended=found.report.cover.until_at,
        data={
            Format.CSV: lambda: as_csv(found.report, found.before),
            Format.JSON: lambda: as_json(found.report, found.before),
        },
    )


def _kipp(session: Session, asked: Asked) -> Reading:
    facts = response_times.read(
        session,
        sources=asked.sources,
        period=asked.period,
        before=asked.before or period_before(asked.period),
        as_of=asked.as_of,
    )
    dossier = kipp.read(session, facts, sources=asked.sources)
    return Reading(
        worded=partial(kipp.worded, dossier, sources=asked.sources), ended=facts.report.cover.until_at
    )


def _skm(session: Session, asked: Asked) -> Reading:
    found = skm_survey.read(session, sources=asked.sources, period=asked.period, as_of=asked.as_of)
    return Reading(
        worded=partial(skm.worded, found, sources=asked.sources),
        ended=found.cover.until_at,
        data={
            Format.CSV: lambda: skm_data.as_csv(found),
            Format.JSON: lambda: skm_data.as_json(found),
        },
    )


def _complaints(session: Session, asked: Asked) -> Reading:
    found = complaint_recap.read(session, sources=asked.sources, period=asked.period, as_of=asked.as_of)
    return Reading(
        worded=partial(complaint_recap.worded, found, sources=asked.sources),
        ended=found.cover.until_at,
        data={
            Format.CSV: lambda: complaint_data.as_csv(found),
            Format.JSON: lambda: complaint_data.as_json(found),
        },
    )


def _roster(session: Session, asked: Asked) -> Reading:
    found = roster_annex.read(session, sources=asked.sources, period=asked.period, as_of=asked.as_of)
    return Reading(
        worded=partial(roster_annex.worded, found, sources=asked.sources),
        ended=found.cover.until_at,
        data={
            Format.CSV: lambda: roster_annex.as_csv(found),
            Format.JSON: lambda: roster_annex.as_json(found),
        },
    )


_WORDS = (Format.HTML, Format.PDF)
"""Of a draft that is nearly all words there is nothing to calculate with."""

KINDS: Mapping[Kind, _KindOfReport] = {
    Kind.RESPONSE_TIMES: _KindOfReport(read=_response_times, formats=tuple(Format)),
    Kind.KIPP: _KindOfReport(read=_kipp, formats=_WORDS),
    Kind.SKM: _KindOfReport(read=_skm, formats=tuple(Format)),
    Kind.COMPLAINTS: _KindOfReport(read=_complaints, formats=tuple(Format)),
    Kind.ROSTER: _KindOfReport(read=_roster, formats=tuple(Format)),
}
