"""Checking the seals: each by itself, in their row, and against the lines and calls that they cover.

A chain says that it is whole; a seal says how far it went on a day, and who else knows. Nearly all of it is
asked of the database, so that the time goes with what is wrong and not with what is right.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import cast

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from dispatch.domain import seals
from dispatch.domain.effects import Purpose
from dispatch.domain.seals import LeafKind, Seal
from dispatch.domain.vocabulary import OutageCause
from dispatch.service.comparing import is_code
from dispatch.service.findings import Finding, whole
from dispatch.service.outages import ENGINE
from dispatch.service.readability import UNREADABLE, read
from dispatch.service.sealed import from_row, leaves_of
from dispatch.service.verifying_calls import verify_calls
from models import record
from models.base import table_of
from models.facility import Facility
from models.incident import Incident
from models.record import Event, SealLeaf
from models.traffic import Delivery, Outage, Pulse

_CHUNK = 1000
_START = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_LEAF, _EVENT, _INCIDENT = table_of(SealLeaf), table_of(Event), table_of(Incident)
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


_SEALED_WITHIN = timedelta(hours=1)
"""After the end of a day; the engine needs ten minutes (``sealing.GRACE``) and one more look."""

_TEXTS_TO_WITNESSES = (
    select(Delivery.idempotency_key, Delivery.details)
    # By the key's beginning, because it alone has an index.
    .where(Delivery.idempotency_key.between("seal:", "seal;"), Delivery.facility_id == bindparam("facility"))
    .order_by(Delivery.idempotency_key)
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
    yield from verify_calls(session, facility_id, sealed)
    yield from _lines_put_in(session, facility_id, sealed)
    yield from _not_sealed(session, facility_id, sealed)
    yield from _told_and_gone(session, facility_id, sealed)
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


def _not_sealed(session: Session, facility_id: str, sealed: Sequence[Seal]) -> Iterator[Finding]:
    """Each day that ended while the program ran has its seal; else the newest are gone, or none was made.

    That it ran says its last sign of life; so a record that was restored from a backup, whose later days are
    sealed when it runs again, is no finding.
    """
    alive_at = session.scalar(select(Pulse.at).where(Pulse.name == ENGINE))
    begun_at = session.scalar(select(Facility.created_at).where(Facility.id == facility_id))
    since = sealed[-1].covers_until if sealed else begun_at
    if alive_at is None or since is None:
        return
    if alive_at - since >= timedelta(days=1) + _SEALED_WITHIN:
        after = f"after {sealed[-1].day}" if sealed else "at all"
        detail = f"there is no seal {after}, and the program ran on {alive_at:%Y-%m-%d %H:%M} UTC"
        yield whole("seals", "missing", detail)


def _told_and_gone(session: Session, facility_id: str, sealed: Sequence[Seal]) -> Iterator[Finding]:
    """No text to a witness tells of a seal that is not there."""
    there = {seal.hash for seal in sealed}
    told: dict[str, str] = {}
    for key, details in session.execute(_TEXTS_TO_WITNESSES, {"facility": facility_id}):
        sent = cast("dict[str, str]", details[Purpose.SEAL])
        told.setdefault(key.split(":")[1], sent["day"])
    for digest, day in told.items():
        if digest not in there:
            shown = seals.fingerprint(bytes.fromhex(digest))
            detail = f"its text to the witnesses ({shown}) is there, and the seal is not"
            yield whole(f"seal of {day}", "missing", detail)


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
