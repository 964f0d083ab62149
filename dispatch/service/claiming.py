"""Taking what is due out of the outbox, each delivery for one engine alone (DESIGN 4).

A delivery is claimed under a lease and sent outside any transaction. One whose lease ran out, or whose engine
is dead, has an unknown outcome: the provider is asked before it is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, func, literal, null, or_, select, update

from dispatch.domain.effects import Purpose
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.service import outbox, pacing
from dispatch.service.processes import has_ended, name_of_this_process
from dispatch.service.services import Services
from models.base import UtcDateTime, table_of
from models.statements import Prepared, among
from models.traffic import IS_UNSENT, Delivery
from models.unit_of_work import wake_engine_after

log = structlog.get_logger(__name__)

_DELIVERY = table_of(Delivery)

_CAN_WAIT = or_(_DELIVERY.c.urgency > outbox.LAST_FIRST_ASK, _DELIVERY.c.attempts > 0)
"""Whatever repeats something, was tried already, or tells people that they are not needed."""

_READ = (
    *(_DELIVERY.c.id, _DELIVERY.c.incident_id, _DELIVERY.c.staff_id, _DELIVERY.c.purpose),
    *(_DELIVERY.c.channel, _DELIVERY.c.to_number, _DELIVERY.c.details, _DELIVERY.c.urgency),
    *(_DELIVERY.c.state, _DELIVERY.c.attempts, _DELIVERY.c.provider),
    *(_DELIVERY.c.created_at, _DELIVERY.c.valid_until),
)

_MOST_URGENT = Prepared(
    select(*_READ)
    .where(IS_UNSENT, _DELIVERY.c.next_attempt_at <= bindparam("now"))
    .order_by(_CAN_WAIT, _DELIVERY.c.urgency, _DELIVERY.c.created_at, _DELIVERY.c.id)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True)
)

_TAKE = Prepared(
    among(
        update(_DELIVERY).values(
            state=literal(str(DeliveryState.SENDING)),
            attempts=_DELIVERY.c.attempts + 1,
            claimed_by=bindparam("by"),
            lease_until=bindparam("until", type_=UtcDateTime),
            next_attempt_at=bindparam("until", type_=UtcDateTime),
        ),
        _DELIVERY.c.id,
        "taken",
    )
)

_EXPIRE = Prepared(
    among(
        update(_DELIVERY).values(
            state=literal(str(DeliveryState.WITHDRAWN)),
            error_code=literal("expired"),
            lease_until=null(),
            finished_at=bindparam("now", type_=UtcDateTime),
        ),
        _DELIVERY.c.id,
        "expired",
    )
)

_PUT_OFF = Prepared(
    update(_DELIVERY)
    .where(_DELIVERY.c.id == bindparam("put_off"))
    .values(next_attempt_at=bindparam("until", type_=UtcDateTime))
)

SETTLES_S = 1.0
"""After the death of whoever sent it, until the provider shows a request that was on its way."""

_IN_FLIGHT = (IS_UNSENT, Delivery.state == DeliveryState.SENDING)
"""Said twice, because the partial index serves only the words of the first."""

NEXT_DUE = select(func.min(_DELIVERY.c.next_attempt_at)).where(IS_UNSENT).scalar_subquery()
"""When the outbox next wants the engine, or NULL when nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this engine alone may send until its lease runs out."""

    id: str
    incident_id: str | None
    staff_id: str | None
    purpose: Purpose
    channel: AlertChannel
    to_number: str
    details: dict[str, Any]
    attempts: int
    created_at: datetime
    ask_first: bool
    provider: str | None = None
    """Where its outcome became unknown, if one answer was lost; after a crash nobody knows."""
    valid_until: datetime | None = None
    lease_until: datetime | None = None

    @property
    def is_first_alert(self) -> bool:
        """Whether this is the first attempt to reach this worker about this incident."""
        return self.purpose is Purpose.ALERT and self.attempts == 1 and self.details.get("turn") == 1


class Claims(list[Claimed]):
    """What was claimed; ``more`` may be due, or soon, than there was room for or the pace let through."""

    more: bool = True


def claim(services: Services, *, limit: int, spare: int = 0) -> Claims:
    """Take up to *limit* due deliveries under a lease, the most urgent first.

    The last *spare* places are kept for people who have not been asked yet. Texts that waited past their
    validity are withdrawn instead, and rings that repeat others wait their turn. On PostgreSQL several
    engines share the work without waiting for each other.
    """
    now = services.clock.now()
    until = now + timedelta(seconds=services.lease_s)
    claimed = Claims()
    with services.uow.write() as session:
        connection = session.connection()
        while room := limit - len(claimed):
            due = _MOST_URGENT.run(connection, {"now": now, "room": room})
            expired = [row.id for row in due if row.valid_until is not None and row.valid_until <= now]
            fresh = [row for row in due if row.id not in expired]
            seated = _seated(fresh, room - spare)
            admitted, put_off = pacing.admit(session, services, seated, now)
            if expired:
                _EXPIRE.run(connection, {"expired": expired, "now": now})
            if put_off:
                _PUT_OFF.run(connection, [{"put_off": each, "until": at} for each, at in put_off.items()])
            if admitted:
                taken = [row.id for row in admitted]
                _TAKE.run(connection, {"taken": taken, "by": name_of_this_process(), "until": until})
            claimed += [_claimed(row, until) for row in admitted]
            if len(due) < room or len(seated) < len(fresh):
                claimed.more = len(seated) < len(fresh) or len(admitted) < len(seated)
                break
    return claimed


def let_go_of_the_dead(services: Services) -> None:
    """What a process was sending that has certainly ended is asked about soon, and not after its lease."""
    with services.uow.read() as session:
        claimers = session.scalars(select(Delivery.claimed_by).where(*_IN_FLIGHT).distinct()).all()
    on_this_machine = services.uow.is_sqlite
    dead = [name for name in claimers if name and has_ended(name, on_this_machine=on_this_machine)]
    if not dead:
        return
    at = services.clock.now() + timedelta(seconds=SETTLES_S)
    with services.uow.write() as session:
        left = update(Delivery).where(
            *_IN_FLIGHT, Delivery.claimed_by.in_(dead), Delivery.next_attempt_at > at
        )
        session.execute(
            left.values(lease_until=at, next_attempt_at=at).execution_options(synchronize_session=False)
        )
        wake_engine_after(session)
    log.warning("delivery.left_by_the_dead", processes=len(dead))


def _seated(due: Sequence[pacing.Waiting], places: int) -> list[pacing.Waiting]:
    """All of *due* that cannot wait, and as many of the rest as there are *places* beside them."""
    urgent = [row for row in due if row.urgency <= outbox.LAST_FIRST_ASK and row.attempts == 0]
    return [*urgent, *due[len(urgent) : max(len(urgent), places)]]


def _claimed(row: pacing.Waiting, until: datetime) -> Claimed:
    return Claimed(
        id=row.id,
        incident_id=row.incident_id,
        staff_id=row.staff_id,
        purpose=Purpose(row.purpose),
        channel=AlertChannel(row.channel),
        to_number=row.to_number,
        details=row.details,
        attempts=row.attempts + 1,
        created_at=row.created_at,
        ask_first=row.state != DeliveryState.PENDING,
        provider=row.provider if row.state == DeliveryState.UNKNOWN else None,
        valid_until=row.valid_until,
        lease_until=until,
    )
