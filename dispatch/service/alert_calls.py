"""One of our own calls, seen from the worker or caller who picked it up.

A delivery's identifier names what is being answered, so that an answer to an old alert is judged as of
that alert.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, String, bindparam, cast, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from dispatch.domain import alerts
from dispatch.domain.commands import JoinCaller
from dispatch.domain.decisions import Draft
from dispatch.domain.effects import Purpose
from dispatch.domain.errors import IncidentNotFoundError
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Assignment, Incident
from dispatch.domain.vocabulary import AlertChannel, IncidentChannel, Source
from dispatch.service import ledger, outbox
from dispatch.service.services import Services
from models import incident as rows
from models.base import table_of
from models.facility import Staff
from models.record import Event
from models.statements import Prepared
from models.traffic import Delivery

_DELIVERY, _INCIDENT, _STAFF = table_of(Delivery), table_of(rows.Incident), table_of(Staff)
_EVENT = table_of(Event)
_OF_DELIVERY = (
    select(
        *(
            _DELIVERY.c[name]
            for name in ("purpose", "staff_id", "details", "provider_sid", "provider_status")
        ),
        _STAFF.c.code,
        *ledger.PLACE,
    )
    .join(_INCIDENT, _INCIDENT.c.id == _DELIVERY.c.incident_id)
    .outerjoin(_STAFF, _STAFF.c.id == _DELIVERY.c.staff_id)
    .where(_DELIVERY.c.id == bindparam("delivery_id"), _DELIVERY.c.facility_id == bindparam("facility"))
)
_ANSWERED = Prepared(_OF_DELIVERY)
_ANSWERED_IN_TURN = Prepared(_OF_DELIVERY.with_for_update(of=_INCIDENT, key_share=True))

PICKED_UP = "in-progress"
"""The provider's word for it."""

_IN_ROOM = f'{{"{outbox.IN_ROOM}": true}}'
_ENTER = Prepared(
    {
        dialect: update(_DELIVERY)
        .where(
            _DELIVERY.c.incident_id == bindparam("in_incident"),
            _DELIVERY.c.facility_id == bindparam("facility"),
            _DELIVERY.c.channel == literal(str(AlertChannel.VOICE)),
            _DELIVERY.c.provider_sid == bindparam("entering"),
        )
        .values(details=details)
        .returning(_DELIVERY.c.id)
        for dialect, details in {
            "sqlite": func.json_patch(_DELIVERY.c.details, literal(_IN_ROOM, String)),
            "postgresql": _DELIVERY.c.details.op("||")(cast(literal(_IN_ROOM, String), JSONB)),
        }.items()
    }
)
"""This row and no other: whoever has locked the incident may be about to lock one of its deliveries."""
_ON_THE_LINE = Prepared(
    select(*(_DELIVERY.c[name] for name in ("purpose", "staff_id", "details", "provider_sid")))
    .where(
        _DELIVERY.c.incident_id == bindparam("incident_id"),
        _DELIVERY.c.facility_id == bindparam("facility"),
        _DELIVERY.c.channel == literal(str(AlertChannel.VOICE)),
        or_(
            _DELIVERY.c.provider_status == literal(PICKED_UP),
            _DELIVERY.c.provider_sid == bindparam("provider_sid"),
        ),
    )
    .order_by(_DELIVERY.c.created_at)
)
_RECORDED = Prepared(
    select(_EVENT.c.data).where(
        _EVENT.c.incident_id == bindparam("incident_id"), _EVENT.c.kind == literal(str(Kind.CALL_RECORDED))
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCall:
    """What is known about a call of ours that was picked up."""

    purpose: Purpose
    incident: Incident
    place: Row[*tuple[Any, ...]]
    """Where the record of its incident stood."""
    staff_id: str | None
    staff_code: str | None
    call_id: str | None
    picked_up_sid: str | None = None
    """What the provider calls it, if it has said that somebody picked it up."""
    is_caller_back: bool = False
    """Whether the caller, who was called back, has picked up."""

    @property
    def assignment(self) -> Assignment | None:
        """The part of the worker who was called."""
        return None if self.staff_code is None else self.incident.assignment(self.staff_code)

    @property
    def caller_waits(self) -> bool:
        """Whether a caller is on the line now."""
        return self.incident.live_call is not None or self.is_caller_back

    @property
    def caller_can_join(self) -> bool:
        """Whether a caller is on the line, or is being called back."""
        if self.caller_waits:
            return True
        unheard = [
            call
            for call in self.incident.calls
            if call.channel is IncidentChannel.VOICE
            and call.answered_at is None
            and call.caller_number is not None
        ]
        return bool(unheard) and self.incident.policy.caller.callback_after_abandon


def answered(services: Services, delivery_id: str, *, in_turn: bool = False) -> AnsweredCall | None:
    """The call behind *delivery_id*, or None when there is none.

    With *in_turn* after whoever holds its incident on PostgreSQL. Who accepts while their phone rings is not
    called into the room, because picking up will join them: so it must know of that acceptance.
    """
    key = {"delivery_id": delivery_id, "facility": services.facility_id}
    with services.uow.look() as session:
        row = (_ANSWERED_IN_TURN if in_turn else _ANSWERED).run(session.connection(), key).first()
        if row is None:
            return None
        call_id = row.details.get("call_id")
        return AnsweredCall(
            purpose=Purpose(row.purpose),
            incident=ledger.at_place(session, services, row, for_update=False),
            place=row,
            staff_id=row.staff_id,
            staff_code=row.code,
            call_id=None if call_id is None else str(call_id),
            picked_up_sid=row.provider_sid if row.provider_status == PICKED_UP else None,
            is_caller_back=row.purpose == Purpose.CONNECT and outbox.is_caller_back(session, row.id),
        )


def enter_room(services: Services, incident_id: str, provider_sid: str) -> JoinCaller | None:
    """Note that a leg entered the room; the meeting of worker and caller that came of it, if one did.

    Whoever comes second makes the meeting: a caller who is called back finds the worker there already. Of two
    who enter in the same instant each finds the other, because each looks only after its own entry stands.
    """
    whose = {"facility": services.facility_id}
    entry = {**whose, "in_incident": incident_id, "entering": provider_sid}
    if services.uow.write_one(_ENTER, entry) is None:
        _caller_entered(services, incident_id, provider_sid)
    with services.uow.look() as session:
        key = {**whose, "incident_id": incident_id, "provider_sid": provider_sid}
        calls = _ON_THE_LINE.run(session.connection(), key)
    present = sorted(
        (call for call in calls if call.details.get(outbox.IN_ROOM)),
        key=lambda call: call.provider_sid != provider_sid,
    )
    staff_id = next((call.staff_id for call in present if call.staff_id is not None), None)
    if staff_id is None:
        return None
    returned = (str(call.details["call_id"]) for call in present if call.purpose == Purpose.CALL_BACK)
    return JoinCaller(incident_id=incident_id, staff_id=staff_id, returned_call_id=next(returned, None))


def _caller_entered(services: Services, incident_id: str, provider_sid: str) -> None:
    """The caller's own leg is in the room: nobody else was connected with a call that we learned of late."""
    try:
        with services.uow.look() as session:
            # It hardly ever is one of those: nobody who holds the incident is waited for to find that out.
            incident = ledger.load(session, services, incident_id, for_update=False)
    except IncidentNotFoundError:
        # A room of before the database was restored, perhaps.
        return
    if _elsewhere(incident, provider_sid) is None:
        return
    now = services.clock.now()
    with services.uow.write() as session:
        incident = ledger.load(session, services, incident_id)
        call_id = _elsewhere(incident, provider_sid)
        if call_id is not None:
            draft = Draft(incident, now=now, source=Source.VOICE, actor="caller")
            draft.add(Kind.CALL_WAITING, {"call_id": call_id})
            ledger.record(session, services, draft.decision(), before=incident, at=now)


def _elsewhere(incident: Incident, provider_sid: str) -> str | None:
    """The call that the provider calls so, if it is one that a duty phone may have answered."""
    calls = (call.id for call in incident.calls if call.provider_sid == provider_sid)
    return next((call_id for call_id in calls if call_id in incident.ladder.elsewhere), None)


def begin_joining(services: Services, incident_id: str, staff_code: str) -> None:
    """A worker whom we called picked up and is about to enter the caller's room."""
    now = services.clock.now()

    def begin(session: Session) -> None:
        incident = ledger.load(session, services, incident_id)
        decision = alerts.joining(incident, staff_code=staff_code, now=now)
        ledger.record(session, services, decision, before=incident, at=now)

    services.uow.decide(begin)


def keep_recording(services: Services, incident_id: str, *, recording_sid: str, duration_s: int) -> None:
    """Note that a recording of the talk exists at the provider, once."""
    now = services.clock.now()

    def keep(session: Session) -> None:
        incident = ledger.load(session, services, incident_id)
        noted = _RECORDED.run(session.connection(), {"incident_id": incident_id})
        if any(line.data["recording_sid"] == recording_sid for line in noted):
            return
        draft = Draft(incident, now=now, source=Source.VOICE, actor="provider")
        draft.add(Kind.CALL_RECORDED, {"recording_sid": recording_sid, "duration_s": duration_s})
        ledger.record(session, services, draft.decision(), before=incident, at=now)

    services.uow.decide(keep)
