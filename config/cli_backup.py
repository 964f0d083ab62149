"""``siaga backup`` and ``siaga restore``: copies of everything, made while calls come in, and put back.

What copies is imported by the commands themselves: a server that starts reads this file too, and has a caller
waiting (ADR 0022).
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.cli_record import line_of
from config.cli_start import ACTOR, read_settings, sqlite_file
from config.cli_words import CommandRefusedError, say
from config.facility import load_facility
from config.settings import Settings
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from dispatch.service.backup_pulse import good_backup
from models import migrating
from models.facility import Facility
from models.record import Audit
from models.session import COMMAND, open_database
from models.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from config.backing_up import Made

_CHECKED = {
    "chain": "checked by its own chain",
    "contents": "it can be read; its record was not checked",
    "no": "not checked",
}


def backup(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The new file.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Give it a name of its own in this folder instead."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(help="With --dir: keep the newest of so many days and the first of 12 months.", min=1),
    ] = None,
    checks: Annotated[bool, typer.Option("--check/--no-check", help="Check the copy's record.")] = True,
) -> None:
    """Copy the database, with every call and every line, while it is in use; check the copy."""
    from config import backing_up  # noqa: PLC0415 - see above
    from models.copying import CopyError  # noqa: PLC0415 - see above

    settings = read_settings()
    facility = load_facility(settings.facility_file)
    now = SystemClock().now()
    if (file is None) == (folder is None) or (keep is not None and folder is None):
        raise typer.BadParameter("name either a FILE or --dir DIR; --keep goes with --dir")
    source = sqlite_file(settings.database_url)
    if source is not None and not source.exists():
        raise CommandRefusedError(f"there is no database {str(source)!r} yet; run: siaga migrate")
    if folder is not None:
        kind = "postgresql" if source is None else "sqlite"
        file = folder / backing_up.name_for(facility.code, kind, now)
    assert file is not None
    try:
        made = backing_up.back_up(settings.database_url, facility.code, file, now=now, checks=checks)
    except CopyError as error:
        raise CommandRefusedError(str(error)) from error
    say(f"{made.file}: {made.manifest.standing}; {_CHECKED[made.manifest.checked]}")
    if made.findings:
        for finding in made.findings:
            say(line_of(finding))
        raise CommandRefusedError(
            f"the backup is whole, but the record in it is not intact: {len(made.findings)} findings"
        )
    if made.manifest.checked != "no" and _is_where_they_belong(made.file, settings):
        _leave_a_sign(settings, facility.code, made)
    if folder is not None and keep is not None:
        for gone in backing_up.rotate(folder, facility.code, days=keep, zone=facility.zone):
            say(f"{gone}: deleted, by rotation")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup; its manifest stands beside it.")],
    into: Annotated[
        str | None, typer.Option(metavar="URL", help="Another database than that of the settings.")
    ] = None,
    overwrites: Annotated[
        bool, typer.Option("--yes", help="Set aside what stands there, even if there are incidents in it.")
    ] = False,
    even_damaged: Annotated[
        bool, typer.Option("--even-damaged", help="Put it in place even if its record is not intact.")
    ] = False,
) -> None:
    """Put a backup in place of the database, which must not be in use; what stood there is set aside."""
    from config import restoring  # noqa: PLC0415 - see above
    from models.copying import CopyError  # noqa: PLC0415 - see above

    settings = read_settings()
    facility = load_facility(settings.facility_file)
    order = restoring.Order(
        file=file,
        url=into or settings.database_url,
        facility=facility.code,
        now=SystemClock().now(),
        overwrites=overwrites,
        even_damaged=even_damaged,
    )
    try:
        restored = restoring.restore(order)
    except CopyError as error:
        raise CommandRefusedError(str(error)) from error
    except restoring.NotIntactError as error:
        for finding in error.findings:
            say(line_of(finding))
        raise CommandRefusedError(
            f"{error}; nothing was changed; to restore it so say --even-damaged"
        ) from error
    say(f"restored: {restored.standing}")
    if not restored.has_manifest:
        say("there was no manifest beside it: that nothing is missing at its end was not checked")
    if restored.schema_before != migrating.HEAD:
        say(f"schema {restored.schema_before} → {migrating.HEAD}")
    if restored.set_aside:
        say(f"what stood there is kept: {restored.set_aside}")
    for finding in restored.findings:
        say(line_of(finding))
    if restored.findings:
        raise CommandRefusedError(
            f"restored, but the record is not intact: {len(restored.findings)} findings"
        )
    say("the record is intact")


def _is_where_they_belong(file: Path, settings: Settings) -> bool:
    """Whether it lies in the folder of the daily ones; a copy taken elsewhere does not replace today's."""
    return settings.backup_dir is not None and file.parent.resolve() == settings.backup_dir.resolve()


def _leave_a_sign(settings: Settings, facility: str, made: "Made") -> None:
    """Tell the running program, whose watchdog asks for it, and the audit trail, which forgets none."""
    if made.manifest.schema != migrating.HEAD:
        return
    uow = UnitOfWork(open_database(settings.database_url, pool_size=1, patience=COMMAND))
    try:
        now = SystemClock().now()
        good_backup(uow, file=made.file.name, now=now)
        with uow.write() as session:
            # Before the first start there is nobody whose trail it could be.
            if session.get(Facility, facility) is not None:
                session.add(_act(facility, made.file.name, now))
    finally:
        uow.engine.dispose()


def _act(facility: str, file: str, now: datetime) -> Audit:
    return Audit(
        id=RandomIds().new_id(),
        facility_id=facility,
        at=now,
        actor=ACTOR,
        action="backup.made",
        subject=file[-80:],
        data={},
    )
