"""Sealing each day that has ended: the leaves of its tree, the seal over them, the texts to the witnesses.

A day that was missed is made up for at the next look. Leaves are put down in small transactions, so that no
call waits for a seal; what a dead process left half done is gone on with. The seal itself, and the texts that
carry its fingerprint out of the house, are one commit, however many engines are at it. The work of a day
grows with that day and not with the record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Exists, bindparam, exists, func, select
from sqlalchemy.orm import Session

from dispatch.domain import seals
from dispatch.domain.effects import Purpose
from dispatch.domain.evidence import GENESIS
from dispatch.domain.seals import LeafKind, Seal
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import Sealed, SealKey, SealKeyError, SealKeys
from dispatch.service import outbox, pulses
from dispatch.service.sealed import call_facts, last_seal, leaves_of, to_row
from dispatch.service.services import Services
from models import record
from models.base import table_of
from models.facility import Facility
from models.incident import Call
from models.record import Event, SealLeaf
from models.statements import either

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 60.0
PULSE = "seal"
"""The row whose lock makes sealing one process's work at a time."""

GRACE = timedelta(minutes=10)
"""After the end of a day, for transactions that were under way; they last seconds."""

LOOKS_BACK = timedelta(days=7)
"""A clock that was set back writes lines into days that are sealed already; the next seal covers them."""

MOST_DAYS = 31
"""So many are made up for without being asked: a clock that runs years ahead must not seal the future."""

TEXT_LIVES = timedelta(days=3)

_CHUNK = 500
_START = datetime(1970, 1, 1, tzinfo=UTC)

_EVENT, _CALL, _LEAF = table_of(Event), table_of(Call), table_of(SealLeaf)


def _is_sealed(subject: ColumnElement[str], *more: ColumnElement[bool]) -> Exists:
    return exists().where(_LEAF.c.subject == subject, _LEAF.c.facility_id == bindparam("facility"), *more)


_LAST_LINES = (
    select(_EVENT.c.incident_id, func.max(_EVENT.c.sequence).label("sequence"))
    .where(
        _EVENT.c.facility_id == bindparam("facility"),
        _EVENT.c.recorded_at >= bindparam("since"),
        _EVENT.c.recorded_at < bindparam("until"),
    )
    .group_by(_EVENT.c.incident_id)
    .subquery("last_lines")
)
_HEADS = (
    select(_EVENT.c.incident_id, _EVENT.c.sequence, _EVENT.c.hash)
    .join(
        _LAST_LINES,
        (_LAST_LINES.c.incident_id == _EVENT.c.incident_id) & (_LAST_LINES.c.sequence == _EVENT.c.sequence),
    )
    .where(~_is_sealed(_LAST_LINES.c.incident_id, _LEAF.c.sequence >= _LAST_LINES.c.sequence))
    .order_by(_EVENT.c.incident_id)
)
"""How far each chain went before *until*, unless an earlier seal covers as much."""

_CALLS = (
    select(_CALL)
    .where(
        # Written so that no index begins with it: that one led through every call there ever was.
        _CALL.c.facility_id.concat("") == bindparam("facility"),
        _CALL.c.received_at < bindparam("until"),
        ~_is_sealed(_CALL.c.id),
    )
    .order_by(_CALL.c.id)
)
_CALLS_OF_INCIDENTS = _CALLS.where(_CALL.c.incident_id.in_(bindparam("incidents", expanding=True)))
_CALLS_OF_NONE = _CALLS.where(_CALL.c.incident_id.is_(None))

_PUT_LEAVES = either(lambda insert: insert(_LEAF).on_conflict_do_nothing())
_LAST_POSITION = select(func.max(_LEAF.c.position)).where(
    _LEAF.c.facility_id == bindparam("facility"), _LEAF.c.day == bindparam("day")
)
_COUNT = (
    select(func.count())
    .select_from(_LEAF)
    .where(_LEAF.c.facility_id == bindparam("facility"), _LEAF.c.day == bindparam("day"))
)


class SealRefusedError(Exception):
    """A day cannot be sealed; the message says what a person must do first."""


class Sealer:
    """Seals the days of one facility."""

    def __init__(self, services: Services, keys: SealKeys, *, witnesses: Sequence[str] = ()) -> None:
        """*witnesses* are the numbers that each fingerprint is sent to."""
        self._services = services
        self._keys = keys
        self._witnesses = witnesses
        self._refused: str | None = None

    def look(self) -> None:
        """Seal what is due; a day that cannot be sealed is said once and tried again at the next look."""
        before, self._refused = self._refused, None
        try:
            self.seal_due()
        except (SealRefusedError, SealKeyError) as error:
            self._refused = str(error)
        if self._refused not in (None, before):
            log.error("seal.refused", reason=self._refused)

    def seal_due(self, *, most_days: int | None = MOST_DAYS) -> list[Seal]:
        """Seal every day that has ended and is not sealed yet, in order; the seals made here.

        Raises:
            SealRefusedError: more than *most_days* wait, or the key is not the one of the seals so far.
            SealKeyError: the key cannot be used or made.
        """
        days = self._due()
        if most_days is not None and len(days) > most_days:
            raise SealRefusedError(
                f"{len(days)} days are not sealed, from {days[0]} on; "
                "if the clock is right, run: siaga seal --all"
            )
        made = []
        for day in days:
            seal = self._seal(day)
            if seal is not None:
                made.append(seal)
        return made

    def key(self) -> SealKey:
        """The key of the seals so far; made when there are none.

        Raises:
            SealRefusedError: the key at hand is not the one of the seals so far.
            SealKeyError: the key cannot be used or made.
        """
        with self._services.uow.read() as session:
            last = last_seal(session, self._services.facility_id)
        key = self._keys.load()
        if last is None:
            return key or self._keys.create()
        if key is None or key.public.hex() != last.key:
            what = "is not the one of" if key else "is gone, and must be the one of"
            raise SealRefusedError(
                f"the key {what} the seals so far: put the copy of it back as {self._keys.place}"
            )
        return key

    def _due(self) -> list[date]:
        services = self._services
        ended = (services.clock.now() - GRACE).astimezone(services.zone).date() - timedelta(days=1)
        with services.uow.read() as session:
            last = last_seal(session, services.facility_id)
            if last is not None:
                first = last.day + timedelta(days=1)
            else:
                # The first seal covers everything before it, however many days that was.
                since = session.scalar(select(Facility.created_at).where(Facility.id == services.facility_id))
                begun = since is not None and since < seals.end_of(ended, services.zone)
                first = ended if begun else ended + timedelta(days=1)
        return [first + timedelta(days=n) for n in range((ended - first).days + 1)]

    def _seal(self, day: date) -> Seal | None:
        """Seal *day*; None when another process was quicker."""
        services = self._services
        until = seals.end_of(day, services.zone)
        key = self.key()
        for chunk in self._missing_leaves(until):
            self._put(day, chunk)
        with services.uow.read() as session:
            incidents = calls = 0

            def counted() -> Iterator[seals.Leaf]:
                nonlocal incidents, calls
                for leaf in leaves_of(session, services.facility_id, day):
                    incidents += leaf.kind is LeafKind.INCIDENT
                    calls += leaf.kind is LeafKind.CALL
                    yield leaf

            root = seals.root_of(counted())
        seal = Seal(
            facility=services.facility_id,
            day=day,
            zone=services.zone.key,
            covers_until=until,
            sealed_at=services.clock.now(),
            incidents=incidents,
            calls=calls,
            root=root,
            previous=GENESIS,
            key=key.public.hex(),
        )
        return self._keep(seal, key)

    # --- leaves

    def _missing_leaves(self, until: datetime) -> Iterator[list[outbox.Values]]:
        """What was recorded before *until* and is covered by no seal, some hundred leaves at a time."""
        facility = self._services.facility_id
        with self._services.uow.read() as session:
            is_first = last_seal(session, facility) is None
            known = {
                "facility": facility,
                "since": _START if is_first else until - LOOKS_BACK,
                "until": until,
            }
            connection = session.connection().execution_options(yield_per=_CHUNK)
            with connection.execute(_HEADS, known) as found:
                for heads in found.partitions(_CHUNK):
                    theirs = {**known, "incidents": [row.incident_id for row in heads]}
                    # Together: whoever goes on with this finds a call by its incident's missing leaf.
                    yield [
                        *(_leaf(LeafKind.INCIDENT, row.incident_id, row.sequence, row.hash) for row in heads),
                        *(_leaf_of_call(row) for row in connection.execute(_CALLS_OF_INCIDENTS, theirs)),
                    ]
            with connection.execute(_CALLS_OF_NONE, known) as found:
                for rows in found.partitions(_CHUNK):
                    yield [_leaf_of_call(row) for row in rows]

    def _put(self, day: date, leaves: list[outbox.Values]) -> None:
        """Add *leaves* to those of *day*, after the last; what is there already stays as it is."""
        services = self._services
        if not leaves:
            return
        of_day = {"facility": services.facility_id, "day": day}
        with services.uow.write() as session:
            pulses.locked(session, PULSE, since_at=services.clock.now())
            if session.get(record.Seal, (services.facility_id, day)) is not None:
                return
            connection = session.connection()
            last = connection.execute(_LAST_POSITION, of_day).scalar()
            first = 0 if last is None else last + 1
            rows = [
                {"facility_id": services.facility_id, "day": day, "position": first + place, **leaf}
                for place, leaf in enumerate(leaves)
            ]
            connection.execute(_PUT_LEAVES[connection.dialect.name], rows)

    # --- the seal

    def _keep(self, seal: Seal, key: SealKey) -> Seal | None:
        """Store *seal* with the texts that tell of it; None when the day is sealed, or its leaves changed."""
        services = self._services
        now = services.clock.now()
        with services.uow.write() as session:
            pulses.locked(session, PULSE, since_at=now)
            if session.get(record.Seal, (services.facility_id, seal.day)) is not None:
                return None
            of_day = {"facility": services.facility_id, "day": seal.day}
            if session.connection().execute(_COUNT, of_day).scalar() != seal.incidents + seal.calls:
                # Another process has added some since; the next look seals them all.
                return None
            last = last_seal(session, services.facility_id)
            seal = replace(seal, previous=GENESIS if last is None else last.hash)
            seal = seals.signed(seal, key.sign)
            session.add(to_row(seal))
            self._tell_witnesses(session, seal, now)
        log.info("seal.made", day=str(seal.day), fingerprint=seal.fingerprint, witnesses=len(self._witnesses))
        return seal

    def _tell_witnesses(self, session: Session, seal: Seal, now: datetime) -> None:
        services = self._services
        sealed = Sealed(
            facility=seal.facility,
            day=f"{seal.day:%d-%m-%Y}",
            fingerprint=seal.fingerprint,
            incidents=seal.incidents,
            calls=seal.calls,
        )
        outbox.insert_new(
            session,
            [
                {
                    "id": services.ids.new_id(),
                    "facility_id": seal.facility,
                    "incident_id": None,
                    "staff_id": None,
                    "purpose": str(Purpose.SEAL),
                    "channel": str(AlertChannel.SMS),
                    "to_number": number,
                    "details": {Purpose.SEAL: asdict(sealed)},
                    # Whoever is to come to somebody's help is told first.
                    "urgency": 5,
                    "idempotency_key": f"{PULSE}:{seal.hash}:{number}",
                    "state": str(DeliveryState.PENDING),
                    "created_at": now,
                    "next_attempt_at": now,
                    "valid_until": now + TEXT_LIVES,
                }
                for number in self._witnesses
            ],
        )


def _leaf(kind: LeafKind, subject: str, sequence: int, digest: str) -> outbox.Values:
    return {"kind": str(kind), "subject": subject, "sequence": sequence, "hash": digest}


def _leaf_of_call(row: object) -> outbox.Values:
    facts = call_facts(row)
    return _leaf(LeafKind.CALL, facts.id, 0, facts.digest())
