"""``siaga import``: staff, roster and places from CSV files (CONTRACT 6)."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from config.cli_start import Started, start
from config.cli_words import CommandRefusedError, say
from dispatch.service.csv_files import ImportRefusedError
from dispatch.service.importing import ImportResult, import_places, import_roster, import_staff

app = typer.Typer(
    no_args_is_help=True,
    help="Import staff, roster or places from a CSV file, all or nothing.",
    epilog="Example: siaga import staff staff.csv",
)

CsvPath = Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8, header row, commas.")]


@app.command("staff", epilog="Example: siaga import staff staff.csv")
def staff(path: CsvPath) -> None:
    """Import people: code,name,role,phone,skills,base_place."""
    _import(path, lambda started, content, file: import_staff(content, file=file, importer=started.importer))


@app.command("roster", epilog="Example: siaga import roster december.csv")
def roster(path: CsvPath) -> None:
    """Import shifts in local time: staff_code,starts_at,ends_at,tier."""

    def run(started: Started, content: bytes, file: str) -> ImportResult:
        return import_roster(
            content,
            file=file,
            importer=started.importer,
            zone=started.facility.zone,
            tiers=[tier.name for tier in started.policy.alerting.tiers],
        )

    _import(path, run)


@app.command("places", epilog="Example: siaga import places places.csv")
def places(path: CsvPath) -> None:
    """Import the gazetteer: name,kind,parent,lat,lon,aliases."""
    _import(path, lambda started, content, file: import_places(content, file=file, importer=started.importer))


def _import(path: Path, run: Callable[[Started, bytes, str], ImportResult]) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandRefusedError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        with start(writes=True) as started:
            result = run(started, content, str(path))
    except ImportRefusedError as error:
        *others, last = error.problems
        for problem in others:
            typer.echo(str(problem), err=True)
        raise CommandRefusedError(str(last)) from error
    say(f"{path}: {result.added} added, {result.changed} changed, {result.unchanged} unchanged")
    for code in result.off_the_list:
        say(f"{code} was taken off the list and is not rung; to have them rung again: siaga staff on {code}")
