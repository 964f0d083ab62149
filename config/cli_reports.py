"""``siaga export`` and ``siaga report``: the log and the response times as files (CONTRACT 1).

Whoever may run commands here sees numbers unmasked; each export leaves a line in the audit trail.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from config.cli_start import Started, start
from config.cli_words import CommandRefusedError
from config.installed import installation_of
from config.whole_files import whole_file
from dashboards.api.boundaries import BoundaryError, Span, span
from dashboards.exports.incidents import export_incidents
from dashboards.exports.unmapped import Unmapped
from dashboards.i18n import Language
from dashboards.reports import kinds
from dashboards.reports.kinds import Asked, FormatRefusedError, Kind
from dashboards.reports.periods import Period, PeriodError, parse_period
from dashboards.reports.response_times import Format, FormatMissingError
from dashboards.reports.sources import Sources
from dispatch.domain.vocabulary import UserRole

export_app = typer.Typer()

OutPath = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where to write; standard output when left out.")
]


class ExportFormat(StrEnum):
    """How the log is written."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    EIDO = "eido"
    FHIR = "fhir"
    NEMSIS = "nemsis"


@export_app.callback(
    no_args_is_help=True,
    epilog="Example: siaga export incidents --from 2026-11-01 --to 2026-12-01 --out november.csv",
)
def export() -> None:
    """Write the log to a file."""


@export_app.command(
    "incidents",
    epilog="Example: siaga export incidents --from 2026-11-01 --to 2026-12-01 --out november.csv",
)
def incidents(
    from_text: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day, or an instant with its offset.")
    ] = None,
    to_text: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The day, or instant, after the last.")
    ] = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="How it is written.")] = ExportFormat.CSV,
    out: OutPath = None,
) -> None:
    """Write incidents, newest first; the first day is included, the last is not."""
    with start(writes=True) as started:
        wanted = _span(started, from_text, to_text)
        _note(started, form, wanted)
        unmapped = Unmapped()
        with started.uow.read() as session, _refusing():
            pieces = export_incidents(
                session,
                facility_id=started.facility.code,
                from_at=wanted.from_at,
                until_at=wanted.until_at,
                zone=started.facility.zone,
                format=form,
                role=UserRole.ADMIN,
                unmapped=unmapped,
            )
            write_out(pieces, out)
    for left_out in unmapped.lines():
        typer.echo(f"not in this format: {left_out}", err=True)


@contextmanager
def _refusing() -> Iterator[None]:
    """What a format cannot hold is told in a line."""
    try:
        yield
    except ValueError as error:
        raise CommandRefusedError(str(error)) from error
    except ImportError as error:
        raise CommandRefusedError(
            "a workbook needs XlsxWriter, which is not installed; csv does not"
        ) from error


def report(
    period: Annotated[str, typer.Option(metavar="2026-10|2026-Q4|2026", help="Month, quarter or year.")],
    kind: Annotated[Kind, typer.Option(help="Which report.")] = Kind.RESPONSE_TIMES,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.HTML,
    language: Annotated[Language, typer.Option(help="Of page, PDF and workbook.")] = Language.ID,
    compare: Annotated[
        str | None, typer.Option(metavar="PERIOD", help="Another period, put beside it: before and after.")
    ] = None,
    out: OutPath = None,
) -> None:
    """Write a report of a period: response times, or the draft of an innovation proposal (kipp)."""
    try:
        kinds.require_format(kind, form)
    except FormatRefusedError as error:
        raise CommandRefusedError(str(error)) from error
    wanted = _period(period, "--period")
    before = None if compare is None else _period(compare, "--compare")
    with start() as started, started.uow.read() as session:
        asked = Asked(sources=sources_of(started), period=wanted, before=before, as_of=started.clock.now())
        reading = kinds.read(session, kind, asked)
    try:
        written = kinds.render(reading, format=form, language=language)
    except FormatMissingError as missing:
        # Whoever must hand something over has the page, which prints as well.
        out = None if out is None else out.with_suffix(".html")
        typer.echo(
            f"{missing}; the report is written as a page instead" + (f": {out}" if out else ""), err=True
        )
        written = kinds.render(reading, format=Format.HTML, language=language, missing=missing)
    write_out([written], out)


def sources_of(started: Started) -> Sources:
    """What reports of this installation are made with."""
    return Sources(
        facility=started.facility,
        public_url=started.settings.public_url,
        installation=installation_of(started.settings, started.facility, started.policy),
    )


def _period(text: str, option: str) -> Period:
    try:
        return parse_period(text)
    except PeriodError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def write_out(pieces: Iterable[str | bytes], out: Path | None) -> None:
    """Write to the file, which appears whole or not at all, or to standard output; text as UTF-8.

    Raises:
        CommandRefusedError: the file cannot be written.
    """
    if out is None:
        for piece in pieces:
            typer.echo(_bytes(piece), nl=False)
        return
    try:
        with whole_file(out) as file:
            file.writelines(map(_bytes, pieces))
    except OSError as error:
        raise CommandRefusedError(f"{out}: cannot be written: {error.strerror}") from error


def _bytes(piece: str | bytes) -> bytes:
    return piece.encode() if isinstance(piece, str) else piece


def _span(started: Started, from_text: str | None, to_text: str | None) -> Span:
    try:
        return span(from_text, to_text, started.facility.zone)
    except BoundaryError as error:
        raise typer.BadParameter(error.reason, param_hint=f"--{error.field}") from error


def _note(started: Started, form: ExportFormat, wanted: Span) -> None:
    boundaries = {"from": wanted.from_at, "to": wanted.until_at}
    started.note(
        "incidents.exported",
        str(form),
        {name: at.isoformat() if at else None for name, at in boundaries.items()},
    )
