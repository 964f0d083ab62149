"""Erasing personal data, some dozen rows at a time: values, their salts, and wherever else they stand.

Each step is one short transaction with its line in the audit trail, so that no call waits, a million rows
take no memory, and one that was killed in the middle is simply run again. Of an incident the record itself
says what was erased (``dispatch.domain.erasure``); an open one, or one for which something is still to be
sent, is left alone. Decides nothing about what is due.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from dispatch.domain import erasure
from dispatch.domain.erasure import Basis, Cutoffs, Place
from dispatch.domain.events import Kind
from dispatch.domain.evidence import ChainLink, link_hash
from dispatch.domain.vocabulary import IncidentStatus, Source
from dispatch.service import personal_data
from dispatch.service.services import Services
from models.base import table_of
from models.incident import Call, Incident
from models.personal import HOLDINGS, OF_CALL, Holding
from models.record import Audit, Event, PrivateValue
from models.repeating import repeated
from models.statements import Prepared

BATCH = 25
"""Incidents, or rows of another table, in one transaction: some ten milliseconds."""

PAUSE_S = 0.02
"""Between two transactions: others write then."""

Values = dict[str, Any]
AnyRow = personal_data.AnyRow
Key = personal_data.Key
One = TypeVar("One")
Wanted = Mapping[str, set[Place] | None]
"""Incidents, and which of their values go; None for all of them."""

_INCIDENT, _CALL, _EVENT = table_of(Incident), table_of(Call), table_of(Event)
_PRIVATE = table_of(PrivateValue)

_LOCKED = (
    select(_INCIDENT.c.id, _INCIDENT.c.event_count, _INCIDENT.c.chain_head)
    .where(
        _INCIDENT.c.id.in_(bindparam("ids", expanding=True)),
        _INCIDENT.c.status == str(IncidentStatus.CLOSED),
        personal_data.NOTHING_UNDER_WAY,
    )
    .order_by(_INCIDENT.c.id)
    .with_for_update(key_share=True)
)
_STANDING = select(_PRIVATE.c.incident_id, _PRIVATE.c.sequence, _PRIVATE.c.name).where(
    _PRIVATE.c.incident_id.in_(bindparam("ids", expanding=True)),
    _PRIVATE.c.value.is_not(None) | _PRIVATE.c.salt.is_not(None),
)
_LAST_LOCATIONS = (
    select(_EVENT.c.incident_id, func.max(_EVENT.c.sequence).label("sequence"))
    .where(
        _EVENT.c.incident_id.in_(bindparam("ids", expanding=True)), _EVENT.c.kind == str(Kind.LOCATION_SET)
    )
    .group_by(_EVENT.c.incident_id)
)
_INSERT_LINES = Prepared(insert(_EVENT))
_FORGET_VALUES = (
    update(_PRIVATE)
    .where(
        _PRIVATE.c.incident_id == bindparam("incident"),
        _PRIVATE.c.sequence == bindparam("line"),
        _PRIVATE.c.name == bindparam("called"),
    )
    .values(value=None, salt=None, erased_at=bindparam("at"))
)
_GO_ON = (
    update(_INCIDENT)
    .where(_INCIDENT.c.id == bindparam("incident"))
    .values(event_count=bindparam("count"), chain_head=bindparam("head"))
)
_BLANK = {
    "caller_number": None,
    "location_text": None,
    "location_place": None,
    "location_lat": None,
    "location_lon": None,
}
_SIDS = select(_CALL.c.provider_sid).where(_CALL.c.incident_id.in_(bindparam("ids", expanding=True)))


@dataclass(slots=True)
class Erased:
    """How much was erased, and how much was left because somebody still needs it."""

    incidents: int = 0
    values: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    """Of other tables."""
    left: Counter[str] = field(default_factory=Counter)
    """What must stay for now, by table."""

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was erased."""
        return not (self.incidents or self.values or self.rows.total())

    def add(self, other: "Erased") -> None:
        """Count *other* in."""
        self.incidents += other.incidents
        self.values += other.values
        self.rows += other.rows
        self.left += other.left

    def counts(self) -> Values:
        """For the audit trail."""
        return {"incidents": self.incidents, "values": self.values, "rows": dict(sorted(self.rows.items()))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who wants something erased, and why. Nothing of it may be personal: it stays for ever."""

    actor: str
    basis: Basis
    reason: str
    account: str = ""
    """Whose terminal it was, where that is known."""


class Eraser:
    """Carries out one order."""

    def __init__(
        self, services: Services, order: Order, *, batch: int = BATCH, pause_s: float = PAUSE_S
    ) -> None:
        """*batch* bounds each step, *pause_s* lies between two."""
        self._services = services
        self._order = order
        self._batch = batch
        self._pause_s = pause_s
        self._run = services.ids.new_id()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping.set()

    # --- what is asked for

    def due(
        self, cutoffs: Cutoffs, *, since: Mapping[str, datetime] | None = None, most_steps: int | None = None
    ) -> tuple[Erased, bool]:
        """Erase everything that is due by *cutoffs*, and whether nothing is left of it.

        *since* says by the name of a holding how far back its rows are looked at, *most_steps* bounds the
        work.
        """
        found = Erased()
        for done, step in enumerate(self._due_steps(cutoffs, since or {}), 1):
            found.add(step)
            if self._stopping.wait(self._pause_s) or done == most_steps:
                return found, False
            self._services.callers.give_way()
        return found, True

    def number(self, number: str) -> Erased:
        """Erase everything that is known of *number* (E.164); what is still needed is counted as left."""
        services, mentions = self._services, erasure.mentions_of(number)
        with services.uow.read() as session:
            standing = personal_data.standing_of(session.connection(), services.facility_id, mentions)
        wanted: dict[str, set[Place] | None] = {**dict.fromkeys(standing.whole), **standing.parts}
        found = Erased()
        for some in self._in_batches(list(wanted)):
            found.add(self._incidents({one: wanted[one] for one in some}))
            self._stopping.wait(self._pause_s)
        for holding, keys in standing.rows:
            for these in self._in_batches(keys):
                found.add(self._rows(holding, these))
                self._stopping.wait(self._pause_s)
        return found

    def _due_steps(self, cutoffs: Cutoffs, since: Mapping[str, datetime]) -> Iterator[Erased]:
        """One transaction after another."""
        services = self._services
        while True:
            with services.uow.read() as session:
                due = personal_data.due_incidents(
                    session.connection(), services.facility_id, cutoffs, limit=self._batch
                )
                ids = [row.id for row in due]
            if not ids:
                break
            step = self._incidents(dict.fromkeys(ids))
            yield step
            if step.left["incident"] == len(ids):
                # Somebody has begun something about each of them since we looked.
                break
        for holding in HOLDINGS:
            before = cutoffs.of(holding.classes)
            if holding.at is not None and before is not None:
                yield from self._due_rows(holding, before, since.get(holding.name))

    def _due_rows(self, holding: Holding, before: datetime, since: datetime | None) -> Iterator[Erased]:
        services, after = self._services, None
        while True:
            with services.uow.read() as session:
                due = personal_data.due_rows(
                    session.connection(),
                    holding,
                    services.facility_id,
                    before,
                    since=since,
                    after=after,
                    limit=self._batch,
                )
                rows = list(due)
            if not rows:
                return
            yield self._rows(holding, [key for _, key in rows])
            after = rows[-1]

    def _in_batches(self, keys: Sequence[One]) -> Iterator[Sequence[One]]:
        yield from (keys[first : first + self._batch] for first in range(0, len(keys), self._batch))

    # --- one step

    @repeated
    def _incidents(self, wanted: Wanted) -> Erased:
        """Erase what is *wanted* of closed incidents, everywhere that it stands."""
        services = self._services
        with services.uow.write() as session:
            connection, now = session.connection(), services.clock.now()
            locked = connection.execute(_LOCKED, {"ids": list(wanted)}).all()
            ids = [row.id for row in locked]
            step = Erased(left=Counter(incident=len(wanted) - len(ids)))
            if ids:
                gone = self._values_of(connection, wanted, ids)
                lines = [self._line(row, gone[row.id], now) for row in locked if gone[row.id]]
                _write_lines(connection, lines, gone, now)
                whole = [one for one in ids if wanted[one] is None]
                _forget_whole(connection, whole, now)
                _forget_places(connection, {one: gone[one] for one in ids if wanted[one] is not None})
                step.incidents = len(ids)
                step.values = sum(map(len, gone.values()))
                step.rows = self._beside(connection, whole, now)
            self._note(session, step, now)
        return step

    def _values_of(
        self, connection: Connection, wanted: Wanted, ids: Sequence[str]
    ) -> dict[str, list[Place]]:
        """Which values of each go, of those that are still there."""
        found: dict[str, list[Place]] = {one: [] for one in ids}
        for row in connection.execute(_STANDING, {"ids": ids}):
            these = wanted[row.incident_id]
            if these is None or (row.sequence, row.name) in these:
                found[row.incident_id].append((row.sequence, row.name))
        return found

    def _line(self, row: AnyRow, gone: Sequence[Place], now: datetime) -> Values:
        """The line of the record that says what was erased."""
        order = self._order
        data = erasure.data_of(order.basis, self._run, gone)
        line: Values = {
            "incident_id": row.id,
            "sequence": row.event_count + 1,
            "kind": str(Kind.ERASED),
            "occurred_at": now,
            "recorded_at": now,
            "source": str(Source.ENGINE),
            "actor": order.actor,
            "data": data,
            "private": {},
            "previous": row.chain_head,
        }
        link = ChainLink(
            incident=row.id,
            hash="",
            **{name: line[name] for name in line if name != "incident_id"},
        )
        return {**line, "facility_id": self._services.facility_id, "hash": link_hash(link)}

    def _beside(self, connection: Connection, ids: Sequence[str], now: datetime) -> Counter[str]:
        """Erase what other tables know of the incidents *ids*."""
        rows: Counter[str] = Counter()
        if not ids:
            return rows
        for holding in HOLDINGS:
            if holding.incident is not None:
                of_these = holding.table.c[holding.incident].in_(ids)
                rows[holding.table.name] += _blank(connection, holding, of_these, now)
            if holding.of_call is not None:
                sids = connection.scalars(_SIDS, {"ids": ids}).all()
                keys = [f"{kind}{sid}" for kind in OF_CALL for sid in sids]
                where = holding.table.c[holding.of_call].in_(keys) & (
                    holding.table.c.facility_id == self._services.facility_id
                )
                rows[holding.table.name] += _blank(connection, holding, where, now)
        return rows

    @repeated
    def _rows(self, holding: Holding, keys: Sequence[Key]) -> Erased:
        """Erase what is personal of rows of one table, and of what belongs to them."""
        with self._services.uow.write() as session:
            connection, now = session.connection(), self._services.clock.now()
            name, these = holding.table.name, personal_data.is_one_of(holding, keys)
            count = _blank(connection, holding, these, now, even_blank=True)
            step = Erased(rows=Counter({name: count}), left=Counter({name: len(keys) - count}))
            for child in HOLDINGS:
                if child.parent is not None and child.parent[0] == name:
                    parents = select(*personal_data.key_of(holding)).where(
                        these, personal_data.is_free(holding)
                    )
                    theirs = child.table.c[child.parent[1]].in_(parents)
                    step.rows[child.table.name] += _blank(connection, child, theirs, now)
            self._note(session, step, now)
        return step

    def _note(self, session: Session, step: Erased, now: datetime) -> None:
        """The line of the audit trail, in the same transaction; none where nothing was erased."""
        if step.is_nothing:
            return
        order = self._order
        told = {"reason": order.reason, "run": self._run, **step.counts()}
        session.add(
            Audit(
                id=self._services.ids.new_id(),
                facility_id=self._services.facility_id,
                at=now,
                actor=order.actor[:80],
                action=str(Kind.ERASED),
                subject=str(order.basis),
                data=told | ({"account": order.account} if order.account else {}),
            )
        )


def _write_lines(
    connection: Connection, lines: Sequence[Values], gone: Mapping[str, Sequence[Place]], now: datetime
) -> None:
    """Add the lines, let the incidents go on from them, and take away what they speak of."""
    if not lines:
        return
    _INSERT_LINES.run(connection, lines)
    connection.execute(
        _GO_ON,
        [
            {"incident": line["incident_id"], "count": line["sequence"], "head": line["hash"]}
            for line in lines
        ],
    )
    connection.execute(
        _FORGET_VALUES,
        [
            {"incident": incident, "line": sequence, "called": name, "at": now}
            for incident, places in gone.items()
            for sequence, name in places
        ],
    )


def _forget_whole(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    """What the rows of incidents and of their calls say of people."""
    if ids:
        connection.execute(update(_CALL).where(_CALL.c.incident_id.in_(ids)).values(caller_number=None))
        connection.execute(update(_INCIDENT).where(_INCIDENT.c.id.in_(ids)).values(**_BLANK, erased_at=now))


def _forget_places(connection: Connection, gone: Mapping[str, Sequence[Place]]) -> None:
    """Where a value of the last location went, the row says it no more; the lines amount to the same."""
    if not gone:
        return
    for row in connection.execute(_LAST_LOCATIONS, {"ids": list(gone)}).all():
        names = [name for sequence, name in gone[row.incident_id] if sequence == row.sequence]
        if names:
            blank = {f"location_{name}": None for name in names}
            connection.execute(update(_INCIDENT).where(_INCIDENT.c.id == row.incident_id).values(**blank))


def _blank(
    connection: Connection,
    holding: Holding,
    where: ColumnElement[bool],
    now: datetime,
    *,
    even_blank: bool = False,
) -> int:
    """Leave the blanks of *holding* in its rows; how many there were."""
    conditions = [where, *personal_data.meant(holding), personal_data.is_free(holding)]
    if not even_blank:
        conditions.append(personal_data.is_personal(holding))
    dated = {} if holding.erased_at is None else {holding.erased_at: now}
    statement = update(holding.table).where(*conditions).values(**holding.blanks, **dated)
    return connection.execute(statement).rowcount
