"""What must be zero when everything has gone quiet, counted in the database and in the company's memory.

Each line names one call, incident or delivery for which a promise was broken. Never talks to the program.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import select

from dispatch.domain.effects import Purpose
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import ENGAGED, DeliveryState, IncidentStatus
from dispatch.service.sealed import from_row
from dispatch.service.verifying import verify
from models.incident import Assignment, Call, Incident
from models.record import Event, Seal
from models.traffic import IS_UNSENT, Delivery
from models.unit_of_work import UnitOfWork
from tests.fakes.stand_in import StandIn

Send = tuple[str, int]
"""One attempt to send a delivery: its identifier, and the how manieth attempt it is."""


def sends_in_flight(uow: UnitOfWork, process: int | None = None) -> set[Send]:
    """Deliveries that were claimed and whose outcome is not written down: what a kill now leaves open.

    Of several processes those of one. What an earlier kill left so, and nobody has claimed since, is the same
    send and not another one.
    """
    with uow.read() as session:
        rows = session.execute(
            select(Delivery.id, Delivery.attempts, Delivery.claimed_by).where(
                Delivery.state == DeliveryState.SENDING
            )
        )
        return {
            (delivery_id, attempt)
            for delivery_id, attempt, claimed_by in rows
            if process is None or f":{process}:" in str(claimed_by)
        }


def unsettled(uow: UnitOfWork) -> list[str]:
    """What is still to happen: deliveries that wait, and open incidents that nobody has accepted."""
    with uow.read() as session:
        waiting = session.execute(
            select(Delivery.purpose, Delivery.to_number, Delivery.state).where(IS_UNSENT)
        )
        owned = select(Assignment.incident_id).where(
            Assignment.is_primary.is_(True), Assignment.status.in_(ENGAGED)
        )
        orphans = session.scalars(
            select(Incident.number).where(Incident.status != IncidentStatus.CLOSED, Incident.id.not_in(owned))
        )
        return [f"{purpose} to {number} is {state}" for purpose, number, state in waiting] + list(orphans)


def known_calls(uow: UnitOfWork) -> set[str]:
    """The identifiers of the calls that have an incident."""
    with uow.read() as session:
        return set(session.scalars(select(Call.provider_sid).where(Call.incident_id.is_not(None))))


def lost_calls(uow: UnitOfWork, acknowledged: Mapping[str, str]) -> list[str]:
    """Calls that were answered and have no incident."""
    known = known_calls(uow)
    return [f"{sid} from {number}" for sid, number in acknowledged.items() if sid not in known]


def doubled_incidents(uow: UnitOfWork) -> list[str]:
    """One call recorded twice, or two incidents of one phone that were open at the same time."""
    with uow.read() as session:
        received = Counter(
            data["provider_sid"]
            for data in session.scalars(select(Event.data).where(Event.kind == Kind.CALL_RECEIVED))
        )
        by_number: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
        for row in session.scalars(select(Incident).where(Incident.caller_number.is_not(None))):
            closed_at = row.closed_at or datetime.max.replace(tzinfo=UTC)
            by_number[str(row.caller_number)].append((row.received_at, closed_at, row.number))
    found = [f"{sid} was recorded {count} times" for sid, count in received.items() if count > 1]
    for number, incidents in by_number.items():
        for (_, closed_at, first), (received_at, _, second) in pairwise(sorted(incidents)):
            if received_at < closed_at:
                found.append(f"{first} and {second} were open together for {number}")
    return found


def silent_incidents(uow: UnitOfWork, company: StandIn) -> list[str]:
    """Incidents of which no alert ever left the house, as the company knows it."""
    left = {leg.delivery_id for leg in (*company.calls, *company.texts)}
    with uow.read() as session:
        alerts = select(Delivery.incident_id, Delivery.id).where(Delivery.purpose == Purpose.ALERT)
        heard_of = {
            incident_id for incident_id, delivery_id in session.execute(alerts) if delivery_id in left
        }
        incidents = session.execute(select(Incident.id, Incident.number)).all()
    return [number for incident_id, number in incidents if incident_id not in heard_of]


def alerted_callers(uow: UnitOfWork, company: StandIn) -> set[str]:
    """The numbers for whose incidents somebody was rung, as the company knows it."""
    left = {leg.delivery_id for leg in list(company.calls)}
    with uow.read() as session:
        alerts = (
            select(Delivery.id, Incident.caller_number)
            .join(Incident, Incident.id == Delivery.incident_id)
            .where(Delivery.purpose == Purpose.ALERT)
        )
        return {str(number) for delivery_id, number in session.execute(alerts) if delivery_id in left}


def doubled_sends(company: StandIn) -> list[str]:
    """Requests that the company got again for a delivery that it had taken over already."""
    taken = Counter(leg.delivery_id for leg in (*company.calls, *company.texts))
    return [delivery_id for delivery_id, count in taken.items() for _ in range(count - 1)]


def unknown_sends(uow: UnitOfWork, company: StandIn) -> list[str]:
    """Calls and texts that left the house and are not in its record."""
    with uow.read() as session:
        known = set(session.scalars(select(Delivery.id)))
    return [leg.sid for leg in (*company.calls, *company.texts) if leg.delivery_id not in known]


def claimed_sends(uow: UnitOfWork, company: StandIn) -> list[str]:
    """Deliveries that the record says were handed over, and that the company never got."""
    taken = {leg.delivery_id for leg in (*company.calls, *company.texts)}
    with uow.read() as session:
        handed = select(Delivery.id, Delivery.purpose, Delivery.to_number).where(
            Delivery.purpose != Purpose.HANG_UP,
            Delivery.state.in_((DeliveryState.ACCEPTED, DeliveryState.DELIVERED)),
        )
        return [
            f"{purpose} to {number}" for key, purpose, number in session.execute(handed) if key not in taken
        ]


def untold_seals(uow: UnitOfWork, company: StandIn, witnesses: Sequence[str]) -> list[str]:
    """Seals whose fingerprint was not sent to every witness by one delivery, neither none nor two."""
    with uow.read() as session:
        fingerprints = [from_row(row).fingerprint for row in session.scalars(select(Seal))]
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    for leg in company.texts:
        for fingerprint in fingerprints:
            if fingerprint in leg.form["Body"]:
                told[leg.to_number, fingerprint].add(leg.delivery_id)
    return [
        f"{fingerprint} was sent to {number} {len(told[number, fingerprint])} times"
        for fingerprint in fingerprints
        for number in witnesses
        if len(told[number, fingerprint]) != 1
    ]


def findings(uow: UnitOfWork, facility_id: str) -> Iterator[str]:
    """What ``siaga verify`` says."""
    return (str(finding) for finding in verify(uow, facility_id))
