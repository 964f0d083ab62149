"""Steps of workers and dispatchers, and deadlines that have come: each is written whole or not at all."""

from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from dispatch.domain import escalation, progress
from dispatch.domain.commands import Action, ActOnIncident
from dispatch.domain.errors import (
    AlreadyThereError,
    CannotMergeError,
    DispatchError,
    FieldRequiredError,
    IncidentNotFoundError,
    StaffNotFoundError,
)
from dispatch.domain.escalation import Due
from dispatch.domain.incidents import DutyPerson, Incident
from dispatch.domain.vocabulary import IncidentStatus, Source
from dispatch.service import inbox, ledger
from dispatch.service.roster_keeping import crew_of, duty_person
from dispatch.service.services import Services
from models import incident as rows
from models.base import table_of
from models.facility import Staff
from models.repeating import repeated
from models.sessions import must_hold
from models.traffic import Deadline

_INCIDENT, _DEADLINE = table_of(rows.Incident), table_of(Deadline)
_OF_DEADLINE = (
    select(_INCIDENT.c.id)
    .join(_DEADLINE, _DEADLINE.c.incident_id == _INCIDENT.c.id)
    .where(
        _INCIDENT.c.id == bindparam("incident_id"),
        _DEADLINE.c.kind == bindparam("kind"),
        _DEADLINE.c.subject == bindparam("subject"),
        _DEADLINE.c.due_at == bindparam("due_at"),
    )
    .with_for_update(of=_INCIDENT, key_share=True, skip_locked=True)
)
_LOCK_BOTH = (
    select(_INCIDENT.c.id)
    .where(
        _INCIDENT.c.id.in_((bindparam("one"), bindparam("other"))),
        _INCIDENT.c.facility_id == bindparam("facility"),
    )
    .order_by(_INCIDENT.c.id)
    .with_for_update(key_share=True)
)
_STAFF_BY_CODE = select(table_of(Staff)).where(
    table_of(Staff).c.facility_id == bindparam("facility"), table_of(Staff).c.code == bindparam("code")
)


@repeated
def act(services: Services, command: ActOnIncident) -> Incident:
    """Carry out one action on an incident.

    A refusal changes nothing but is itself a line of the record.

    Raises:
        DispatchError: a rule says no.
    """
    outcome = services.uow.decide(lambda session: act_within(session, services, command))
    if isinstance(outcome, DispatchError):
        raise outcome
    return outcome


def act_once(
    services: Services, command: ActOnIncident, *, key: str, place: Row[*tuple[Any, ...]] | None = None
) -> Incident:
    """The same for a webhook: one that was slow and had to be kept as well is not carried out twice.

    *place* is where the incident's record stood a moment ago, if that was looked at (``ledger.PLACE``).

    Raises:
        AlreadyThereError: the request *key* was carried out before.
        DispatchError: a rule says no.
    """

    def once(session: Session) -> Incident | DispatchError:
        if inbox.keep(session, services, key, "keypad", {}) is None:
            raise AlreadyThereError(action=str(command.action), status="carried out")
        if place is not None:
            ledger.found_at(session, [place])
        return act_within(session, services, command)

    outcome = services.uow.decide(once)
    if isinstance(outcome, DispatchError):
        raise outcome
    return outcome


def act_within(session: Session, services: Services, command: ActOnIncident) -> Incident | DispatchError:
    """The same inside the caller's transaction; a refusal is returned, so that its line is committed too.

    Raises:
        IncidentNotFoundError: there is no incident on whose record a refusal could stand.
    """
    now = services.clock.now()
    if command.action is Action.MERGE:
        _lock_both(session, services, command)
    incident = ledger.load(session, services, command.incident_id)
    try:
        worker = _worker(session, services, incident, command)
        if command.action is Action.MERGE:
            _check_target(session, services, incident, command)
        crew = crew_of(session, services, incident.duty, now)
        decision = progress.act(incident, command, worker=worker, crew=crew, now=now)
    except DispatchError as error:
        if isinstance(error, AlreadyThereError) and command.source is Source.KEYPAD:
            # The provider asks again when our answer was lost; that is nobody's attempt.
            return error
        decision = progress.refuse(incident, command, error, now=now)
        ledger.record(session, services, decision, before=incident, at=now)
        return error
    ledger.record(session, services, decision, before=incident, at=now)
    return decision.incident


def fire(services: Services, incident_id: str, due: Due) -> None:
    """A deadline has come: do what it stands for, or nothing when the state has moved on.

    Nothing as well, at the cost of one query, when somebody else is at this incident: the deadline is looked
    at again with the next round.
    """
    now = services.clock.now()
    with services.uow.write() as session:
        if not _is_ours(session, incident_id, due):
            return
        incident = ledger.load(session, services, incident_id)
        awaited = escalation.awaited(incident, due.kind, due.subject)
        if awaited is None:
            # Somebody acted in the meantime; the row is a leftover of a crash or of another engine.
            session.delete(session.get_one(Deadline, (incident_id, due.kind, due.subject)))
            return
        if not awaited.has_come(now):
            # Counted anew while the clock was wrong (``waiting``), and the clock has been set right since.
            row = session.get_one(Deadline, (incident_id, due.kind, due.subject))
            row.due_at = awaited.seen_from(now)
            return
        crew = crew_of(session, services, incident.duty, now)
        decision = escalation.decide_deadline(incident, awaited, crew=crew, now=now)
        ledger.record(session, services, decision, before=incident, at=now)


def _is_ours(session: Session, incident_id: str, due: Due) -> bool:
    """Lock the incident, never waiting for it, if the deadline is still there: engines share the work so."""
    key = {"incident_id": incident_id, "kind": due.kind, "subject": due.subject, "due_at": due.due_at}
    return session.connection().execute(_OF_DEADLINE, key).first() is not None


def _worker(
    session: Session, services: Services, incident: Incident, command: ActOnIncident
) -> DutyPerson | None:
    if command.staff_code is None:
        return None
    if (on_duty := incident.on_duty(command.staff_code)) is not None:
        return on_duty
    key = {"facility": services.facility_id, "code": command.staff_code}
    row = session.connection().execute(_STAFF_BY_CODE, key).first()
    if row is None:
        raise StaffNotFoundError(staff_code=command.staff_code)
    return duty_person(row, incident.policy.alerting.tiers[0].name)


def _lock_both(session: Session, services: Services, command: ActOnIncident) -> None:
    """Hold what is merged and what it is merged into, the lower identifier first.

    Of two merges that cross each other the second sees what the first has done: both carried out would close
    both incidents, and nobody would be alerted for either.
    """
    must_hold(session, "holding two incidents")
    both = {"one": command.incident_id, "other": command.into, "facility": services.facility_id}
    session.connection().execute(_LOCK_BOTH, both)


def _check_target(session: Session, services: Services, incident: Incident, command: ActOnIncident) -> None:
    if command.into is None:
        raise FieldRequiredError(field="into")
    target = session.scalar(
        select(rows.Incident).where(
            rows.Incident.facility_id == services.facility_id, rows.Incident.id == command.into
        )
    )
    if target is None:
        raise IncidentNotFoundError(incident=command.into)
    if target.id == incident.id or target.status == IncidentStatus.CLOSED:
        raise CannotMergeError(incident=incident.number, into=target.number)
