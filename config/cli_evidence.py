"""``siaga evidence``: the pack of a period that somebody outside can verify with Python alone."""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Annotated

import typer

from config.cli_seals import sealer_of
from config.cli_start import start
from config.cli_words import CommandRefusedError, say
from dashboards.reports.periods import PeriodError, parse_period
from dispatch.ports import SealKeyError
from dispatch.service.record_pack import NothingSealedError, PackWriter, write_record
from dispatch.service.sealing import SealRefusedError


def evidence(
    period: Annotated[str, typer.Option(metavar="2026-10|2026-Q4|2026", help="Month, quarter or year.")],
    out: Annotated[Path, typer.Option(metavar="PACK.zip", help="The file to write.")],
) -> None:
    """Write the sealed record of a period, with everything that is needed to verify it."""
    try:
        wanted = parse_period(period)
    except PeriodError as error:
        raise typer.BadParameter(str(error), param_hint="--period") from error
    with start() as started:
        try:
            sealer_of(started).seal_due()
            with (
                _whole_file(out) as file,
                zipfile.ZipFile(file, "w") as archive,
                started.uow.read() as session,
            ):
                pack = PackWriter(archive)
                newest = write_record(
                    session,
                    pack,
                    facility=started.facility.code,
                    name=started.facility.name,
                    first=wanted.first,
                    last=wanted.after - timedelta(days=1),
                )
                pack.close()
        except (NothingSealedError, SealRefusedError, SealKeyError) as error:
            raise CommandRefusedError(str(error)) from error
        except OSError as error:
            raise CommandRefusedError(f"{out}: cannot be written: {error.strerror}") from error
    say(f"{out}: the record, sealed up to {newest.day}: {newest.fingerprint}")


@contextmanager
def _whole_file(out: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(out)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
