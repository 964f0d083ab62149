"""Keeping to the provider's calls per second, without ever holding back a call that somebody waits for.

Only a ring that repeats an earlier one waits for its turn: the first call to each person about an incident,
a call that connects a caller who waits, and a call-back leave at once, and are merely counted. When the next
call may leave is a row that all engines share; while somebody else holds it, nothing waits for the row: what
leaves at once is not counted, and a repeat is looked at again in a moment (ADR 0038).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, bindparam, case, select
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.vocabulary import AlertChannel
from dispatch.service.services import Services
from models.base import table_of
from models.statements import either
from models.traffic import Pace

MOST_AHEAD_S = 2.0
"""However many calls left at once, what waits its turn is held for them no longer than this: the provider's
own queue has them by then, and a phone that was silent is to be tried again within three minutes."""

AGAIN_AFTER = timedelta(milliseconds=250)
"""When a repeat is looked at again that found the row in somebody else's hands: the engine's own tick."""

_CALLS = (Purpose.ALERT, Purpose.CONNECT, Purpose.CALL_BACK, Purpose.SURVEY)
_PACE = table_of(Pace)
_FREE_AT = select(_PACE.c.free_at).where(_PACE.c.provider == bindparam("of_provider"))
_TAKE_FREE_AT = _FREE_AT.with_for_update(skip_locked=True)
_PUSH = either(
    lambda insert: (new := insert(_PACE)).on_conflict_do_update(
        index_elements=[_PACE.c.provider],
        set_={
            "free_at": case(
                (new.excluded.free_at > _PACE.c.free_at, new.excluded.free_at), else_=_PACE.c.free_at
            )
        },
    )
)
_SET = either(
    lambda insert: (new := insert(_PACE)).on_conflict_do_update(
        index_elements=[_PACE.c.provider], set_={"free_at": new.excluded.free_at}
    )
)


Waiting = Row[*tuple[Any, ...]]
"""A row of the outbox, as it was read."""

Admitted = tuple[list[Waiting], Mapping[str, datetime]]
"""Those that may leave now, and by the identifier of each other one the instant it is to wait for."""


def is_call(row: Waiting) -> bool:
    """Whether it makes the provider place a call."""
    return row.channel == AlertChannel.VOICE and row.purpose in _CALLS


def waits_its_turn(row: Waiting) -> bool:
    """Whether it repeats an earlier ring, or only asks a question, so that it may wait for the others."""
    if row.purpose == Purpose.SURVEY:
        return is_call(row)
    turn = cast("int", row.details.get("turn", 1))
    return row.channel == AlertChannel.VOICE and row.purpose == Purpose.ALERT and turn > 1


def admit(session: Session, services: Services, due: Sequence[Waiting], now: datetime) -> Admitted:
    """Those of *due*, in their order, that may leave now; each of the others is given its instant."""
    gap = _gap(services)
    calls = [row for row in due if is_call(row)]
    if gap is None or not calls:
        return list(due), {}
    at_once = sum(1 for row in calls if not waits_its_turn(row))
    connection = session.connection()
    known = connection.execute(_TAKE_FREE_AT, {"of_provider": _provider(services)}).scalar()
    if known is None and _is_held(connection, services):
        return _those_at_once(due, now)
    ahead = min(at_once * gap, timedelta(seconds=MOST_AHEAD_S))
    if at_once == len(calls):
        row = {"provider": _provider(services), "free_at": now + ahead}
        connection.execute(_PUSH[connection.dialect.name], row)
        return list(due), {}
    free_at = known or now
    if not now < free_at <= now + max(gap, timedelta(seconds=MOST_AHEAD_S)):
        # Free already; or so far ahead that the clock must have been put back since.
        free_at = now
    free_at = max(free_at, now + ahead)
    admitted: list[Waiting] = []
    put_off: dict[str, datetime] = {}
    for one in due:
        if not waits_its_turn(one):
            admitted.append(one)
        elif free_at <= now:
            admitted.append(one)
            free_at = now + gap
        else:
            put_off[one.id] = free_at + len(put_off) * gap
    row = {"provider": _provider(services), "free_at": free_at}
    connection.execute(_SET[connection.dialect.name], row)
    return admitted, put_off


def _is_held(connection: Connection, services: Services) -> bool:
    """Whether the row that could not be had is there: then it is in somebody else's hands."""
    return connection.execute(_FREE_AT, {"of_provider": _provider(services)}).first() is not None


def _those_at_once(due: Sequence[Waiting], now: datetime) -> Admitted:
    put_off = {row.id: now + AGAIN_AFTER for row in due if waits_its_turn(row)}
    return [row for row in due if row.id not in put_off], put_off


def _gap(services: Services) -> timedelta | None:
    """Between two calls, in whole milliseconds as all instants are; None where there is no limit."""
    if services.calls_per_second <= 0:
        return None
    return timedelta(milliseconds=math.ceil(1000 / services.calls_per_second))


def _provider(services: Services) -> str:
    """Whose limit counts: that of the one asked first. Another is there for need, and is not held back."""
    return services.providers[0] if services.providers else "none"
