"""The program ``siaga``: its commands, and how it ends when something is wrong (CONTRACT 1).

Decides exit statuses (0 done, 1 refused or failed, 2 wrong usage) and that a person sees one line, never a
traceback. What the commands do stands in the modules beside this one.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from config import serving
from config.cli_words import refuse

# What the library puts before the words of a value that was refused.
_LIBRARYS_OWN = "Value error, "

QUICK = ("serve", "engine")
"""What must be there soon, and so does not wait for the imports of the other commands (ADR 0022)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends with SystemExit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    app = _commands()
    try:
        if given[:1] not in ([name] for name in QUICK):
            _add_the_others(app)
        app(args=given, prog_name="siaga")
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`).
        sys.stderr.close()
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - the edge: a person gets one line, the log gets everything
        from config.cli_failures import line_of  # noqa: PLC0415 - only for this

        refuse(line_of(error))


class _Spoken(TyperGroup):
    """Every command; says what is wrong with a value in plain words."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the library keeps its own types to itself
        """Run what was asked for."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_LIBRARYS_OWN)
            raise


def _commands() -> typer.Typer:
    app = typer.Typer(
        cls=_Spoken,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Siaga 911: a call becomes an incident, the right people are rung, the times are on record.",
    )
    app.command("serve", epilog="Example: siaga serve --host 0.0.0.0 --port 8911")(serving.serve)
    app.command("engine", epilog="Example: siaga engine")(serving.engine)
    return app


def _add_the_others(app: typer.Typer) -> None:
    from config import (  # noqa: PLC0415 - see QUICK
        cli_access,
        cli_backup,
        cli_evidence,
        cli_imports,
        cli_personal,
        cli_record,
        cli_reports,
        cli_seals,
        cli_setup,
        cli_staff,
    )
    from config.logging import configure_logging  # noqa: PLC0415 - see QUICK

    # Until the settings say how to log, only trouble is worth a line.
    configure_logging("console", level=logging.WARNING)
    app.command("migrate", epilog="Example: siaga migrate")(cli_setup.migrate)
    app.command("doctor", epilog="Example: siaga doctor")(cli_setup.doctor)
    app.command("report", epilog="Example: siaga report --period 2026-10 --format html --out october.html")(
        cli_reports.report
    )
    app.command("verify", epilog="Example: siaga verify october.zip")(cli_record.verify)
    app.command("evidence", epilog="Example: siaga evidence --period 2026-10 --out october.zip")(
        cli_evidence.evidence
    )
    app.command(
        "erase", epilog='Example: siaga erase --number 0811-2345-678 --reason "request no. 12 of 3 November"'
    )(cli_personal.erase)
    app.command(
        "breach-notice",
        epilog="Example: siaga breach-notice --from 2026-11-01 --to 2026-11-03 --out notice.pdf",
    )(cli_personal.breach_notice)
    app.command("seal", epilog="Example: siaga seal")(cli_seals.seal)
    app.command("key", epilog="Example: siaga key")(cli_seals.key)
    app.command("backup", epilog="Example: siaga backup /mnt/usb/siaga.db")(cli_backup.backup)
    app.command("restore", epilog="Example: siaga restore /mnt/usb/siaga.db")(cli_backup.restore)
    app.command("fallback", epilog="Example: siaga fallback > fallback.xml")(cli_record.fallback)
    app.command("settings", epilog="Example: siaga settings --markdown > docs/settings.md")(
        cli_setup.settings
    )
    app.add_typer(cli_imports.app, name="import")
    app.add_typer(cli_reports.export_app, name="export")
    app.add_typer(cli_staff.app, name="staff")
    app.add_typer(cli_access.user_app, name="user")
    app.add_typer(cli_access.token_app, name="token")
    app.add_typer(cli_setup.policy_app, name="policy")


if __name__ == "__main__":
    main()
