"""Checking the seals: each by itself, in their row, and against the lines and calls that they cover.

A chain says that it is whole; a seal says how far it went on a day, and who else knows. Nearly all of it is
asked of the database, so that the time goes with what is wrong and not with what is right.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from dispatch.domain import seals
from dispatch.domain.seals import LeafKind, Seal
from dispatch.domain.vocabulary import OutageCause
from dispatch.service.comparing import is_code
from dispatch.service.findings import Finding, whole
from dispatch.service.readability import UNREADABLE, read
from dispatch.service.sealed import call_facts, from_row, leaves_of
from models import record
from models.base import table_of
from models.incident import Call, Incident
from models.record import Event, SealLeaf
from models.traffic import Outage

_CHUNK = 1000
_START = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_LEAF, _EVENT, _CALL, _INCIDENT = table_of(SealLeaf), table_of(Event), table_of(Call), table_of(Incident)
_SEAL = table_of(record.Seal)

_SEALED_LEAVES = (_LEAF.c.facility_id == bindparam("facility")) & exists().where(
    _SEAL.c.facility_id == _LEAF.c.facility_id, _SEAL.c.day == _LEAF.c.day
)
"""What a dead process left half done counts for nothing."""

_NOT_AS_SEALED = (
    select(_LEAF.c.subject, _LEAF.c.sequence, _LEAF.c.day, _EVENT.c.hash, _INCIDENT.c.number)
    .outerjoin(_EVENT, (_EVENT.c.incident_id == _LEAF.c.subject) & (_EVENT.c.sequence == _LEAF.c.sequence))
    .outerjoin(_INCIDENT, _INCIDENT.c.id == _LEAF.c.subject)
    .where(
        _SEALED_LEAVES,
        _LEAF.c.kind == LeafKind.INCIDENT,
        _EVENT.c.hash.is_(None) | (_EVENT.c.hash != _LEAF.c.hash),
    )
    .order_by(_LEAF.c.subject, _LEAF.c.sequence)
)
_LINES_OF = select(func.count()).where(_EVENT.c.incident_id == bindparam("incident"))

_CALLS = (
    select(_LEAF.c.subject, _LEAF.c.day, _LEAF.c.hash.label("sealed"), _CALL, _INCIDENT.c.number)
    .outerjoin(_CALL, _CALL.c.id == _LEAF.c.subject)
    .outerjoin(_INCIDENT, _INCIDENT.c.id == _CALL.c.incident_id)
    .where(_SEALED_LEAVES, _LEAF.c.kind == LeafKind.CALL)
)

_RECORDED = (
    select(_EVENT.c.incident_id, func.max(_EVENT.c.sequence).label("last"))
    .where(
        _EVENT.c.facility_id == bindparam("facility"),
        _EVENT.c.recorded_at >= bindparam("since"),
        _EVENT.c.recorded_at < bindparam("until"),
    )
    .group_by(_EVENT.c.incident_id)
    .subquery("recorded")
)
_COVERED = (
    select(func.max(_LEAF.c.sequence))
    .where(_LEAF.c.subject == bindparam("incident"), _LEAF.c.day <= bindparam("day"))
    .correlate(None)
)
_PUT_IN = (
    select(_RECORDED.c.incident_id, _INCIDENT.c.number)
    .outerjoin(_INCIDENT, _INCIDENT.c.id == _RECORDED.c.incident_id)
    .where(
        ~exists().where(
            # By the incident alone, which has one facility: naming that one led through all its leaves.
            _LEAF.c.subject == _RECORDED.c.incident_id,
            _LEAF.c.day <= bindparam("day"),
            _LEAF.c.sequence >= _RECORDED.c.last,
        )
    )
    .order_by(_RECORDED.c.incident_id)
)
"""Incidents with lines of a day that neither its seal nor an earlier one covers."""

_LINES_PUT_IN = (
    select(_EVENT.c.sequence, _EVENT.c.recorded_at)
    .where(
        _EVENT.c.incident_id == bindparam("incident"),
        _EVENT.c.sequence > bindparam("covered"),
        _EVENT.c.recorded_at >= bindparam("since"),
        _EVENT.c.recorded_at < bindparam("until"),
    )
    .order_by(_EVENT.c.sequence)
)


def verify_seals(
    session: Session, facility_id: str, *, key: str | None = None, witnessed: Sequence[str] = ()
) -> Iterator[Finding]:
    """Every finding about the seals of one facility.

    *key* is this installation's public key, if it is at hand; *witnessed* are what witnesses hold.
    """
    rows, damages = read(session, record.Seal, record.Seal.facility_id == facility_id, record.Seal.day)
    for damage in damages:
        yield whole(f"seal {damage.key[1]}", "unreadable", "cannot be read", field=damage.column)
    if damages:
        return
    sealed = [from_row(row) for row in rows]
    session.expunge_all()
    for fault in seals.faults(sealed, key=key):
        yield whole(f"seal {fault.day}", fault.problem, fault.detail, field=fault.field)
    for seal in sealed:
        yield from _tree(session, seal)
    yield from _chains(session, facility_id)
    yield from _calls(session, facility_id)
    yield from _lines_put_in(session, facility_id, sealed)
    known = {seal.fingerprint for seal in sealed}
    for fingerprint in witnessed:
        if fingerprint not in known:
            detail = "no seal bears this fingerprint: the seals were rewritten, or the newest are gone"
            yield whole(f"fingerprint {fingerprint}", "missing", detail)


def _tree(session: Session, seal: Seal) -> Iterator[Finding]:
    """The leaves that are stored are those that were sealed."""
    counts = dict.fromkeys(LeafKind, 0)

    def counted() -> Iterator[seals.Leaf]:
        for leaf in leaves_of(session, seal.facility, seal.day):
            counts[leaf.kind] += 1
            yield leaf

    name = f"seal {seal.day}"
    try:
        root = seals.root_of(counted())
    except UNREADABLE:
        yield whole(name, "unreadable", "a leaf of its tree cannot be read", field="leaves")
        return
    there = (counts[LeafKind.INCIDENT], counts[LeafKind.CALL])
    if there != (seal.incidents, seal.calls):
        detail = (
            f"it counts {seal.incidents} incidents and {seal.calls} calls, "
            f"there are leaves of {there[0]} and {there[1]}"
        )
        yield whole(name, "changed", detail, field="leaves")
    elif root != seal.root:
        yield whole(name, "changed", "its root does not belong to the leaves that are there", field="root")


def _chains(session: Session, facility_id: str) -> Iterator[Finding]:
    """Every chain still goes through the lines at which it was sealed."""
    found = session.execute(_NOT_AS_SEALED, {"facility": facility_id}).all()
    for incident_id, leaves in groupby(found, key=lambda row: row.subject):
        leaf = next(leaves)
        name = leaf.number if is_code(leaf.number) else incident_id
        lines = session.scalar(_LINES_OF, {"incident": incident_id}) or 0
        if leaf.hash is not None:
            detail = f"is not the line that was sealed on {leaf.day}: it, or one before it, was rewritten"
            yield Finding(
                incident=name, sequence=leaf.sequence, field="hash", problem="changed", detail=detail
            )
        elif lines:
            detail = f"{leaf.sequence} lines were sealed on {leaf.day}, {lines} are there"
            yield Finding(incident=name, sequence=leaf.sequence, field=None, problem="missing", detail=detail)
        else:
            detail = f"was sealed on {leaf.day} with {leaf.sequence} lines, and none is there"
            yield whole(name, "missing", detail)


def _calls(session: Session, facility_id: str) -> Iterator[Finding]:
    """Every call that was sealed is there, and says what it said."""
    connection = session.connection().execution_options(yield_per=_CHUNK)
    with connection.execute(_CALLS, {"facility": facility_id}) as rows:
        for row in rows:
            name = row.number if is_code(row.number) else f"call {row.subject}"
            field = f"call {row.subject}" if is_code(row.number) else None
            if row.id is None:
                yield whole(name, "missing", f"it was sealed on {row.day}, and its row is gone")
            elif not _is_as_sealed(row):
                detail = f"its row is not the one that was sealed on {row.day}; which field cannot be known"
                yield whole(name, "changed", detail, field=field)


def _is_as_sealed(row: Any) -> bool:  # noqa: ANN401 - a row of the query above
    try:
        return call_facts(row).digest() == str(row.sealed)
    except UNREADABLE:
        return False


def _lines_put_in(session: Session, facility_id: str, sealed: Sequence[Seal]) -> Iterator[Finding]:
    """No line says that it was recorded in a day whose seal does not hold it.

    A clock that was set back writes such lines; where that is known, they are no finding.
    """
    wrong = _clock_was_wrong(session, facility_id)
    since = _START
    for seal in sealed:
        known = {"facility": facility_id, "day": seal.day, "since": since, "until": seal.covers_until}
        since = seal.covers_until
        for incident_id, number in session.execute(_PUT_IN, known).all():
            its = {**known, "incident": incident_id}
            covered = session.scalar(_COVERED, its) or 0
            lines = [
                line
                for line in session.execute(_LINES_PUT_IN, {**its, "covered": covered})
                if not any(from_at <= line.recorded_at <= until_at for from_at, until_at in wrong)
            ]
            if lines:
                name = number if is_code(number) else incident_id
                detail = (
                    f"says that it was recorded before the end of {seal.day}, whose seal does not hold it"
                )
                if len(lines) > 1:
                    detail += f"; so do {len(lines) - 1} more"
                yield Finding(
                    incident=name,
                    sequence=lines[0].sequence,
                    field="recorded_at",
                    problem="inserted",
                    detail=detail,
                )


def _clock_was_wrong(session: Session, facility_id: str) -> list[tuple[datetime, datetime]]:
    """The stretches that were lived twice because the clock was set back."""
    found = session.execute(
        select(Outage.from_at, Outage.until_at, Outage.details).where(
            Outage.facility_id == facility_id, Outage.cause == OutageCause.CLOCK
        )
    )
    stretches = []
    for from_at, until_at, details in found:
        jump_s, last_sign_at = details.get("jump_s"), details.get("last_sign_at")
        if isinstance(jump_s, int) and jump_s < 0:
            stretches.append((from_at, from_at - timedelta(seconds=jump_s)))
        elif isinstance(last_sign_at, str):
            stretches.append((from_at, datetime.fromisoformat(last_sign_at)))
        else:
            stretches.append((from_at, until_at))
    return stretches
