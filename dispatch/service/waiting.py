"""What waits when the clock is set: counted anew, so that nobody waits for an hour to come twice.

Nothing waits longer than its own length, counted from now. Nothing is done early either: what is taken for
granted too early (``meeting``) would be an untrue line. Decides nothing: when a deadline has come is said by
``escalation``, what is sent by the outbox.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatch.domain import escalation
from dispatch.domain.deliveries import retry_after_s
from dispatch.domain.vocabulary import DeliveryState
from dispatch.service import failures, ledger
from dispatch.service.outbox import TRIES
from dispatch.service.services import Services
from models.session import is_database_away
from models.traffic import IS_UNSENT, Deadline, Delivery
from models.unit_of_work import wake_engine_after

log = structlog.get_logger(__name__)

_CountAnew = Callable[[Session, Services, str, datetime], None]


def count_anew(services: Services) -> None:
    """Let every deadline and delivery wait no longer than it would if it began to wait now.

    Each in a transaction of its own, so that no two are locked at once; a second time changes nothing.
    """
    now = services.clock.now()
    with services.uow.read() as session:
        incidents = session.scalars(
            select(Deadline.incident_id)
            .where(Deadline.facility_id == services.facility_id, Deadline.due_at > now)
            .distinct()
        ).all()
        deliveries = session.scalars(
            select(Delivery.id).where(
                IS_UNSENT, Delivery.facility_id == services.facility_id, Delivery.next_attempt_at > now
            )
        ).all()
    for incident_id in incidents:
        _carry_out(services, _deadlines_of, incident_id)
    for delivery_id in deliveries:
        _carry_out(services, _delivery, delivery_id)


def put_off(services: Services) -> None:
    """Let what is taken for granted in silence wait its whole length from now: the clock was set forward."""
    with services.uow.read() as session:
        incidents = session.scalars(
            select(Deadline.incident_id)
            .where(Deadline.facility_id == services.facility_id, Deadline.kind.in_(escalation.CONFIRMATIONS))
            .distinct()
        ).all()
    for incident_id in incidents:
        _carry_out(services, _confirmations_of, incident_id)


def _confirmations_of(session: Session, services: Services, incident_id: str, now: datetime) -> None:
    for due in escalation.deadlines(ledger.load(session, services, incident_id)):
        if due.kind in escalation.CONFIRMATIONS:
            session.execute(
                update(Deadline)
                .where(
                    Deadline.incident_id == incident_id,
                    Deadline.kind == due.kind,
                    Deadline.subject == due.subject,
                    Deadline.due_at < now + due.wait,
                )
                .values(due_at=now + due.wait)
            )


def _carry_out(services: Services, one: _CountAnew, key: str) -> None:
    try:
        with services.uow.write() as session:
            one(session, services, key, services.clock.now())
            wake_engine_after(session)
    except Exception as error:
        if is_database_away(error):
            raise
        # One that is damaged must not keep the others waiting.
        log.exception("waiting.not_counted_anew", key=key)


def _deadlines_of(session: Session, services: Services, incident_id: str, now: datetime) -> None:
    for due in escalation.deadlines(ledger.load(session, services, incident_id)):
        latest_at = due.seen_from(now)
        session.execute(
            update(Deadline)
            .where(
                Deadline.incident_id == incident_id,
                Deadline.kind == due.kind,
                Deadline.subject == due.subject,
                Deadline.due_at > latest_at,
            )
            .values(due_at=latest_at)
        )


def _delivery(session: Session, services: Services, delivery_id: str, now: datetime) -> None:
    row = session.scalar(select(Delivery).where(IS_UNSENT, Delivery.id == delivery_id).with_for_update())
    if row is None:
        return
    row.next_attempt_at = min(row.next_attempt_at, now + timedelta(seconds=_longest_s(row, services)))
    if row.state == DeliveryState.SENDING:
        row.lease_until = row.next_attempt_at


def _longest_s(row: Delivery, services: Services) -> float:
    """How long a delivery may wait at most; a lease never less than whole, for its holder may be sending."""
    if row.state == DeliveryState.SENDING:
        return services.lease_s
    if row.attempts:
        return retry_after_s(row.attempts)
    tries = cast("int", row.details.get(TRIES, 0))
    return failures.pause_s(row, tries) if tries else 0.0
