"""Holding a delivery while a report about it is written, and its incident before it.

What reports say is written by one statement, with what the incident's record says of it, and without the
ORM, which took longer over a row than the database (docs/performance.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import bindparam, inspect, literal, select, true, update
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.service import ledger
from dispatch.service.services import Services
from models import incident as rows
from models.base import table_of
from models.sessions import gathered
from models.statements import Prepared
from models.traffic import Delivery

Values = dict[str, Any]

_INCIDENT, _DELIVERY = table_of(rows.Incident), table_of(Delivery)
_PLACE_OF_DELIVERY = (
    ledger.PLACES.join(_DELIVERY, _DELIVERY.c.incident_id == _INCIDENT.c.id)
    .where(
        _DELIVERY.c.id == bindparam("delivery_id"),
        # A report of no other goes on to its incident; who holds that may touch a row of any.
        _DELIVERY.c.purpose.in_(
            [literal(str(purpose)) for purpose in (Purpose.ALERT, Purpose.CONNECT, Purpose.CALL_BACK)]
        ),
    )
    .with_for_update(of=_INCIDENT, key_share=True)
    .cte("place")
)
_A_DELIVERY = (
    select(_DELIVERY).where(_DELIVERY.c.id == bindparam("delivery_id")).with_for_update(of=_DELIVERY)
)
_LOCK_DELIVERY = Prepared(_A_DELIVERY)
_LOCK_BOTH = Prepared(
    _A_DELIVERY.add_columns(
        *(column.label(f"place_{column.key}") for column in _PLACE_OF_DELIVERY.c)
    ).outerjoin_from(_DELIVERY, _PLACE_OF_DELIVERY, true())
)
"""The place is found, and its incident locked, before PostgreSQL locks what the question itself is about."""

_REPORTED = tuple(
    _DELIVERY.c[name]
    for name in (
        *("body", "details", "state", "provider", "provider_sid", "provider_status", "provider_sequence"),
        *("error_code", "next_attempt_at", "lease_until", "sent_at", "finished_at"),
    )
)
"""What reports change of a delivery."""

_WRITE_DELIVERY = Prepared(
    update(_DELIVERY)
    .where(_DELIVERY.c.id == bindparam("delivery_id"))
    .values({column: bindparam(column.key, type_=column.type) for column in _REPORTED})
)


_NEW = inspect(Delivery).class_manager.new_instance
"""As the ORM makes what it has read: its own constructor tells itself of each value."""


@contextmanager
def delivery_held(session: Session, services: Services, delivery_id: str) -> Iterator[Delivery | None]:
    """The delivery, ours alone until the commit, and before it its incident, if what follows may touch that.

    A command holds the incident when it withdraws what waits, an erasure when it takes numbers away: in the
    other order the two would cross. This comes first in its transaction: what that has changed of an incident
    would not be seen here. The ORM knows nothing of the object: what a report changes of it is written by
    ``write_delivery``, and at the latest at the end of the block.
    """
    connection = session.connection()
    key = {"delivery_id": delivery_id, "facility_id": services.facility_id}
    found = (_LOCK_DELIVERY if services.uow.is_sqlite else _LOCK_BOTH).run(connection, key).first()
    if found is None:
        yield None
        return
    columns = _DELIVERY.c.keys()
    place = found[len(columns) :]
    if place and place[0] is not None:
        ledger.at_place(session, services, ledger.Place(*place))
    delivery = _NEW()
    vars(delivery).update(zip(columns, found, strict=False))
    _written(session)[delivery.id] = _reported(delivery)
    yield delivery
    write_delivery(session, delivery)


def write_delivery(session: Session, row: Delivery, *, with_next: bool = False) -> None:
    """Write what was changed of *row*, which is held, since it was read or written.

    *with_next*: by the same statement as what is recorded next, or before the commit. What is recorded must
    want nothing then: who is to be rung is found out from the deliveries as they stand.
    """
    changed = _reported(row)
    if changed == _written(session)[row.id]:
        return
    _written(session)[row.id] = changed
    writes = gathered(session)
    # Of one row no two changes go together: one of them would be lost.
    writes.run()
    writes.add(_WRITE_DELIVERY, {**changed, "delivery_id": row.id})
    if not with_next:
        writes.run()


def _reported(row: Delivery) -> Values:
    return {column.key: getattr(row, column.key) for column in _REPORTED}


def _written(session: Session) -> dict[str, Values]:
    """The deliveries that this session holds, as the database has them."""
    return cast("dict[str, Values]", session.info.setdefault("deliveries_held", {}))
