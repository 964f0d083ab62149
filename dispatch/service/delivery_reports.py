"""What came of a delivery: the provider's answer to our request, and its callbacks afterwards.

Each report is one transaction, which locks an incident before its delivery, as every command does; only a
mere step on the way concerns no incident. Reports arrive late, twice and shuffled, and about a call that was
placed twice; the delivery never moves backwards, and the incident learns of an alert exactly once. What
follows from a failure is the matter of ``failures``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Integer, bindparam, func, literal, update
from sqlalchemy.orm import Session

from dispatch.domain import alerts
from dispatch.domain.deliveries import STEPS, Progress, Step, after_callback, is_answered, retry_after_s
from dispatch.domain.effects import Purpose
from dispatch.domain.error_codes import Verdict, meaning_of
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import Handed, OutcomeUnknownError, ProviderRefusedError, TelephonyError
from dispatch.service import failures, holding, ledger, outbox, survey_requests
from dispatch.service.claiming import Claimed
from dispatch.service.services import Services
from models.base import UtcDateTime, table_of
from models.repeating import repeated
from models.statements import Prepared
from models.traffic import Delivery


@repeated
def handed_over(
    services: Services, claimed: Claimed, handed: Handed, provider: str, *, body: str = ""
) -> None:
    """The provider took the request over, with these words."""
    now = services.clock.now()
    with services.uow.write() as session, _row_of(session, services, claimed) as row:
        row.provider = provider
        row.body = body or row.body
        row.sent_at = row.sent_at or now
        if row.provider_sid is None:
            row.provider_sid = handed.provider_sid
        elif row.provider_sid != handed.provider_sid:
            _note_other(row, handed.provider_sid)
        # A callback may have been faster than the answer to our own request; it knows better.
        speaks_first = row.state == DeliveryState.SENDING
        if speaks_first:
            row.error_code = None
            # What was found at the provider after an unknown outcome may be over already.
            found = _standing(row, handed.status, None)
            _move(
                row, found or Progress(state=DeliveryState.ACCEPTED, status=handed.status, sequence=-1), now
            )
        if speaks_first and row.state == DeliveryState.FAILED:
            _failed(session, services, row, handed.status, now)
        else:
            holding.write_delivery(session, row, with_next=True)
            _tell_incident(session, services, row, proof="provider")
            _stop_if_not_wanted(session, services, row)
    services.metrics.delivery_tried(channel=claimed.channel, provider=provider, outcome="accepted")
    if claimed.is_first_alert:
        services.metrics.first_alert_left(max(0.0, (now - claimed.created_at).total_seconds()))


@repeated
def done_without_provider(services: Services, claimed: Claimed, provider: str) -> None:
    """A request that has no life of its own (hanging up) was carried out."""
    with services.uow.write() as session, _row_of(session, services, claimed) as row:
        row.provider = provider
        row.state = DeliveryState.DELIVERED
        row.sent_at = row.finished_at = services.clock.now()
        row.lease_until = None


@repeated
def not_wanted(services: Services, claimed: Claimed) -> None:
    """It was about to be sent again, but whom it was for is not needed any more."""
    with services.uow.write() as session, _row_of(session, services, claimed) as row:
        if _is_ours(row, claimed):
            failures.let_go(session, services, row, now=services.clock.now())


@repeated
def not_handed_over(
    services: Services,
    claimed: Claimed,
    error: TelephonyError,
    provider: str,
    *,
    body: str = "",
    unasked: frozenset[str] = frozenset(),
) -> None:
    """No provider took it: all refused, were out of reach, or one left us not knowing.

    Those *unasked* may have it from an earlier try; as long as they do not say, its outcome stays unknown.
    """
    now = services.clock.now()
    in_doubt = unasked | {provider} if isinstance(error, OutcomeUnknownError) else unasked
    refused = isinstance(error, ProviderRefusedError) and not is_passing(error)
    with services.uow.write() as session, _row_of(session, services, claimed) as row:
        if not _is_ours(row, claimed):
            return
        row.provider = provider
        row.body = body or row.body
        row.error_code = error.code
        row.lease_until = None
        if refused:
            row.state = DeliveryState.FAILED
            row.finished_at = now
            holding.write_delivery(session, row)
            _tell_left(session, services, row)
            failures.follow_up(session, services, row, was_taken=False, now=now)
        elif not in_doubt and not failures.is_wanted(session, services, row):
            # It certainly did not leave, and meanwhile nobody needs it: there is nothing to retry.
            failures.let_go(session, services, row, now=now)
        else:
            row.state = DeliveryState.UNKNOWN if in_doubt else DeliveryState.PENDING
            if in_doubt:
                # Where it may be is where it is asked for next; that may be more than one place.
                row.provider = next(iter(in_doubt)) if len(in_doubt) == 1 else None
            row.next_attempt_at = now + timedelta(seconds=retry_after_s(row.attempts))
    outcome = "refused" if refused else "retry"
    services.metrics.delivery_tried(channel=claimed.channel, provider=provider, outcome=outcome)


def is_passing(error: TelephonyError) -> bool:
    """Whether what stood in the way will pass, so that the same may be asked for again."""
    return not isinstance(error, ProviderRefusedError) or meaning_of(error.code).verdict is Verdict.RETRY


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
    if _has_stepped(services, delivery_id, provider_sid, status, sequence):
        return True
    now = services.clock.now()
    with (
        services.uow.write() as session,
        holding.delivery_held(session, services, delivery_id) as row,
    ):
        if row is None or row.facility_id != services.facility_id:
            return False
        if not _counts(row, provider_sid, status):
            return False
        progress = _standing(row, status, sequence)
        if progress is None:
            return False
        overtakes = row.state != DeliveryState.ACCEPTED
        row.provider_sid = row.provider_sid or provider_sid
        _move(row, progress, now)
        if progress.state is DeliveryState.FAILED:
            _failed(session, services, row, error_code or status, now)
        else:
            holding.write_delivery(session, row, with_next=True)
            if progress.state is DeliveryState.DELIVERED and row.channel == AlertChannel.VOICE:
                _tell_left(session, services, row)
                if row.purpose == Purpose.SURVEY:
                    survey_requests.call_over(session, row, now=now)
            _tell_incident(session, services, row, proof=status)
            if overtakes:
                _stop_if_not_wanted(session, services, row)
        outcome = str(progress.state)
        channel, provider = row.channel, row.provider or "unknown"
    services.metrics.delivery_tried(channel=channel, provider=provider, outcome=outcome)
    return True


_DELIVERY, _SEQUENCE = table_of(Delivery), bindparam("sequence", type_=Integer)


def _stepping(status: str, step: Step) -> Prepared:
    ends = (
        {} if step.state is DeliveryState.ACCEPTED else {"finished_at": bindparam("now", type_=UtcDateTime)}
    )
    return Prepared(
        update(_DELIVERY)
        .where(
            _DELIVERY.c.id == bindparam("delivery_id"),
            _DELIVERY.c.facility_id == bindparam("of_facility"),
            _DELIVERY.c.channel == literal(str(step.channel)),
            _DELIVERY.c.state == literal(str(DeliveryState.ACCEPTED)),
            _DELIVERY.c.provider_sid == bindparam("known_sid"),
            _DELIVERY.c.provider_status.in_([literal(known) for known in step.earlier]),
            _DELIVERY.c.provider_sequence < func.coalesce(_SEQUENCE, _DELIVERY.c.provider_sequence + 1),
        )
        .values(
            state=literal(str(step.state)),
            provider_status=literal(status),
            provider_sequence=func.coalesce(_SEQUENCE, _DELIVERY.c.provider_sequence),
            **ends,
        )
        .returning(_DELIVERY.c.channel, _DELIVERY.c.provider)
    )


_STEP = {status: _stepping(status, step) for status, step in STEPS.items()}


def _has_stepped(
    services: Services, delivery_id: str, provider_sid: str | None, status: str, sequence: int | None
) -> bool:
    """Whether the call or text is a step further on its way, and that was all that the callback says.

    Most callbacks say nothing else. The provider had taken it over before, so its incident knows of it: one
    statement that looks and writes at once, and holds up nobody.
    """
    if status not in STEPS or provider_sid is None:
        return False
    values = {
        "delivery_id": delivery_id,
        "of_facility": services.facility_id,
        "known_sid": provider_sid,
        "sequence": sequence,
        "now": services.clock.now(),
    }
    stepped = services.uow.write_one(_STEP[status], values)
    if stepped is None:
        return False
    services.metrics.delivery_tried(
        channel=stepped.channel,
        provider=stepped.provider or "unknown",
        outcome=str(STEPS[status].state),
    )
    return True


# --- the row --------------------------------------------------------------------------------------


@contextmanager
def _row_of(session: Session, services: Services, claimed: Claimed) -> Iterator[Delivery]:
    with holding.delivery_held(session, services, claimed.id) as row:
        assert row is not None, "no delivery is ever deleted"
        yield row


def _is_ours(row: Delivery, claimed: Claimed) -> bool:
    """Whether nobody has taken the delivery over since, and no callback has said better."""
    return row.state == DeliveryState.SENDING and row.attempts == claimed.attempts


def _standing(row: Delivery, status: str, sequence: int | None) -> Progress | None:
    return after_callback(
        channel=row.channel,
        known_status=row.provider_status,
        known_sequence=row.provider_sequence,
        status=status,
        sequence=sequence,
    )


def _move(row: Delivery, progress: Progress, now: datetime) -> None:
    row.provider_status = progress.status
    row.provider_sequence = progress.sequence
    row.lease_until = None
    row.state = progress.state
    if progress.state is not DeliveryState.ACCEPTED:
        row.finished_at = now


def _counts(row: Delivery, provider_sid: str | None, status: str) -> bool:
    """Whether a callback about *provider_sid* is about the call that counts.

    After an unknown outcome the same delivery may have become two calls. The one that is recorded counts,
    until another of them is answered first: then that one is the alert, and the recorded one rings in vain.
    """
    if provider_sid is None or row.provider_sid in (None, provider_sid):
        return True
    _note_other(row, provider_sid)
    if not is_answered(status) or not outbox.is_ringing(row):
        return False
    _note_other(row, str(row.provider_sid))
    row.provider_sid = provider_sid
    # The numbers of callbacks are counted for each call by itself.
    row.provider_sequence = -1
    return True


def _note_other(row: Delivery, provider_sid: str) -> None:
    """Remember an identifier, so that a call that nobody needs any more is stopped whichever it is."""
    known = outbox.other_sids(row)
    if provider_sid not in known:
        row.details = {**row.details, outbox.OTHER_SIDS: [*known, provider_sid]}


# --- the incident ---------------------------------------------------------------------------------


def _failed(session: Session, services: Services, row: Delivery, code: str, now: datetime) -> None:
    """The provider had taken it over, and says that it came to nothing."""
    row.error_code = code
    holding.write_delivery(session, row)
    if row.channel == AlertChannel.VOICE:
        _tell_left(session, services, row)
    failures.follow_up(session, services, row, was_taken=True, now=now)


def _tell_incident(session: Session, services: Services, row: Delivery, *, proof: str) -> None:
    if row.purpose != Purpose.ALERT or row.incident_id is None:
        return
    incident = ledger.load(session, services, row.incident_id)
    now = services.clock.now()
    decision = alerts.alert_sent(
        incident,
        staff_code=failures.code_of(session, incident, row),
        channel=row.channel,
        proof=proof,
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
    staff_code = failures.code_of(session, incident, row)
    decision = alerts.left_call(incident, staff_code=staff_code, called_in=called_in, now=now)
    ledger.record(session, services, decision, before=incident, at=now)


def _stop_if_not_wanted(session: Session, services: Services, row: Delivery) -> None:
    """A call that was on its way out while somebody else accepted must not go on ringing."""
    if row.purpose != Purpose.ALERT or not outbox.is_ringing(row):
        return
    if failures.is_wanted(session, services, row):
        return
    incident: Incident = ledger.load(session, services, str(row.incident_id))
    compose = outbox.Composer(services, incident, services.clock.now())
    outbox.insert_new(session, outbox.hang_ups(compose, row))
