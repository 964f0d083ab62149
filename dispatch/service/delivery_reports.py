"""What came of a delivery: the provider's answer to our request, and its callbacks afterwards.

Each report is one transaction. Reports arrive late, twice and shuffled; the delivery never moves
backwards, and the incident learns of an alert exactly once.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain import alerts
from dispatch.domain.decisions import Decision
from dispatch.domain.deliveries import after_callback, retry_after_s
from dispatch.domain.effects import Purpose
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import Handed, OutcomeUnknownError, ProviderRefusedError, TelephonyError
from dispatch.service import ledger, outbox
from dispatch.service.outbox import Claimed
from dispatch.service.roster_keeping import crew_of
from dispatch.service.services import Services
from models.facility import Staff
from models.traffic import Delivery


def handed_over(services: Services, claimed: Claimed, handed: Handed, provider: str) -> None:
    """The provider took the request over."""
    now = services.clock.now()
    with services.uow.write() as session:
        row = _locked(session, claimed.id)
        row.provider = provider
        row.provider_sid = row.provider_sid or handed.provider_sid
        row.sent_at = row.sent_at or now
        # A callback may have been faster than the answer to our own request; it knows better.
        if row.state == DeliveryState.SENDING:
            row.state = DeliveryState.ACCEPTED
            row.provider_status = row.provider_status or handed.status
            row.lease_until = None
        session.flush()
        _tell_incident(session, services, row, proof="provider")
        _stop_if_not_wanted(session, services, row)
    services.metrics.delivery_tried(channel=claimed.channel, provider=provider, outcome="accepted")
    if claimed.purpose is Purpose.ALERT and claimed.details.get("turn") == 1:
        services.metrics.first_alert_left(max(0.0, (now - claimed.created_at).total_seconds()))


def done_without_provider(services: Services, claimed: Claimed, provider: str) -> None:
    """A request that has no life of its own (hanging up) was carried out."""
    with services.uow.write() as session:
        row = _locked(session, claimed.id)
        row.provider = provider
        row.state = DeliveryState.DELIVERED
        row.sent_at = row.finished_at = services.clock.now()
        row.lease_until = None


def not_handed_over(services: Services, claimed: Claimed, error: TelephonyError, provider: str) -> None:
    """The provider refused, was out of reach, or left us not knowing."""
    now = services.clock.now()
    refused = isinstance(error, ProviderRefusedError)
    with services.uow.write() as session:
        row = _locked(session, claimed.id)
        if row.state != DeliveryState.SENDING:
            return
        row.provider = provider
        row.error_code = error.code
        row.lease_until = None
        if refused:
            row.state = DeliveryState.FAILED
            row.finished_at = now
            session.flush()
            _tell_left(session, services, row)
            _tell_failure(session, services, row)
        elif not isinstance(error, OutcomeUnknownError) and not _is_wanted(session, services, row):
            # It certainly did not leave, and its worker was stood down meanwhile: there is nothing to retry.
            row.state = DeliveryState.WITHDRAWN
            row.finished_at = now
        else:
            unknown = isinstance(error, OutcomeUnknownError)
            row.state = DeliveryState.UNKNOWN if unknown else DeliveryState.PENDING
            row.next_attempt_at = now + timedelta(seconds=retry_after_s(row.attempts))
    outcome = "refused" if refused else "retry"
    services.metrics.delivery_tried(channel=claimed.channel, provider=provider, outcome=outcome)


def callback(
    services: Services,
    delivery_id: str,
    *,
    provider_sid: str | None,
    status: str,
    sequence: int | None,
    error_code: str | None,
) -> bool:
    """Apply a status callback; False when it is about nothing we know, or changes nothing."""
    now = services.clock.now()
    with services.uow.write() as session:
        row = session.scalar(select(Delivery).where(Delivery.id == delivery_id).with_for_update())
        if row is None or row.facility_id != services.facility_id:
            return False
        progress = after_callback(
            channel=row.channel,
            known_status=row.provider_status,
            known_sequence=row.provider_sequence,
            status=status,
            sequence=sequence,
        )
        if progress is None:
            return False
        row.provider_sid = row.provider_sid or provider_sid
        row.provider_status = progress.status
        row.provider_sequence = progress.sequence
        row.lease_until = None
        row.state = progress.state
        if progress.state is not DeliveryState.ACCEPTED:
            row.finished_at = now
        session.flush()
        if progress.state is not DeliveryState.ACCEPTED and row.channel == AlertChannel.VOICE:
            _tell_left(session, services, row)
        if progress.state is DeliveryState.FAILED:
            row.error_code = error_code or status
            session.flush()
            _tell_failure(session, services, row)
        else:
            _tell_incident(session, services, row, proof=status)
        outcome = str(progress.state)
        channel, provider = row.channel, row.provider or "unknown"
    services.metrics.delivery_tried(channel=channel, provider=provider, outcome=outcome)
    return True


def _locked(session: Session, delivery_id: str) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.id == delivery_id).with_for_update()).one()


def _tell_incident(session: Session, services: Services, row: Delivery, *, proof: str) -> None:
    if row.purpose != Purpose.ALERT or row.incident_id is None:
        return
    incident = ledger.load(session, services, row.incident_id)
    now = services.clock.now()
    decision = alerts.alert_sent(
        incident, staff_code=_code(session, row), channel=row.channel, proof=proof, now=now
    )
    ledger.record(session, services, decision, before=incident, at=now)


def _tell_call_back_failed(session: Session, services: Services, row: Delivery) -> None:
    incident = ledger.load(session, services, str(row.incident_id))
    now = services.clock.now()
    decision = alerts.call_back_failed(
        incident,
        call_id=str(row.details["call_id"]),
        code=row.error_code or "failed",
        crew=crew_of(session, services, incident.duty, now),
        now=now,
    )
    ledger.record(session, services, decision, before=incident, at=now)


def _tell_failure(session: Session, services: Services, row: Delivery) -> None:
    if row.purpose == Purpose.CALL_BACK:
        _tell_call_back_failed(session, services, row)
        return
    if row.purpose != Purpose.ALERT or row.incident_id is None:
        return
    incident = ledger.load(session, services, row.incident_id)
    assignment = incident.assignment(_code(session, row))
    concerned = assignment is not None and (assignment.is_waiting or assignment.is_engaged)
    if incident.is_closed or not concerned:
        # Nobody waits for this answer any more; a call that we stopped ourselves did not fail.
        if row.error_code == "canceled":
            row.state = DeliveryState.WITHDRAWN
        return
    now = services.clock.now()
    decision: Decision = alerts.alert_failed(
        incident,
        staff_code=_code(session, row),
        channel=row.channel,
        code=row.error_code or "failed",
        hopeless=_is_hopeless(session, row),
        crew=crew_of(session, services, incident.duty, now),
        now=now,
    )
    ledger.record(session, services, decision, before=incident, at=now)


def _tell_left(session: Session, services: Services, row: Delivery) -> None:
    """Our call to a worker is over; if they were about to be joined with the caller, they were not."""
    if row.purpose not in (Purpose.ALERT, Purpose.CONNECT) or row.incident_id is None:
        return
    incident = ledger.load(session, services, row.incident_id)
    now = services.clock.now()
    called_in = row.purpose == Purpose.CONNECT
    decision = alerts.left_call(incident, staff_code=_code(session, row), called_in=called_in, now=now)
    ledger.record(session, services, decision, before=incident, at=now)


def _is_hopeless(session: Session, row: Delivery) -> bool:
    """Whether no other alert of the same turn can still reach this worker."""
    others = session.scalars(
        select(Delivery).where(
            Delivery.incident_id == row.incident_id,
            Delivery.staff_id == row.staff_id,
            Delivery.purpose == Purpose.ALERT,
            Delivery.id != row.id,
        )
    )
    turn = row.details.get("turn")
    dead = (DeliveryState.FAILED, DeliveryState.WITHDRAWN)
    return all(other.state in dead for other in others if other.details.get("turn") == turn)


def _stop_if_not_wanted(session: Session, services: Services, row: Delivery) -> None:
    """A call that was on its way out while somebody else accepted must not go on ringing."""
    if not outbox.is_ringing(row) or _is_wanted(session, services, row):
        return
    incident: Incident = ledger.load(session, services, str(row.incident_id))
    compose = outbox.Composer(services, incident, services.clock.now())
    details = {"provider_sid": row.provider_sid, "provider": row.provider}
    outbox.insert_new(
        session,
        [compose(Purpose.HANG_UP, AlertChannel.VOICE, row.to_number, row.staff_id, row.id, details)],
    )


def _is_wanted(session: Session, services: Services, row: Delivery) -> bool:
    """Whether this alert still serves a purpose; what is no alert is always wanted.

    Whoever is not needed any more was stood down; somebody whom a dispatcher chose beside the owner was not.
    Who accepted elsewhere is joined with the caller who waits by picking this call up.
    """
    if row.purpose != Purpose.ALERT or row.incident_id is None:
        return True
    incident = ledger.load(session, services, row.incident_id)
    assignment = incident.assignment(_code(session, row))
    if assignment is None or assignment.is_waiting:
        return assignment is not None
    live = incident.live_call
    awaited = live is not None and live.answered_at is None and row.channel == AlertChannel.VOICE
    return awaited and assignment.is_engaged


def _code(session: Session, row: Delivery) -> str:
    return session.scalars(select(Staff.code).where(Staff.id == row.staff_id)).one()
