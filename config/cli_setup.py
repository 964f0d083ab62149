"""``siaga migrate``, ``doctor``, ``settings`` and ``policy``: setting up, and looking."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from config import settings_reference
from config.cli_start import keep_facility, read_settings
from config.cli_words import CommandRefusedError, say
from config.doctor import Check, State, examine
from config.facility import load_facility
from config.policy import SHIPPED, load_policy
from config.settings import load_settings, variable
from dispatch.adapters.clock import SystemClock
from dispatch.domain.policy import Policy, Tier
from models import migrating
from models.session import COMMAND, open_database
from models.unit_of_work import UnitOfWork

policy_app = typer.Typer()

_URGENCY = (State.WRONG, State.DOUBTFUL, State.OK)
"""What is looked at first at night; within each, the order in which a person would repair things."""

PolicyPath = Annotated[
    Path | None, typer.Argument(metavar="[FILE.toml]", help="The policy in effect when none is named.")
]


def migrate() -> None:
    """Bring the database to the current schema; safe to repeat."""
    settings = read_settings()
    facility = load_facility(settings.facility_file)
    before = migrating.current(settings.database_url)
    migrating.upgrade(settings.database_url)
    engine = open_database(settings.database_url, pool_size=1, patience=COMMAND)
    keep_facility(UnitOfWork(engine), facility)
    engine.dispose()
    head = migrating.HEAD
    say(f"schema {head}: nothing to do" if before == head else f"schema {before or 'none'} → {head}")


def doctor() -> None:
    """Check settings, telephony, disk, database, clock, roster and engine: one line each, failures first."""
    wrong = 0
    for check in sorted(_examined(), key=lambda check: _URGENCY.index(check.state)):
        say(f"{check.state:<11} {check.subject}: {check.text}")
        wrong += check.state is State.WRONG
    if wrong:
        raise CommandRefusedError(f"{wrong} {'check' if wrong == 1 else 'checks'} failed")


def settings(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference of all settings, as in docs/settings.md.")
    ] = False,
) -> None:
    """Print the settings in effect, secrets hidden."""
    if markdown:
        typer.echo(settings_reference.reference(), nl=False)
        return
    for name, value in settings_reference.effective(read_settings()):
        say(f"{name}={value}")


@policy_app.callback(invoke_without_command=True, epilog="Example: siaga policy check my-policy.toml")
def policy(context: typer.Context) -> None:
    """Print the ladder of the policy in effect."""
    if context.invoked_subcommand is None:
        check_policy(None)


@policy_app.command("check", epilog="Example: siaga policy check my-policy.toml")
def check_policy(path: PolicyPath = None) -> None:
    """Check a policy file and print its ladder: who is rung, how many at once, for how long."""
    file = path or _policy_in_effect()
    checked = load_policy(file)
    say(f"{file or SHIPPED}: ok")
    for line in _ladder(checked):
        say(line)


def _examined() -> Iterator[Check]:
    settings = read_settings()
    facility = load_facility(settings.facility_file)
    policy = load_policy(settings.policy_file)
    yield from examine(settings=settings, facility=facility, policy=policy, now=SystemClock().now())


def _policy_in_effect() -> Path | None:
    """The file in the settings; looking at it needs no secret key."""
    secret = variable("secret_key")
    return load_settings({secret: "not needed for looking", **os.environ}).policy_file


def _ladder(policy: Policy) -> list[str]:
    alerting, caller = policy.alerting, policy.caller
    lines = [f"{caller.alert_after_s:g} s after a call comes in:"]
    lines += [f"  {place}. {_rung(tier)}" for place, tier in enumerate(alerting.tiers, 1)]
    lines += [
        f"  then {alerting.tiers[-1].name} again every {alerting.repeat_s:g} s until somebody accepts",
        f"each call rings {alerting.call_ring_s:g} s; a silent one again after {alerting.second_ring_s:g} s",
    ]
    return lines


def _rung(tier: Tier) -> str:
    channels = "+".join(tier.channels)
    return (
        f"{tier.name}: {tier.alert_at_once} at once when red or unknown, else one by one; "
        f"{tier.accept_within_s:g} s each; {channels}"
    )
