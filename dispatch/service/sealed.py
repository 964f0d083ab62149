"""What is sealed, as it stands in its tables: rows to seals, leaves and facts of calls, and back.

Decides nothing; whether they are true is checked by ``verifying``.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatch.domain.seals import CallFacts, Leaf, LeafKind, Seal
from models import record
from models.base import table_of
from models.record import SealLeaf

_LEAF = table_of(SealLeaf)
_CHUNK = 1000

_LEAVES = (
    select(_LEAF.c.kind, _LEAF.c.subject, _LEAF.c.sequence, _LEAF.c.hash)
    .where(_LEAF.c.facility_id == bindparam("facility"), _LEAF.c.day == bindparam("day"))
    .order_by(_LEAF.c.position)
)


def last_seal(session: Session, facility_id: str) -> Seal | None:
    """The newest seal of the facility."""
    row = session.scalar(
        select(record.Seal)
        .where(record.Seal.facility_id == facility_id)
        .order_by(record.Seal.day.desc())
        .limit(1)
    )
    return None if row is None else from_row(row)


def leaves_of(session: Session, facility_id: str, day: date) -> Iterator[Leaf]:
    """The leaves of one day's tree in their order, as a stream."""
    connection = session.connection().execution_options(yield_per=_CHUNK)
    with connection.execute(_LEAVES, {"facility": facility_id, "day": day}) as rows:
        for row in rows:
            yield Leaf(kind=LeafKind(row.kind), id=row.subject, sequence=row.sequence, hash=row.hash)


def from_row(row: record.Seal) -> Seal:
    """The seal that *row* says."""
    return Seal(
        facility=row.facility_id,
        day=row.day,
        zone=row.zone,
        covers_until=row.covers_until,
        sealed_at=row.sealed_at,
        incidents=row.incidents,
        calls=row.calls,
        root=row.root,
        previous=row.previous,
        key=row.key,
        signature=row.signature,
    )


def to_row(seal: Seal) -> record.Seal:
    """The inverse of :func:`from_row`."""
    return record.Seal(
        facility_id=seal.facility,
        day=seal.day,
        zone=seal.zone,
        covers_until=seal.covers_until,
        sealed_at=seal.sealed_at,
        incidents=seal.incidents,
        calls=seal.calls,
        root=seal.root,
        previous=seal.previous,
        key=seal.key,
        signature=seal.signature,
    )


def call_facts(row: Any) -> CallFacts:  # noqa: ANN401 - a row of any query that has the columns of a call
    """What a seal says of the call in *row*."""
    return CallFacts(
        id=row.id,
        incident=row.incident_id,
        provider=row.provider,
        provider_sid=row.provider_sid,
        channel=row.channel,
        received_at=row.received_at,
        opened_incident=row.opened_incident,
        ending=None if row.incident_id is not None else (row.outcome, row.ended_at),
    )
