"""Carrying a command out again that lost against another one (ADR 0042).

A command is written whole or not at all and makes its identifiers inside, so that of one that failed nothing
is left, and a repeat is as the first time. Whoever won is let in first.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from models.session import lost_a_race

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LETS_IN_S = 0.01
"""The winner must be woken first: a repeat that came before it would take what it waits for."""

TIMES = 3
"""How often a command is carried out at most, each time because it lost against another one."""


def repeated(command: Callable[P, T]) -> Callable[P, T]:
    """*command*, carried out again when it lost against another one."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TIMES - 1):
            try:
                return command(*args, **kwargs)
            except DBAPIError as error:
                if not lost_a_race(error):
                    raise
                log.warning("command.repeated", reason=type(error.orig).__name__)
            threading.Event().wait(LETS_IN_S)
        return command(*args, **kwargs)

    return run


def once_more(command: Callable[[], T]) -> T:
    """What *command* returns; carried out a second time at once when its connection died under it.

    PostgreSQL was restarted, or another server took its place. Whether it was committed nobody knows, so this
    is only for what finds its own traces, as a request does that the provider may send twice.
    """
    try:
        return command()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        log.warning("command.connection_lost", reason=type(error.orig).__name__)
    return command()
