"""``siaga user`` and ``siaga token``: who may log in, and which programs may ask."""

import sys
from typing import Annotated

import typer

from config.accounts import AccountRefusedError
from config.cli_start import ACTOR, start
from config.cli_words import CommandRefusedError, say
from dashboards.api import tokens
from dispatch.domain.vocabulary import UserRole

user_app = typer.Typer()
token_app = typer.Typer()


@user_app.callback(no_args_is_help=True, epilog="Example: siaga user add maria --role dispatcher")
def user() -> None:
    """Add people who may log in."""


@token_app.callback(no_args_is_help=True, epilog="Example: siaga token create --role manager")
def token() -> None:
    """Create tokens for programs that use the API."""


@user_app.command("add", epilog="Example: siaga user add maria --role dispatcher")
def add_user(
    name: Annotated[str, typer.Argument(help="What the person types to log in.")],
    role: Annotated[UserRole, typer.Option(help="What the person may see and do.")],
    staff: Annotated[
        str | None, typer.Option(metavar="CODE", help="Staff code, when it is one of them.")
    ] = None,
) -> None:
    """Add a user; asks for the password, or reads it from standard input."""
    try:
        with start(writes=True) as started:
            started.accounts.add_user(name, _password(), role, staff_code=staff)
    except AccountRefusedError as error:
        raise CommandRefusedError(str(error)) from error
    say(f"user {name} added as {role}")


@token_app.command("create", epilog="Example: siaga token create --role manager --name dashboard")
def create_token(
    role: Annotated[UserRole, typer.Option(help="What the program may see and do.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "api",
) -> None:
    """Create an API token and print it: it is not kept and cannot be shown again."""
    try:
        with start(writes=True) as started:
            created = tokens.create_token(started.services, role=role, name=name, actor=ACTOR)
    except ValueError as error:
        raise CommandRefusedError(str(error)) from error
    say(created)


def _password() -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
