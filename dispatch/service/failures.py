"""What follows from a delivery that failed: another try, another way to the same person, or the next person.

The table of ``dispatch.domain.error_codes`` judges; here its verdict is carried out, inside the transaction
of the report that brought it. Whatever is tried again after the provider had taken it over is a row of its
own: one row is one call or text at the provider, so that callbacks about the old one never move the new one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatch.domain import alerts
from dispatch.domain.effects import Purpose
from dispatch.domain.error_codes import (
    Verdict,
    call_back_pause_s,
    may_be_reached_later,
    meaning_of,
    retry_pause_s,
)
from dispatch.domain.incidents import Assignment, Incident
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.service import holding, ledger, outbox, survey_requests
from dispatch.service.roster_keeping import crew_of
from dispatch.service.services import Services
from models.base import table_of
from models.facility import Staff
from models.traffic import Delivery

REFUSED_BY = "refused_by"
"""In the details of a delivery: the providers that will not carry it."""

_CODE = select(table_of(Staff).c.code).where(table_of(Staff).c.id == bindparam("staff_id"))
_DEAD = (DeliveryState.FAILED, DeliveryState.WITHDRAWN)
_OF_ONE_CALL = (outbox.IN_ROOM, outbox.OTHER_SIDS)
"""What the details say of one call at the provider, and not of the next."""

_COPIED = (
    "facility_id",
    "incident_id",
    "staff_id",
    "purpose",
    "channel",
    "to_number",
    "urgency",
    "valid_until",
)


def follow_up(session: Session, services: Services, row: Delivery, *, was_taken: bool, now: datetime) -> None:
    """Do what the table says about *row*, which has failed with its ``error_code``.

    *was_taken* says that a provider had taken it over and reported the failure; otherwise every provider was
    asked and none would.
    """
    if row.purpose == Purpose.CALL_BACK:
        _tell_call_back_failed(session, services, row, now)
        if was_taken and _is_to_be_called_again(session, services, row, now):
            outbox.insert_new(session, _after_a_pause(services, row, now))
    elif row.purpose == Purpose.ALERT and row.incident_id is not None:
        _after_alert(session, services, row, was_taken=was_taken, now=now)
    elif row.purpose == Purpose.SURVEY:
        # Nobody is rung a second time for a question; a text may go where the call did not get through.
        is_text = row.channel == AlertChannel.SMS
        again = _another_try(services, row, now) if was_taken and is_text else []
        outbox.insert_new(session, again or survey_requests.text_instead(session, services, row, now=now))
    elif was_taken and row.channel == AlertChannel.SMS:
        outbox.insert_new(session, _another_try(services, row, now))


def is_wanted(session: Session, services: Services, row: Delivery, *, for_update: bool = True) -> bool:
    """Whether this call or text still serves a purpose; what is not named here always does.

    Alerts: whoever is not needed any more was stood down; somebody whom a dispatcher chose beside the owner
    was not. Who accepted elsewhere is joined with the caller who waits by picking this call up. A worker is
    called into the room as long as a caller waits there alone, and a caller is called back until reached.
    """
    if row.purpose == Purpose.SURVEY:
        return survey_requests.is_wanted(session, row)
    if row.incident_id is None or row.purpose not in (Purpose.ALERT, Purpose.CONNECT, Purpose.CALL_BACK):
        return True
    incident = ledger.load(session, services, row.incident_id, for_update=for_update)
    if row.purpose == Purpose.CALL_BACK:
        return not incident.is_closed and not _is_reached(incident)
    assignment = incident.assignment(code_of(session, incident, row))
    if row.purpose == Purpose.CONNECT:
        return assignment is not None and (
            _is_awaited(incident, assignment)
            or (assignment.is_engaged and outbox.is_caller_back(session, incident.id))
        )
    return assignment is not None and _is_concerned(incident, assignment, row.channel)


def let_go(session: Session, services: Services, row: Delivery, *, now: datetime) -> None:
    """Stop trying *row*, which is not wanted any more.

    A caller whom no call-back reached before the incident was closed is a failure, on record and on the
    board: somebody may have to go and look.
    """
    outbox.withdraw(row, now)
    if row.purpose == Purpose.CALL_BACK:
        incident = ledger.load(session, services, str(row.incident_id))
        if not _is_reached(incident):
            row.state = DeliveryState.FAILED
            holding.write_delivery(session, row)
            follow_up(session, services, row, was_taken=False, now=now)


def code_of(session: Session, incident: Incident, row: Delivery) -> str:
    """The staff code of the person whom *row* is for, who nearly always has a part in the incident."""
    for assignment in incident.assignments:
        if assignment.staff_id == row.staff_id:
            return assignment.staff_code
    return str(session.connection().execute(_CODE, {"staff_id": row.staff_id}).scalar_one())


def _is_concerned(incident: Incident, assignment: Assignment, channel: str) -> bool:
    return assignment.is_waiting or (channel == AlertChannel.VOICE and _is_awaited(incident, assignment))


def _is_awaited(incident: Incident, assignment: Assignment) -> bool:
    """Whether a caller waits in the room, alone, for a worker who accepted."""
    live = incident.live_call
    return assignment.is_engaged and live is not None and incident.is_alone(live)


def _is_to_be_called_again(session: Session, services: Services, row: Delivery, now: datetime) -> bool:
    """Whether the caller may be reached later, and no other call back is under way, which would go on."""
    return (
        may_be_reached_later(row.error_code)
        and is_wanted(session, services, row)
        and not outbox.is_called_back(session, str(row.incident_id), now)
    )


def _is_reached(incident: Incident) -> bool:
    """Whether somebody has talked with the caller, whoever called whom."""
    return incident.times.answered_at is not None


def _after_alert(
    session: Session, services: Services, row: Delivery, *, was_taken: bool, now: datetime
) -> None:
    incident = ledger.load(session, services, str(row.incident_id))
    staff_code = code_of(session, incident, row)
    assignment = incident.assignment(staff_code)
    concerned = assignment is not None and (assignment.is_waiting or assignment.is_engaged)
    if incident.is_closed or not concerned:
        # Nobody waits for this answer any more; a call that we stopped ourselves did not fail.
        if row.error_code == "canceled":
            outbox.withdraw(row, now)
        return
    theirs = _alerts_to(session, row)
    further = []
    if assignment is not None and assignment.is_waiting:
        further = _other_way(services, incident, row, theirs, was_taken=was_taken, now=now)
    if further:
        outbox.insert_new(session, further)
        theirs = _alerts_to(session, row)
    decision = alerts.alert_failed(
        incident,
        staff_code=staff_code,
        channel=row.channel,
        code=row.error_code or "failed",
        hopeless=_is_hopeless(row, theirs),
        crew=crew_of(session, services, incident.duty, now),
        now=now,
    )
    ledger.record(session, services, decision, before=incident, at=now)


def _other_way(
    services: Services,
    incident: Incident,
    row: Delivery,
    theirs: Sequence[Delivery],
    *,
    was_taken: bool,
    now: datetime,
) -> list[outbox.Values]:
    """The delivery that takes the place of the failed alert *row*, if the table knows one."""
    if was_taken:
        asked_again = any(_turn(other) > _turn(row) and other.channel == row.channel for other in theirs)
        again = [] if asked_again else _another_try(services, row, now)
        if again:
            return again
    if meaning_of(row.error_code).verdict not in (Verdict.OTHER_CHANNEL, Verdict.OTHER_PROVIDER):
        return []
    other = AlertChannel.SMS if row.channel == AlertChannel.VOICE else AlertChannel.VOICE
    if any(alert.channel == other and alert.state != DeliveryState.WITHDRAWN for alert in theirs):
        return []
    compose = outbox.Composer(services, incident, now)
    turn = _turn(row)
    return [compose(Purpose.ALERT, other, row.to_number, row.staff_id, f"{turn}", {"turn": turn})]


def _another_try(services: Services, row: Delivery, now: datetime) -> list[outbox.Values]:
    """*row* once more: by the same provider after a pause, or by another one at once, or not at all."""
    verdict = meaning_of(row.error_code).verdict
    details: dict[str, Any] = dict(row.details)
    if verdict is Verdict.RETRY:
        return _after_a_pause(services, row, now)
    if verdict is Verdict.OTHER_PROVIDER:
        refused_by = [*cast("list[str]", row.details.get(REFUSED_BY, [])), row.provider]
        if not any(name not in refused_by for name in services.providers):
            return []
        details[REFUSED_BY] = refused_by
    else:
        return []
    return _once_more(services, row, details, at=now, now=now)


def _after_a_pause(services: Services, row: Delivery, now: datetime) -> list[outbox.Values]:
    """*row* once more, when the phone may be in reach again; longer after each try."""
    at = now + timedelta(seconds=pause_s(row, _tries(row) + 1))
    return _once_more(services, row, dict(row.details), at=at, now=now)


def pause_s(row: Delivery, tries: int) -> float:
    """Seconds to wait before *row* goes out once more, after so many *tries*."""
    return call_back_pause_s(tries) if row.purpose == Purpose.CALL_BACK else retry_pause_s(tries)


def _tries(row: Delivery) -> int:
    return cast("int", row.details.get(outbox.TRIES, 0))


def _once_more(
    services: Services, row: Delivery, details: dict[str, Any], *, at: datetime, now: datetime
) -> list[outbox.Values]:
    tries = _tries(row) + 1
    if row.valid_until is not None and at >= row.valid_until:
        return []
    first_key = row.idempotency_key.partition("#")[0]
    return [
        {
            **{name: getattr(row, name) for name in _COPIED},
            "id": services.ids.new_id(),
            "details": {
                **{name: value for name, value in details.items() if name not in _OF_ONE_CALL},
                outbox.TRIES: tries,
            },
            "idempotency_key": f"{first_key}#{tries}",
            "state": str(DeliveryState.PENDING),
            "error_code": row.error_code,
            "created_at": now,
            "next_attempt_at": at,
        }
    ]


def _alerts_to(session: Session, row: Delivery) -> Sequence[Delivery]:
    """Every other alert of this incident to the same worker."""
    return session.scalars(
        select(Delivery).where(
            Delivery.incident_id == row.incident_id,
            Delivery.staff_id == row.staff_id,
            Delivery.purpose == Purpose.ALERT,
            Delivery.id != row.id,
        )
    ).all()


def _is_hopeless(row: Delivery, theirs: Sequence[Delivery]) -> bool:
    """Whether no other alert of the same turn can still reach this worker before the next one is asked.

    One that waits for its next try at a phone out of reach is not counted on.
    """
    same = (other for other in theirs if _turn(other) == _turn(row))
    return all(
        other.state in _DEAD
        or (
            other.state == DeliveryState.PENDING
            and outbox.TRIES in other.details
            and REFUSED_BY not in other.details
        )
        for other in same
    )


def _turn(alert: Delivery) -> int:
    return cast("int", alert.details.get("turn", 1))


def _tell_call_back_failed(session: Session, services: Services, row: Delivery, now: datetime) -> None:
    incident = ledger.load(session, services, str(row.incident_id))
    decision = alerts.call_back_failed(
        incident,
        call_id=str(row.details["call_id"]),
        code=row.error_code or "failed",
        is_first=not _tries(row),
        crew=crew_of(session, services, incident.duty, now),
        now=now,
    )
    ledger.record(session, services, decision, before=incident, at=now)
