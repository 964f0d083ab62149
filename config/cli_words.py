"""How a command speaks: results on standard output, and one line on standard error when it refuses.

Imports nothing of the program, so that a server has its socket open before the rest is there.
"""

import sys
from typing import NoReturn

import typer


class CommandRefusedError(Exception):
    """A command cannot do what it was asked; the message is the one line that the person sees."""


def say(line: str = "") -> None:
    """One line of a result."""
    typer.echo(line)


def refuse(line: str) -> NoReturn:
    """End the command with exit status 1 and *line* as the last on standard error."""
    sys.stdout.flush()
    typer.echo(line, err=True)
    raise SystemExit(1)
