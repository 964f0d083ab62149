"""The outbox: what is to leave the house (DESIGN 4).

Deliveries are enqueued in the transaction of the decision that wants them. From there the engine takes them
(``claiming``), sends them (``sending``), and learns what came of them (``delivery_reports``).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import bindparam, null, select, update
from sqlalchemy.orm import Session

from dispatch.domain.decisions import Decision
from dispatch.domain.effects import (
    AlertWorker,
    CallBack,
    ConnectWorker,
    Effect,
    Purpose,
    ReleaseCaller,
    SendDetails,
    StandDown,
    TellOfCaller,
    WarnSupervisors,
)
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import AlertChannel, DeliveryState, Role
from dispatch.service.links import keep_worker_links
from dispatch.service.roster_keeping import phones_of
from dispatch.service.services import Services
from models.base import table_of
from models.facility import Staff
from models.sessions import must_hold
from models.statements import Prepared, either
from models.together import Together
from models.traffic import Delivery
from models.unit_of_work import wake_engine_after

log = structlog.get_logger(__name__)

TEXT_VALID_S = 900.0
"""An alert text older than this is not delivered any more: an old alarm misleads (DESIGN 7)."""

OTHER_SIDS = "other_sids"
"""In the details of a delivery that was sent twice: the provider's identifiers beside the one that counts."""

GOES_ON_FOR = timedelta(minutes=10)
"""A call back that was picked up is taken to go on for so long while nobody says that it is over."""

LAST_FIRST_ASK = 1
"""The urgencies up to this one are of people who are asked for the first time, and of callers who wait."""

SENT_AGAIN = "sent_again"
"""In the details of what stops a ring: it was sent more than once, perhaps by more than one provider."""

IN_ROOM = "in_room"
"""In the details of a call of ours: whoever picked it up has entered the incident's room."""

TRIES = "tries"
"""In the details of a delivery that is another try: how many were made before it."""

UNSENT = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
_RINGING = (None, "queued", "initiated", "ringing")

Values = dict[str, Any]

_DELIVERY = table_of(Delivery)
_INSERT_NEW = Prepared(either(lambda insert: insert(table_of(Delivery)).on_conflict_do_nothing()))
_ALERTS = select(Delivery).where(
    Delivery.incident_id == bindparam("incident_id"),
    Delivery.staff_id == bindparam("staff_id"),
    Delivery.purpose == Purpose.ALERT,
)
_CALLS_TO_WORKER = select(Delivery).where(
    Delivery.incident_id == bindparam("incident_id"),
    Delivery.staff_id == bindparam("staff_id"),
    Delivery.purpose.in_((Purpose.ALERT, Purpose.CONNECT)),
    Delivery.channel == AlertChannel.VOICE,
)
_CALL_BACKS = select(Delivery).where(
    Delivery.incident_id == bindparam("incident_id"), Delivery.purpose == Purpose.CALL_BACK
)
_WITHDRAW_WAITING = Prepared(
    update(_DELIVERY)
    .where(
        _DELIVERY.c.incident_id == bindparam("incident_id"),
        _DELIVERY.c.staff_id == bindparam("staff_id"),
        _DELIVERY.c.purpose == str(Purpose.ALERT),
        _DELIVERY.c.state == str(DeliveryState.PENDING),
    )
    .values(state=str(DeliveryState.WITHDRAWN), lease_until=null(), finished_at=bindparam("finished_at"))
)


def enqueue(
    session: Session, services: Services, writes: Together, decision: Decision, *, line: int, now: datetime
) -> None:
    """Turn the effects of *decision* into deliveries; an effect wanted twice by it is delivered once.

    *line* is the sequence of its last line in the record: it tells one occasion from the next, which nothing
    that can come back does. A decision that a crash undid takes the same place when it is made again. What is
    new goes with *writes*.
    """
    if not decision.effects:
        return
    incident = decision.incident
    keep_worker_links(
        writes,
        services.link_key,
        facility_id=incident.facility_id,
        incident_id=incident.id,
        # A text about an incident carries the address of its reader's own page.
        staff_ids=dict.fromkeys(
            each.staff_id
            for each in decision.effects
            if isinstance(each, AlertWorker | SendDetails | TellOfCaller)
        ),
        now=now,
        lives_s=incident.policy.links.worker_s,
    )
    new = Composer(services, incident, now, line=line, phones=_phones(session, decision.effects))
    found: list[Values] = []
    for effect in decision.effects:
        found.extend(_deliveries(session, new, effect))
    if found:
        wake_engine_after(session)
        writes.add(_INSERT_NEW, found)


def insert_new(session: Session, found: Sequence[Values]) -> None:
    """Insert the deliveries whose idempotency key is not known yet."""
    if found:
        wake_engine_after(session)
        _INSERT_NEW.run(session.connection(), found)


def _deliveries(session: Session, new: "Composer", effect: Effect) -> Iterator[Values]:
    match effect:
        case AlertWorker():
            yield from _alert(session, new, effect)
        case StandDown():
            yield from _stand_down(session, new, effect)
        case ConnectWorker():
            yield from _connect(session, new, effect)
        case SendDetails():
            phone = new.phones[effect.staff_id]
            yield new(Purpose.DETAILS, AlertChannel.SMS, phone, effect.staff_id, f"{effect.turn}")
        case WarnSupervisors():
            yield from _warnings(session, new, effect)
        case TellOfCaller():
            phone, details = new.phones[effect.staff_id], {"reason": str(effect.news)}
            turn = f"{effect.news}:{new.line}"
            yield new(Purpose.CALLER, AlertChannel.SMS, phone, effect.staff_id, turn, details)
        case CallBack() | ReleaseCaller():
            yield from _to_caller(session, new, effect)


def _alert(session: Session, new: "Composer", effect: AlertWorker) -> Iterator[Values]:
    phone = new.phones[effect.staff_id]
    waiting = _channels_waiting(session, new, effect.staff_id) if effect.turn > 1 else set()
    for channel in effect.channels:
        if channel in waiting:
            continue
        details = {"turn": effect.turn}
        yield new(Purpose.ALERT, channel, phone, effect.staff_id, f"{effect.turn}", details)


def _channels_waiting(session: Session, new: "Composer", staff_id: str) -> set[str]:
    """Where an earlier alert to this worker waits to leave: two would ring them twice in one breath.

    One that waits for another try at a phone out of reach gives way to the new one.
    """
    must_hold(session, "looking at what the engine may be sending")
    theirs = {"incident_id": new.incident.id, "staff_id": staff_id}
    alerts = session.scalars(_ALERTS, theirs).all()
    _withdraw_tries(session, alerts, new.now)
    return {row.channel for row in alerts if row.state in (DeliveryState.PENDING, DeliveryState.UNKNOWN)}


def _withdraw_tries(session: Session, rows: Sequence[Delivery], now: datetime) -> None:
    """Take those of *rows* out of the queue that pause before another try.

    In one statement, which leaves alone what an engine has claimed since it was read: that one still shows as
    pending here, and is on its way out.
    """
    tries = [row.id for row in rows if row.state == DeliveryState.PENDING and TRIES in row.details]
    if tries:
        still = update(Delivery).where(Delivery.id.in_(tries), Delivery.state == DeliveryState.PENDING)
        out = still.values(state=str(DeliveryState.WITHDRAWN), lease_until=None, finished_at=now)
        # Asked of the database, not worked out from what was read, so that only what it changed shows so.
        session.execute(out.execution_options(synchronize_session="fetch"))


def _connect(session: Session, new: "Composer", effect: ConnectWorker) -> Iterator[Values]:
    """A call into the room, unless the worker's phone rings already, or they are there: then they meet."""
    must_hold(session, "looking at calls that may be picked up")
    theirs = {"incident_id": new.incident.id, "staff_id": effect.staff_id}
    calls = session.scalars(_CALLS_TO_WORKER, theirs).all()
    is_there = any(is_in_room(call) for call in calls) and not effect.again
    if not is_there and not any(is_ringing(call) or call.state in UNSENT for call in calls):
        phone = new.phones[effect.staff_id]
        yield new(Purpose.CONNECT, AlertChannel.VOICE, phone, effect.staff_id, f"{new.line}")


def _warnings(session: Session, new: "Composer", effect: WarnSupervisors) -> Iterator[Values]:
    must_hold(session, "saying in the log what may not come about")
    # Every time that nobody was found is said anew.
    turn = f"{effect.tier}:{int(new.now.timestamp() * 1000)}"
    told = supervisors(session, new.services)
    say = log.warning if told else log.error
    say("alert.nobody_on_duty", incident=new.incident.number, tier=effect.tier, supervisors=len(told))
    for staff in told:
        yield new(Purpose.WARNING, AlertChannel.SMS, staff.phone, staff.id, turn, {"tier": effect.tier})


def _to_caller(session: Session, new: "Composer", effect: CallBack | ReleaseCaller) -> Iterator[Values]:
    call = new.incident.call(effect.call_id)
    if isinstance(effect, ReleaseCaller):
        details: Values = {"provider_sid": call.provider_sid, "provider": call.provider, "release": True}
        yield new(Purpose.HANG_UP, AlertChannel.VOICE, call.caller_number or "", None, call.id, details)
    elif call.caller_number is not None and not _is_called_back_now(session, new):
        details, turn = {"call_id": call.id}, f"{call.id}:{new.line}"
        yield new(Purpose.CALL_BACK, AlertChannel.VOICE, call.caller_number, None, turn, details)


def _is_called_back_now(session: Session, new: "Composer") -> bool:
    """Whether a call back is about to leave, rings, or was picked up and is going on."""
    must_hold(session, "looking at calls that may be picked up")
    calls = session.scalars(_CALL_BACKS, {"incident_id": new.incident.id}).all()
    # One that pauses before another try gives way: somebody waits in the room now.
    _withdraw_tries(session, calls, new.now)
    return any(_is_under_way(call, new.now) for call in calls)


def is_called_back(session: Session, incident_id: str, now: datetime) -> bool:
    """The same, or whether one pauses before another try."""
    calls = session.scalars(_CALL_BACKS, {"incident_id": incident_id})
    return any(_is_under_way(call, now) for call in calls)


def _is_under_way(call: Delivery, now: datetime) -> bool:
    return is_ringing(call) or _goes_on(call, now) or call.state in UNSENT


def _goes_on(call: Delivery, now: datetime) -> bool:
    # The word of its end may be lost; after a while a call too many beats none.
    is_picked_up = call.state == DeliveryState.ACCEPTED and call.provider_status == "in-progress"
    return is_picked_up and call.sent_at is not None and now - call.sent_at < GOES_ON_FOR


class Composer:
    """Fills in what every delivery of one decision shares."""

    def __init__(
        self,
        services: Services,
        incident: Incident,
        now: datetime,
        *,
        line: int = 0,
        phones: Mapping[str, str] | None = None,
    ) -> None:
        self.services = services
        self.incident = incident
        self.now = now
        self.line = line
        """The sequence of the decision's last line, where it is one that asks for the delivery."""
        self.phones = phones or {}
        """Those of the staff whom it reaches, by their identifier."""

    def __call__(
        self,
        purpose: Purpose,
        channel: AlertChannel,
        to_number: str,
        staff_id: str | None,
        turn: str = "",
        details: Values | None = None,
    ) -> Values:
        """The row of one delivery; *turn* tells repeated wishes of the same kind apart."""
        expires = channel is AlertChannel.SMS
        ring_s = self.incident.policy.alerting.call_ring_s
        return {
            "id": self.services.ids.new_id(),
            "facility_id": self.incident.facility_id,
            "incident_id": self.incident.id,
            "staff_id": staff_id,
            "purpose": str(purpose),
            "channel": str(channel),
            "to_number": to_number,
            "details": {"ring_s": ring_s, **(details or {})},
            "urgency": self._urgency(purpose, (details or {}).get("turn", 1)),
            "idempotency_key": f"{self.incident.id}:{purpose}:{staff_id or ''}:{turn}:{channel}",
            "state": str(DeliveryState.PENDING),
            "created_at": self.now,
            "next_attempt_at": self.now,
            "valid_until": self.now + timedelta(seconds=TEXT_VALID_S) if expires else None,
        }

    def _urgency(self, purpose: Purpose, turn: int) -> int:
        """First asks before repeats, and red before calm among each; whoever is not needed is told last."""
        if purpose not in (Purpose.ALERT, Purpose.CONNECT, Purpose.CALL_BACK):
            return 4
        return (0 if turn == 1 else 2) + (0 if self.incident.priority.is_urgent else 1)


def _stand_down(session: Session, new: Composer, effect: StandDown) -> Iterator[Values]:
    theirs = {"incident_id": new.incident.id, "staff_id": effect.staff_id}
    # One statement, so that an alert which an engine claims in this instant is not taken for one that waits.
    _WITHDRAW_WAITING.run(session.connection(), {**theirs, "finished_at": new.now})
    # Nobody holds one of them that was read before: the session does not know what that statement changed.
    alerts = session.scalars(_ALERTS, theirs).all()
    told = False
    for alert in alerts:
        if alert.state == DeliveryState.WITHDRAWN:
            continue
        told = True
        if is_ringing(alert):
            yield from hang_ups(new, alert)
    if told:
        turn = str(new.line)
        details = {"reason": str(effect.reason)}
        yield new(Purpose.STAND_DOWN, AlertChannel.SMS, alerts[0].to_number, effect.staff_id, turn, details)


def withdraw(row: Delivery, now: datetime) -> None:
    """Take it out of the queue: nobody needs it any more, or it would come too late; nobody is sending it."""
    row.state = DeliveryState.WITHDRAWN
    row.lease_until = None
    row.finished_at = now


def hang_ups(new: Composer, alert: Delivery) -> list[Values]:
    """What stops a call that rings; one that was placed twice is stopped twice."""
    sids = [alert.provider_sid, *other_sids(alert)]
    sent_again = {SENT_AGAIN: True} if alert.attempts > 1 else {}
    return [
        new(
            Purpose.HANG_UP,
            AlertChannel.VOICE,
            alert.to_number,
            alert.staff_id,
            f"{alert.id}#{place}" if place else alert.id,
            {"provider_sid": sid, "provider": alert.provider, **sent_again},
        )
        for place, sid in enumerate(sids)
    ]


def other_sids(alert: Delivery) -> list[str]:
    """What a delivery that was sent twice is called at the provider, beside the one that counts."""
    return cast("list[str]", alert.details.get(OTHER_SIDS, []))


def is_ringing(alert: Delivery) -> bool:
    """Whether a call was handed over and nobody has answered it yet, as far as we know."""
    return (
        alert.channel == AlertChannel.VOICE
        and alert.state == DeliveryState.ACCEPTED
        and alert.provider_sid is not None
        and alert.provider_status in _RINGING
    )


def is_in_room(call: Delivery) -> bool:
    """Whether whoever picked this call of ours up is in the incident's room, as far as we know."""
    return (
        call.state == DeliveryState.ACCEPTED
        and call.provider_status == "in-progress"
        and bool(call.details.get(IN_ROOM))
    )


def is_caller_back(session: Session, incident_id: str) -> bool:
    """Whether the caller has picked up a call back of ours, and is in the room or on the way into it."""
    calls = session.scalars(_CALL_BACKS, {"incident_id": incident_id})
    return any(
        call.state == DeliveryState.ACCEPTED and call.provider_status == "in-progress" for call in calls
    )


def _phones(session: Session, effects: Sequence[Effect]) -> Mapping[str, str]:
    """The numbers of those whom *effects* reach by their own phone, by their identifier."""
    reached = (AlertWorker, ConnectWorker, SendDetails, TellOfCaller)
    staff_ids = {effect.staff_id for effect in effects if isinstance(effect, reached)}
    return phones_of(session, staff_ids)


def supervisors(session: Session, services: Services) -> Sequence[Staff]:
    """Those who are told when something is wrong, on duty or not."""
    return session.scalars(
        select(Staff).where(
            Staff.facility_id == services.facility_id,
            Staff.role == Role.SUPERVISOR,
            Staff.is_active.is_(True),
        )
    ).all()
