"""``siaga user`` and ``siaga token``: who may log in, and which programs may ask."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from config.accounts import AccountRefusedError
from config.cli_start import ACTOR, Started, start
from config.cli_words import CommandRefusedError, say
from dashboards.api import tokens
from dispatch.domain.vocabulary import UserRole

user_app = typer.Typer()
token_app = typer.Typer()

UserName = Annotated[str, typer.Argument(help="What the person types to log in.")]


@user_app.callback(no_args_is_help=True, epilog="Example: siaga user add maria --role dispatcher")
def user() -> None:
    """Say who may log in, and who no longer."""


@token_app.callback(no_args_is_help=True, epilog="Example: siaga token create --role manager")
def token() -> None:
    """Say which programs may use the API, and which no longer."""


@user_app.command("add", epilog="Example: siaga user add maria --role dispatcher")
def add_user(
    name: UserName,
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


@user_app.command("disable", epilog="Example: siaga user disable maria")
def disable_user(name: UserName) -> None:
    """Let a user log in no longer; whoever is logged in is out at once. Nothing of the record goes."""
    _set_active(name, is_active=False)


@user_app.command("enable", epilog="Example: siaga user enable maria")
def enable_user(name: UserName) -> None:
    """Let a user log in again, with the password of before."""
    _set_active(name, is_active=True)


@user_app.command("password", epilog="Example: siaga user password maria")
def change_password(name: UserName) -> None:
    """Give a user another password, asked for or read from standard input; ends their sessions."""
    try:
        with start(writes=True) as started:
            started.accounts.set_password(name, _password())
    except AccountRefusedError as error:
        raise CommandRefusedError(str(error)) from error
    say(f"user {name} has another password; whoever was logged in with the old one is out")


@user_app.command("list", epilog="Example: siaga user list")
def list_users() -> None:
    """Print everybody who has or had a log-in, with role, state and last log-in."""
    with start() as started:
        for row in started.accounts.users():
            state = "may log in" if row.is_active else "disabled"
            say(f"{row.username}: {row.role}, {state}; last log-in {_on(row.last_login_at, started)}")


def _set_active(name: str, *, is_active: bool) -> None:
    try:
        with start(writes=True) as started:
            changed = started.accounts.set_active(name, is_active=is_active)
    except AccountRefusedError as error:
        raise CommandRefusedError(str(error)) from error
    state = "may log in" if is_active else "is disabled"
    say(f"user {name} {state}" + ("" if changed else ", as before"))


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


@token_app.command("list", epilog="Example: siaga token list")
def list_tokens() -> None:
    """Print every token with its identifier, name, role and last use; the tokens themselves are not kept."""
    with start() as started:
        for row in tokens.all_tokens(started.services):
            state = "good" if row.revoked_at is None else f"revoked {_on(row.revoked_at, started)}"
            say(
                f"{row.id} {row.name}: {row.role}, {state}; made {_on(row.created_at, started)}, "
                f"last used {_on(row.last_used_at, started)}"
            )


@token_app.command("revoke", epilog="Example: siaga token revoke dashboard")
def revoke_token(
    wanted: Annotated[
        str, typer.Argument(metavar="ID|NAME", help="One by its identifier, or all of a name.")
    ],
) -> None:
    """Make a token worth nothing from now on."""
    try:
        with start(writes=True) as started:
            revoked = tokens.revoke(started.services, wanted, actor=ACTOR)
    except tokens.UnknownTokenError as error:
        raise CommandRefusedError(
            f"no token that is still good is called {wanted!r}; siaga token list shows which there are"
        ) from error
    for row in revoked:
        say(f"token {row.id} {row.name} is revoked")


def _on(at: datetime | None, started: Started) -> str:
    return "never" if at is None else f"{at.astimezone(started.facility.zone):%Y-%m-%d %H:%M}"


def _password() -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
