"""Taking what is due out of the outbox, each delivery for one engine alone (DESIGN 4).

A delivery is claimed under a lease and sent outside any transaction. One whose lease ran out, or whose engine
is dead, has an unknown outcome: the provider is asked before it is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, func, or_, select, update

from dispatch.domain.effects import Purpose
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.service import outbox, pacing
from dispatch.service.processes import has_ended, name_of_this_process
from dispatch.service.services import Services
from models.base import table_of
from models.traffic import IS_UNSENT, Delivery
from models.unit_of_work import wake_engine_after

log = structlog.get_logger(__name__)

_CAN_WAIT = or_(Delivery.urgency > outbox.LAST_FIRST_ASK, Delivery.attempts > 0)
"""Whatever repeats something, was tried already, or tells people that they are not needed."""

_MOST_URGENT = (
    select(Delivery)
    .where(IS_UNSENT, Delivery.next_attempt_at <= bindparam("now"))
    .order_by(_CAN_WAIT, Delivery.urgency, Delivery.created_at, Delivery.id)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True)
)

SETTLES_S = 1.0
"""After the death of whoever sent it, until the provider shows a request that was on its way."""

_IN_FLIGHT = (IS_UNSENT, Delivery.state == DeliveryState.SENDING)
"""Said twice, because the partial index serves only the words of the first."""

NEXT_DUE = select(func.min(table_of(Delivery).c.next_attempt_at)).where(IS_UNSENT).scalar_subquery()
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
    claimed = Claims()
    with services.uow.write() as session:
        while room := limit - len(claimed):
            due = session.scalars(_MOST_URGENT, {"now": now, "room": room}).all()
            fresh = [row for row in due if not _has_expired(row, now)]
            seated = _seated(fresh, room - spare)
            admitted = pacing.admit(session, services, seated, now)
            claimed += [_take(row, now, services.lease_s) for row in admitted]
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


def _seated(due: Sequence[Delivery], places: int) -> list[Delivery]:
    """All of *due* that cannot wait, and as many of the rest as there are *places* beside them."""
    urgent = [row for row in due if row.urgency <= outbox.LAST_FIRST_ASK and row.attempts == 0]
    return [*urgent, *due[len(urgent) : max(len(urgent), places)]]


def _has_expired(row: Delivery, now: datetime) -> bool:
    """Whether it came too late to help; then it is taken out of the queue."""
    if row.valid_until is None or row.valid_until > now:
        return False
    outbox.withdraw(row, now)
    row.error_code = "expired"
    return True


def _take(row: Delivery, now: datetime, lease_s: float) -> Claimed:
    ask_first = row.state != DeliveryState.PENDING
    lost_at = row.provider if row.state == DeliveryState.UNKNOWN else None
    row.state = DeliveryState.SENDING
    row.attempts += 1
    row.claimed_by = name_of_this_process()
    row.lease_until = now + timedelta(seconds=lease_s)
    row.next_attempt_at = row.lease_until
    return Claimed(
        id=row.id,
        incident_id=row.incident_id,
        staff_id=row.staff_id,
        purpose=Purpose(row.purpose),
        channel=AlertChannel(row.channel),
        to_number=row.to_number,
        details=dict(row.details),
        attempts=row.attempts,
        created_at=row.created_at,
        ask_first=ask_first,
        provider=lost_at,
        valid_until=row.valid_until,
        lease_until=row.lease_until,
    )
