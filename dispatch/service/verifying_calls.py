"""Checking the calls against their seals, and those that belong to no incident by themselves.

How a call of an incident went stands in that incident's chain. One of no incident (an operator's text) has
none: until its day is sealed, only what the program never writes can be told.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import bindparam, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from dispatch.domain.seals import LeafKind, Seal
from dispatch.domain.vocabulary import CallOutcome, IncidentChannel
from dispatch.service.comparing import is_code
from dispatch.service.findings import Finding, whole
from dispatch.service.readability import UNREADABLE
from dispatch.service.sealed import call_facts
from models import record
from models.base import table_of
from models.facility import Facility
from models.incident import Call, Incident
from models.record import SealLeaf
from models.traffic import Inbox

_CHUNK = 1000
_START = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_LEAF, _CALL, _INCIDENT, _INBOX = table_of(SealLeaf), table_of(Call), table_of(Incident), table_of(Inbox)
_SEAL = table_of(record.Seal)

_CALLS = (
    select(_LEAF.c.subject, _LEAF.c.day, _LEAF.c.hash.label("sealed"), _CALL, _INCIDENT.c.number)
    .outerjoin(_CALL, _CALL.c.id == _LEAF.c.subject)
    .outerjoin(_INCIDENT, _INCIDENT.c.id == _CALL.c.incident_id)
    .where(
        _LEAF.c.facility_id == bindparam("facility"),
        _LEAF.c.kind == LeafKind.CALL,
        exists().where(_SEAL.c.facility_id == _LEAF.c.facility_id, _SEAL.c.day == _LEAF.c.day),
    )
)

_NEVER_WRITTEN = select(_CALL.c.id).where(
    # Written so that no index begins with it: those without an incident are few.
    _CALL.c.facility_id.concat("") == bindparam("facility"),
    _CALL.c.incident_id.is_(None),
    or_(
        _CALL.c.channel != IncidentChannel.SMS,
        _CALL.c.outcome != CallOutcome.INFORMATION,
        _CALL.c.opened_incident,
        _CALL.c.menu_digit.is_not(None),
        _CALL.c.answered_at.is_not(None),
    ),
)
"""A call of no incident is always the text of somebody who has no number (``texting``)."""

_PUT_IN = select(_CALL.c.id).where(
    _CALL.c.facility_id == bindparam("facility"),
    _CALL.c.incident_id.is_(None),
    _CALL.c.received_at >= bindparam("since"),
    _CALL.c.received_at < bindparam("until"),
    ~exists().where(_LEAF.c.subject == _CALL.c.id, _LEAF.c.day <= bindparam("day")),
    ~exists().where(
        _INBOX.c.facility_id == _CALL.c.facility_id,
        _INBOX.c.provider_key == literal("sms:") + _CALL.c.provider_sid,
        _INBOX.c.received_at >= bindparam("until"),
    ),
)
"""Received in a sealed day, not in its seal, and nothing says that it came late."""

_FACILITIES = select(func.min(_CALL.c.facility_id).label("id")).cte("facilities", recursive=True)
_FACILITIES = _FACILITIES.union_all(
    select(
        select(func.min(_CALL.c.facility_id)).where(_CALL.c.facility_id > _FACILITIES.c.id).scalar_subquery()
    ).where(_FACILITIES.c.id.is_not(None))
)
"""Whose calls there are, from one to the next by the index, and not by looking at all of them."""

_OF_NOBODY = select(_CALL.c.id).where(
    _CALL.c.facility_id.in_(
        select(_FACILITIES.c.id).where(
            _FACILITIES.c.id.is_not(None), ~exists().where(Facility.id == _FACILITIES.c.id)
        )
    )
)


def verify_calls(session: Session, facility_id: str, sealed: Sequence[Seal]) -> Iterator[Finding]:
    """Every finding about calls that the incidents' own chains cannot tell; *sealed* by their days."""
    yield from _as_sealed(session, facility_id)
    for call_id in session.scalars(_NEVER_WRITTEN, {"facility": facility_id}):
        detail = "belongs to no incident, and is not the text that alone could be without one"
        yield whole(f"call {call_id}", "changed", detail)
    for before, seal in pairwise([None, *sealed]):
        if seal is None:
            continue
        stretch = {"since": _START if before is None else before.covers_until, "until": seal.covers_until}
        its = {"facility": facility_id, "day": seal.day, **stretch}
        for call_id in session.scalars(_PUT_IN, its):
            detail = f"says that it came before the end of {seal.day}, whose seal does not hold it"
            yield whole(f"call {call_id}", "inserted", detail, field="received_at")
    for call_id in session.scalars(_OF_NOBODY):
        yield whole(f"call {call_id}", "changed", "there is no such facility", field="facility_id")


def _as_sealed(session: Session, facility_id: str) -> Iterator[Finding]:
    """Every call that was sealed is there, and says what it said."""
    connection = session.connection().execution_options(yield_per=_CHUNK)
    with connection.execute(_CALLS, {"facility": facility_id}) as rows:
        for row in rows:
            name = row.number if is_code(row.number) else f"call {row.subject}"
            field = f"call {row.subject}" if is_code(row.number) else None
            if row.id is None:
                yield whole(name, "missing", f"it was sealed on {row.day}, and its row is gone")
            elif row.facility_id != facility_id:
                yield whole(name, "changed", f"it was sealed for {facility_id}", field="facility_id")
            elif not _is_as_sealed(row):
                detail = f"its row is not the one that was sealed on {row.day}; which field cannot be known"
                yield whole(name, "changed", detail, field=field)


def _is_as_sealed(row: Any) -> bool:  # noqa: ANN401 - a row of the query above
    try:
        return call_facts(row).digest() == str(row.sealed)
    except UNREADABLE:
        return False
