"""Loading an incident's state and writing a decision down, with what the caller's unit of work writes.

One decision becomes: its lines, chained by hash; the personal values beside them; the rows of incident,
calls and assignments as they are now; the deliveries that its effects ask for; its deadlines. All of it
is written or none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
)
from sqlalchemy.orm import Session

from dispatch.domain import escalation
from dispatch.domain.decisions import Decision
from dispatch.domain.errors import IncidentNotFoundError
from dispatch.domain.escalation import Due
from dispatch.domain.events import Event
from dispatch.domain.evidence import GENESIS, ChainLink, link_hash, private_digest
from dispatch.domain.incidents import Incident
from dispatch.service import incident_rows, outbox
from dispatch.service.services import Services
from dispatch.service.states import Known
from models import incident as rows
from models.base import table_of
from models.record import Event as EventRow
from models.record import PrivateValue
from models.sessions import holds, must_hold, together
from models.statements import Prepared, either, without
from models.together import Together
from models.traffic import Deadline
from models.unit_of_work import wake_engine_after

Values = dict[str, Any]

_INCIDENT, _DEADLINE = table_of(rows.Incident), table_of(Deadline)
PLACE = (_INCIDENT.c.id, _INCIDENT.c.event_count, _INCIDENT.c.chain_head)
"""What says of an incident where its record stands (``at_place``)."""

PLACES = select(*PLACE).where(_INCIDENT.c.facility_id == bindparam("facility_id"))
"""The places of this facility's incidents."""
_PLACE = PLACES.where(_INCIDENT.c.id == bindparam("incident_id"))
_FIND_PLACE, _LOCK_PLACE = Prepared(_PLACE), Prepared(_PLACE.with_for_update(key_share=True))
_INSERT_EVENTS = Prepared(insert(table_of(EventRow)))
_INSERT_PRIVATE = Prepared(insert(table_of(PrivateValue)))
_DEADLINES_OF = select(_DEADLINE).where(_DEADLINE.c.incident_id == bindparam("of_incident"))
_KEY = _DEADLINE.c.kind.concat(literal_column("' '")).concat(_DEADLINE.c.subject)
_DELETE_DEADLINES = Prepared(
    without(delete(_DEADLINE).where(_DEADLINE.c.incident_id == bindparam("of_incident")), _KEY, "kept")
)
_PUT_DEADLINES = Prepared(
    either(
        lambda insert: insert(_DEADLINE).on_conflict_do_update(
            index_elements=["incident_id", "kind", "subject"],
            set_={"due_at": literal_column("excluded.due_at")},
        )
    )
)
"""Those that stay are put anew and not deleted: what is written together may touch no row twice."""


def load(session: Session, services: Services, incident_id: str, *, for_update: bool = True) -> Incident:
    """The incident with its calls and assignments; on PostgreSQL its row is locked until the commit.

    Who decides at once holds nothing, and is told when all is written if anybody was faster.

    Raises:
        IncidentNotFoundError: this facility has no such incident.
    """
    held = _held(session).get(incident_id)
    if held is not None:
        return held.incident
    key = {"incident_id": incident_id, "facility_id": services.facility_id}
    if for_update and holds(session):
        place = _LOCK_PLACE.run(session.connection(), key).first()
    else:
        place = _found(session).get(incident_id) or _FIND_PLACE.run(session.connection(), key).first()
    if place is None:
        raise IncidentNotFoundError(incident=incident_id)
    return at_place(session, services, place, for_update=for_update)


class Place(NamedTuple):
    """Where an incident's record stands (``PLACE``)."""

    id: str
    event_count: int
    chain_head: str


def at_place(
    session: Session, services: Services, place: Row[*tuple[Any, ...]] | Place, *, for_update: bool = True
) -> Incident:
    """The incident whose ``PLACE`` is in *place*; with *for_update* it is decided about in this session.

    Where the session holds something, the incident's row was locked when its place was read.
    """
    known = _state_at(session.connection(), services, place)
    return (_held(session).setdefault(place.id, known) if for_update else known).incident


def _state_at(connection: Connection, services: Services, place: Row[*tuple[Any, ...]] | Place) -> Known:
    known = services.states.get(place.id)
    if known is None or known.chain_head != place.chain_head:
        known = incident_rows.read(connection, place.id, None if known is None else known.incident)
        services.states.put(known)
    return known


def found_at(session: Session, places: Iterable[Row[*tuple[Any, ...]]]) -> None:
    """Whoever holds nothing need not ask for these again: each has the ``PLACE`` of an incident of ours."""
    _found(session).update((place.id, place) for place in places)


def _found(session: Session) -> dict[str, Row[*tuple[Any, ...]]]:
    return cast("dict[str, Row[*tuple[Any, ...]]]", session.info.setdefault("incidents_found", {}))


def _held(session: Session) -> dict[str, Known]:
    """The incidents that this session decides about, as they stand in it; what others write does not show."""
    return cast("dict[str, Known]", session.info.setdefault("incidents_held", {}))


def record(
    session: Session, services: Services, decision: Decision, *, before: Incident | None, at: datetime
) -> None:
    """Write *decision* down; *before* is the state it was taken on, *at* the instant of recording."""
    if not decision.events:
        return
    incident = decision.incident
    count, head = _place(session, services, before)
    lines = _Lines(services, incident, at, count=count, head=head)
    for event in decision.events:
        lines.add(event)
    with together(session) as writes:
        incident_rows.write(writes, before, incident, event_count=lines.count, chain_head=lines.head)
        writes.add(_INSERT_EVENTS, lines.events)
        writes.add(_INSERT_PRIVATE, lines.private)
        incident_rows.write_parts(writes, before, incident)
        _set_deadlines(session, writes, before, incident, at)
        outbox.enqueue(session, services, writes, decision, line=lines.count, now=at)
    calls, assignments = incident_rows.in_order(incident)
    ordered = replace(incident, calls=calls, assignments=assignments)
    _held(session)[incident.id] = known = Known(ordered, lines.count, lines.head)
    services.states.put(known)


def _place(session: Session, services: Services, before: Incident | None) -> tuple[int, str]:
    """How many lines *before* has, and the hash of the last one."""
    if before is None:
        return 0, GENESIS
    known = _held(session).get(before.id)
    if known is not None:
        # Never that of a newer state: the line would be written, with what was decided on the older one.
        return known.event_count, known.chain_head
    must_hold(session, "going on from a state that was not read for it")
    key = {"incident_id": before.id, "facility_id": services.facility_id}
    (place,) = _FIND_PLACE.run(session.connection(), key)
    return place.event_count, place.chain_head


@dataclass(slots=True)
class _Lines:
    """The rows of new lines, each chained to the one before it."""

    services: Services
    incident: Incident
    at: datetime
    count: int
    head: str
    events: list[Values] = field(default_factory=list)
    private: list[Values] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Give *event* its place in the chain."""
        self.count += 1
        digests = {name: self._keep(name, value) for name, value in event.private.items()}
        row = {
            "incident_id": self.incident.id,
            "sequence": self.count,
            "facility_id": self.incident.facility_id,
            "kind": str(event.kind),
            "occurred_at": event.occurred_at,
            "recorded_at": self.at,
            "source": str(event.source),
            "actor": event.actor,
            "data": dict(event.data),
            "private": digests,
            "previous": self.head,
        }
        self.head = link_hash(
            ChainLink(
                incident=self.incident.id,
                sequence=self.count,
                kind=str(event.kind),
                occurred_at=event.occurred_at,
                recorded_at=self.at,
                source=str(event.source),
                actor=event.actor,
                data=cast("Mapping[str, Any]", event.data),
                private=digests,
                previous=self.head,
                hash="",
            )
        )
        self.events.append({**row, "hash": self.head})

    def _keep(self, name: str, value: str) -> str:
        """Put a personal value beside the line; what the line itself may say of it."""
        salt = self.services.ids.salt()
        self.private.append(
            {
                "incident_id": self.incident.id,
                "sequence": self.count,
                "name": name,
                "facility_id": self.incident.facility_id,
                "value": value,
                "salt": salt,
                "erased_at": None,
            }
        )
        return private_digest(salt, value)


def _set_deadlines(
    session: Session, writes: Together, before: Incident | None, incident: Incident, at: datetime
) -> None:
    wanted = escalation.deadlines(incident)
    stored: dict[Due, datetime] = {}
    if before is not None:
        known = escalation.deadlines(before)
        if wanted == known:
            return
        going_on = [due for due in wanted if due in known]
        if any(due.seen_from(at) < due.due_at or due.kind in escalation.CONFIRMATIONS for due in going_on):
            must_hold(session, "putting off what the engine may be putting off")
            stored = _stored(session.connection(), incident.id, known)
        kept = [f"{due.kind} {due.subject}" for due in wanted]
        writes.add(_DELETE_DEADLINES, {"of_incident": incident.id, "kept": kept})
    if wanted:
        wake_engine_after(session)
        writes.add(
            _PUT_DEADLINES,
            [
                {
                    "incident_id": incident.id,
                    "kind": due.kind,
                    "subject": due.subject,
                    "facility_id": incident.facility_id,
                    "due_at": _due_at(due, at, stored),
                }
                for due in wanted
            ],
        )


def _due_at(due: Due, at: datetime, stored: Mapping[Due, datetime]) -> datetime:
    """When to look at *due*; what was put off while the clock was set forward stays put off."""
    place = stored.get(due, due.due_at)
    if due.kind in escalation.CONFIRMATIONS:
        return min(max(due.due_at, place), at + due.wait)
    return min(due.seen_from(at), place)


def _stored(connection: Connection, incident_id: str, known: Iterable[Due]) -> dict[Due, datetime]:
    """Where *known* stand since the clock was set (``waiting``): none is counted anew twice."""
    rows = connection.execute(_DEADLINES_OF, {"of_incident": incident_id})
    places = {(row.kind, row.subject): row.due_at for row in rows}
    return {due: places[due.kind, due.subject] for due in known if (due.kind, due.subject) in places}
