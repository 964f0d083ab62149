"""Calls coming in: each function is one command and one transaction, committed before it returns.

What the caller is told afterwards is rendered from the :class:`CallState` that comes back, so that a
repeated webhook gets an equivalent answer from what is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, func, select
from sqlalchemy.orm import Session

from dispatch.domain import intake
from dispatch.domain.commands import ChooseFromMenu, EndCall, JoinCaller, OpenByHand, ReceiveCall
from dispatch.domain.decisions import Draft, checked_time
from dispatch.domain.effects import Purpose
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Incident
from dispatch.domain.intake import Opening, Ring
from dispatch.domain.vocabulary import CallOutcome, IncidentChannel, Source
from dispatch.service import inbox, ledger
from dispatch.service.assumed import assumed_line
from dispatch.service.roster_keeping import crew_of, duty_list
from dispatch.service.services import Services
from models import incident as rows
from models.base import table_of
from models.facility import IncidentCounter
from models.repeating import repeated
from models.sessions import holds, must_hold
from models.statements import Prepared, either
from models.traffic import Delivery

FIRST_SHORT_NUMBER = 100
"""Short numbers have three digits, keys one, so that the two are never confused (CONTRACT 4)."""

_INCIDENT, _CALL, _COUNTER = table_of(rows.Incident), table_of(rows.Call), table_of(IncidentCounter)


def _taking(name: str) -> ColumnElement[Any]:
    return func.pg_advisory_xact_lock(func.hashtextextended(bindparam(name, type_=String), 0)).label(name)


_ALONE_WITH = Prepared(select(_taking("one")))
_ALONE_WITH_BOTH = Prepared(select(_taking("one"), _taking("other")))
"""Only where several write at once: nobody else goes past this with the same value until the commit."""

_OPEN_OF_CALLER = Prepared(
    select(_INCIDENT.c.id)
    .where(
        _INCIDENT.c.facility_id == bindparam("facility_id"),
        _INCIDENT.c.caller_number == bindparam("caller_number"),
        rows.IS_OPEN,
    )
    .order_by(_INCIDENT.c.received_at.desc())
    .limit(1)
    .with_for_update(key_share=True)
)
_TAKE_NUMBER = Prepared(
    either(
        lambda insert: (
            insert(_COUNTER)
            .on_conflict_do_update(
                index_elements=["facility_id", "year"], set_={"next_value": _COUNTER.c.next_value + 1}
            )
            .returning(_COUNTER.c.next_value)
        )
    )
)
_CALL_AND_PLACE = (
    select(_CALL.c.id.label("call_id"), *ledger.PLACE)
    .join(_INCIDENT, _INCIDENT.c.id == _CALL.c.incident_id)
    .where(_CALL.c.facility_id == bindparam("facility_id"), _CALL.c.provider_sid == bindparam("provider_sid"))
)
_FIND_CALL = Prepared(_CALL_AND_PLACE)
_LOCK_CALLS_INCIDENT = Prepared(_CALL_AND_PLACE.with_for_update(of=_INCIDENT, key_share=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """What the voice flow needs to know of a call in order to go on with it."""

    call_id: str
    incident_id: str
    short_number: int
    menu_digit: str | None
    is_closed: bool
    has_primary: bool


def receive_call(services: Services, command: ReceiveCall) -> CallState:
    """A phone rings: open an incident or join the caller's open one, and alert in the same commit.

    A repeat of the same call (``provider_sid``) changes nothing and returns what is stored.
    """
    beginning, end = _keys(command.provider_sid)
    with services.uow.write() as session:
        alone_with_call(session, services, command.provider_sid, command.caller_number)
        told = inbox.bodies(session, services, beginning, end)
        if beginning in told:
            return _state_of(session, services, command.provider_sid)
        inbox.add(session, services, beginning, "voice", command.body)
        ring = Ring(
            call_id=services.ids.new_id(),
            provider=command.provider,
            provider_sid=command.provider_sid,
            channel=IncidentChannel.VOICE,
            caller_number=command.caller_number,
            received_at=command.received_at,
        )
        incident = open_or_join(session, services, ring)
        if end in told:
            incident = _ended(session, services, incident, ring, told[end])
        return _state(incident, ring.call_id)


def choose_from_menu(services: Services, command: ChooseFromMenu) -> CallState | None:
    """The caller pressed a key; None when the call is not known."""
    now = services.clock.now()

    def choose(session: Session) -> CallState | None:
        found = _call(session, services, command.provider_sid)
        if found is None:
            return None
        call_id, incident = found
        crew = crew_of(session, services, incident.duty, now)
        decision = intake.choose_from_menu(incident, call_id, command, crew=crew, now=now)
        ledger.record(session, services, decision, before=incident, at=now)
        return _state(decision.incident, call_id)

    return services.uow.decide(choose)


def end_call(services: Services, command: EndCall) -> bool:
    """The caller is off the line; False when the call is not known yet.

    Callbacks come in no certain order: an end that comes before its beginning is kept until then.
    """
    now = services.clock.now()

    def end(session: Session) -> CallOutcome | None:
        found = _call(session, services, command.provider_sid)
        if found is None:
            # Whoever writes its beginning in this instant looks for the end before its commit, or is through.
            alone_with_call(session, services, command.provider_sid)
            found = _call(session, services, command.provider_sid)
        if found is None:
            at = (command.occurred_at or now).isoformat()
            body = {"status": command.provider_status, "at": at}
            inbox.keep(session, services, _keys(command.provider_sid)[1], "voice_end", body)
            return None
        call_id, incident = found
        crew = crew_of(session, services, incident.duty, now)
        decision = intake.end_call(incident, call_id, command, crew=crew, now=now)
        ledger.record(session, services, decision, before=incident, at=now)
        return decision.incident.call(call_id).outcome

    outcome = services.uow.decide(end)
    if outcome is None:
        return False
    services.metrics.call_ended(outcome)
    return True


def _keys(provider_sid: str) -> tuple[str, str]:
    """Under which a call's beginning and its end are kept."""
    return f"voice:{provider_sid}", f"voice_end:{provider_sid}"


def _ended(
    session: Session, services: Services, incident: Incident, ring: Ring, told: Mapping[str, Any]
) -> Incident:
    """The incident after the end of its call, which was *told* before the call itself."""
    now = services.clock.now()
    command = EndCall(
        provider_sid=ring.provider_sid,
        provider_status=str(told["status"]),
        occurred_at=max(datetime.fromisoformat(str(told["at"])), ring.received_at),
    )
    crew = crew_of(session, services, incident.duty, now)
    decision = intake.end_call(incident, ring.call_id, command, crew=crew, now=now)
    ledger.record(session, services, decision, before=incident, at=now)
    return decision.incident


def join_caller(services: Services, command: JoinCaller) -> None:
    """A worker is in the room with the caller: the call counts as answered from now, once."""
    now = services.clock.now()

    def join(session: Session) -> None:
        incident = ledger.load(session, services, command.incident_id)
        call = incident.waiting_call
        if call is None and command.returned_call_id is not None:
            call = incident.call(command.returned_call_id)
        if call is None or not incident.is_alone(call):
            return
        worker = next((a for a in incident.assignments if a.staff_id == command.staff_id), None)
        if worker is None:
            return
        draft = Draft(incident, now=now, source=Source.VOICE, actor=f"staff:{worker.staff_code}")
        data: dict[str, object] = {"call_id": call.id, "staff_code": worker.staff_code}
        if call.answered_at is not None:
            # That they had met before was only assumed, and is known to be doubtful.
            data["corrects"] = assumed_line(session, incident.id, call.id)
        draft.add(Kind.CALL_ANSWERED, data, occurred_at=min(command.occurred_at or now, now))
        ledger.record(session, services, draft.decision(), before=incident, at=now)

    services.uow.decide(join)


def return_call(services: Services, incident_id: str, call_id: str) -> CallState:
    """The caller answered our call-back."""
    now = services.clock.now()
    with services.uow.write() as session:
        incident = ledger.load(session, services, incident_id)
        crew = crew_of(session, services, incident.duty, now)
        decision = intake.return_call(incident, call_id, crew=crew, now=now)
        ledger.record(session, services, decision, before=incident, at=now)
        return _state(decision.incident, call_id)


@repeated
def open_by_hand(services: Services, command: OpenByHand) -> Incident:
    """Open an incident that somebody describes at the desk, over the radio or through the API.

    Raises:
        TimeRefusedError: the stated time lies in the future.
    """
    now = services.clock.now()
    checked_time(command.occurred_at, earliest=None, now=now)
    with services.uow.write() as session:
        opening = allocate(session, services, is_drill=command.is_drill)
        crew = crew_of(session, services, opening.duty, now)
        decision = intake.open_by_hand(command, opening, crew=crew, now=now)
        ledger.record(session, services, decision, before=None, at=now)
        return decision.incident


def call_state(services: Services, provider_sid: str) -> CallState | None:
    """How a call stands, without changing anything."""
    with services.uow.look() as session:
        found = _call(session, services, provider_sid, for_update=False)
        return None if found is None else _state(found[1], found[0])


def incident_state(services: Services, incident_id: str) -> CallState:
    """How an incident stands, for whoever waits in its room.

    Raises:
        IncidentNotFoundError: there is no such incident.
    """
    with services.uow.look() as session:
        incident = ledger.load(session, services, incident_id, for_update=False)
    return CallState(
        call_id="",
        incident_id=incident.id,
        short_number=incident.short_number,
        menu_digit=None,
        is_closed=incident.is_closed,
        has_primary=incident.primary is not None,
    )


# --- shared with texts ----------------------------------------------------------------------------


def open_or_join(session: Session, services: Services, ring: Ring) -> Incident:
    """Let *ring* join the open incident of its number, or open a new one.

    Whoever calls this is alone with that number: two calls of it in the same instant are one incident.
    """
    now = services.clock.now()
    open_id = None
    if ring.caller_number is not None:
        key = {"facility_id": services.facility_id, "caller_number": ring.caller_number}
        open_id = _OPEN_OF_CALLER.run(session.connection(), key).scalar()
    if open_id is None:
        opening = allocate(session, services)
        crew = crew_of(session, services, opening.duty, now)
        decision, before = intake.open_incident(ring, opening, crew=crew, now=now), None
    else:
        before = ledger.load(session, services, open_id)
        crew = crew_of(session, services, before.duty, now)
        decision = intake.join_incident(before, ring, crew=crew, now=now)
    ledger.record(session, services, decision, before=before, at=now)
    return decision.incident


def alone_with_call(
    session: Session, services: Services, provider_sid: str, number: str | None = None
) -> None:
    """Until the commit nobody else is about this call, nor about its caller's *number*."""
    _alone_with(session, services, _keys(provider_sid)[1], number)


def alone_with_number(session: Session, services: Services, number: str) -> None:
    """Until the commit nobody else is about a call or a text of *number*."""
    _alone_with(session, services, number)


def _alone_with(session: Session, services: Services, one: str, other: str | None = None) -> None:
    if services.uow.is_sqlite:
        return
    must_hold(session, "being alone with something")
    question = _ALONE_WITH if other is None else _ALONE_WITH_BOTH
    values = {"one": f"{services.facility_id} {one}", "other": f"{services.facility_id} {other}"}
    question.run(session.connection(), values)


def allocate(session: Session, services: Services, *, is_drill: bool = False) -> Opening:
    """The facts of a new incident: its number, the policy and the people on duty now, frozen.

    Until the commit nobody else can take the next number. How its people are is asked after that, so that of
    two calls in one instant the second knows whom the first one wakes.
    """
    now = services.clock.now()
    year = services.local_year(now)
    duty = duty_list(session, services, now)
    first = {"facility_id": services.facility_id, "year": year, "next_value": FIRST_SHORT_NUMBER + 1}
    taken = _TAKE_NUMBER.run(session.connection(), first).scalar()
    short_number = taken - 1
    return Opening(
        incident_id=services.ids.new_id(),
        facility_id=services.facility_id,
        number=f"{services.facility_id}-{year}-{short_number:06d}",
        year=year,
        short_number=short_number,
        policy=services.policy,
        duty=duty,
        is_drill=is_drill,
    )


def _call(
    session: Session, services: Services, provider_sid: str, *, for_update: bool = True
) -> tuple[str, Incident] | None:
    key = {"facility_id": services.facility_id, "provider_sid": provider_sid}
    query = _LOCK_CALLS_INCIDENT if for_update and holds(session) else _FIND_CALL
    found = query.run(session.connection(), key).first()
    if found is None:
        return _called_back(session, services, provider_sid, for_update=for_update)
    return found.call_id, ledger.at_place(session, services, found, for_update=for_update)


def _called_back(
    session: Session, services: Services, provider_sid: str, *, for_update: bool
) -> tuple[str, Incident] | None:
    """The caller's call behind one of our call-backs, whose own identifier is a delivery's."""
    row = session.scalar(
        select(Delivery)
        .where(
            Delivery.facility_id == services.facility_id,
            Delivery.provider_sid == provider_sid,
            Delivery.purpose == Purpose.CALL_BACK,
        )
        .limit(1)
    )
    if row is None or row.incident_id is None:
        return None
    incident = ledger.load(session, services, row.incident_id, for_update=for_update)
    return str(row.details["call_id"]), incident


def _state_of(session: Session, services: Services, provider_sid: str) -> CallState:
    found = _call(session, services, provider_sid, for_update=False)
    assert found is not None, "a call that was kept has its incident from the same commit"
    return _state(found[1], found[0])


def _state(incident: Incident, call_id: str) -> CallState:
    return CallState(
        call_id=call_id,
        incident_id=incident.id,
        short_number=incident.short_number,
        menu_digit=incident.call(call_id).menu_digit,
        is_closed=incident.is_closed,
        has_primary=incident.primary is not None,
    )
