"""Two that meet in PostgreSQL in the worst order: each holds what the other one wants next."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine, NullPool, create_engine, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.event import listen, remove

from tests.fakes.telephony import WAIT_S
from tests.world import World, at_once

LOOKS_EVERY_S = 0.01
T = TypeVar("T")

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def soon(url: str, more: str = "") -> str:
    """The address with which two that wait for each other are found soon, and not after a second.

    The server looks once, so long after the first began to wait: by then the other must wait as well.
    """
    options = f"-c deadlock_timeout=400ms {more}".strip()
    return make_url(url).update_query_dict({"options": options}).render_as_string(hide_password=False)


@contextmanager
def terminal(url: str) -> Iterator[Connection]:
    """Somebody at a terminal of the database, who has all the time in the world."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET deadlock_timeout = '1min'"))
        connection.commit()
        yield connection
        connection.rollback()


def until_somebody_waits(url: str, or_else: Callable[[], bool] = lambda: False, *, many: int = 1) -> None:
    """Return when a session waits for a lock of another one, or *many* do."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    pause = threading.Event()
    with engine.connect() as connection:
        for _ in range(int(WAIT_S / LOOKS_EVERY_S)):
            if or_else() or connection.scalar(_WAITING) >= many:
                return
            pause.wait(LOOKS_EVERY_S)
    raise AssertionError("nobody waits for a lock")


def crossed(one: World, other: World, act: Callable[[], T], other_act: Callable[[], T]) -> list[T]:
    """What both gave, done at once by two processes; neither goes on from its first lock before the other.

    The other has its own first lock by then, or waits for this one.
    """
    url = one.uow.engine.url.render_as_string(hide_password=False)
    holders: set[Engine] = set()

    def note(engine: Engine, *event: object) -> None:
        if " FOR " in str(event[2]) and "UPDATE" in str(event[2]) and engine not in holders:
            holders.add(engine)
            until_somebody_waits(url, or_else=lambda: len(holders) == 2)

    listeners = [(world.uow.engine, partial(note, world.uow.engine)) for world in (one, other)]
    for engine, listener in listeners:
        listen(engine, "after_cursor_execute", listener)
    try:
        return at_once(act, other_act)
    finally:
        for engine, listener in listeners:
            remove(engine, "after_cursor_execute", listener)
