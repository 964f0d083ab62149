"""``siaga evidence``: the pack of a period that somebody outside can verify with Python alone."""

import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from config.cli_reports import sources_of
from config.cli_seals import sealer_of
from config.cli_start import ACTOR, start
from config.cli_words import CommandRefusedError, say
from config.whole_files import whole_file
from dashboards.reports import evidence_pack
from dashboards.reports.periods import PeriodError, parse_period
from dashboards.trail import EVIDENCE_MADE
from dispatch.ports import SealKeyError
from dispatch.service.record_pack import NothingSealedError, PackWriter, write_record
from dispatch.service.sealing import SealRefusedError


def evidence(
    period: Annotated[str, typer.Option(metavar="2026-10|2026-Q4|2026", help="Month, quarter or year.")],
    out: Annotated[Path, typer.Option(metavar="PACK.zip", help="The file to write.")],
    asked_by: Annotated[str, typer.Option(hidden=True, help="Who pressed the button on the page.")] = ACTOR,
) -> None:
    """Write the sealed record of a period and its reports, with everything that is needed to verify them."""
    try:
        wanted = parse_period(period)
    except PeriodError as error:
        raise typer.BadParameter(str(error), param_hint="--period") from error
    with start(writes=True) as started:
        try:
            sealer = sealer_of(started)
            sealer.seal_due()
            with (
                whole_file(out) as file,
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
                left_out = evidence_pack.add_documents(
                    session,
                    pack,
                    sources=sources_of(started),
                    period=wanted,
                    as_of=started.clock.now(),
                )
                pack.close(sealer.key())
            started.note(EVIDENCE_MADE, wanted.text, actor=asked_by)
        except (NothingSealedError, SealRefusedError, SealKeyError) as error:
            raise CommandRefusedError(str(error)) from error
        except OSError as error:
            raise CommandRefusedError(f"{out}: cannot be written: {error.strerror}") from error
    for line in left_out:
        say(line)
    say(f"{out}: the record, sealed up to {newest.day}: {newest.fingerprint}")
