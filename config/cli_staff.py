"""``siaga staff``: who is on the staff list, and taking somebody off it."""

from typing import Annotated

import typer

from config.cli_start import start
from config.cli_words import CommandRefusedError, say
from dispatch.service.staff_list import UnknownWorkerError, everybody, set_on_list

app = typer.Typer()

Code = Annotated[str, typer.Argument(metavar="CODE", help="Staff code, as in the staff file.")]


@app.callback(no_args_is_help=True, epilog="Example: siaga staff off N01")
def staff() -> None:
    """Take people off the staff list, and back; siaga import staff adds them."""


@app.command("list", epilog="Example: siaga staff list")
def list_staff() -> None:
    """Print everybody who is or was on the list; numbers are not shown."""
    with start() as started:
        for row in everybody(started.importer):
            state = "on the list" if row.is_active else "off the list"
            say(f"{row.code}: {row.name}, {row.role}, {state}")


@app.command("off", epilog="Example: siaga staff off N01")
def take_off(code: Code) -> None:
    """Have somebody rung no longer, and end their personal links; the record keeps what they did."""
    _set_on_list(code, is_active=False)


@app.command("on", epilog="Example: siaga staff on N01")
def take_back(code: Code) -> None:
    """Put somebody back on the list, with the shifts that they still have."""
    _set_on_list(code, is_active=True)


def _set_on_list(code: str, *, is_active: bool) -> None:
    try:
        with start(writes=True) as started:
            changed = set_on_list(started.importer, code, is_active=is_active)
    except UnknownWorkerError as error:
        raise CommandRefusedError(
            f"nobody has the staff code {code!r}; siaga staff list shows who there is"
        ) from error
    say(f"{code} is {'on' if is_active else 'off'} the list" + ("" if changed else ", as before"))
