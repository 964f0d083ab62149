"""Asking callers, an hour after their emergency has ended, whether they were satisfied (ADR 0032).

A chore of the engine: it looks for incidents that have ended, lets ``dispatch.domain.survey_rules`` judge
each, and puts a text into the outbox, behind everything else that waits there. While somebody is being
alerted it asks nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatch.domain.questionnaire import CURRENT, RequestState, SurveyChannel
from dispatch.domain.survey_rules import (
    WITHIN,
    Candidate,
    SurveyRules,
    is_decent_hour,
    silence,
    way_of,
)
from dispatch.domain.vocabulary import (
    Category,
    DeliveryState,
    IncidentStatus,
    Outcome,
    Priority,
)
from dispatch.service import outbox, pulses, survey_requests
from dispatch.service.links import survey_token, token_hash
from dispatch.service.services import Services
from models.facility import Staff
from models.incident import IS_OPEN, Incident
from models.survey import SurveyOptOut, SurveyRequest
from models.traffic import Delivery

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 60.0
PULSE = "survey"

AT_ONCE = 10
"""How many are asked in one look: a few texts a minute hold up nothing."""

LOOKED_AT = 1000
"""The newest incidents that one look judges; a busy regency ends some hundred in two days."""

LASTED = timedelta(days=7)
"""No incident lasts longer: how far back the index of received calls is looked through."""

_ALERTING = (IncidentStatus.OPEN, IncidentStatus.ALERTING)


class Surveyor:
    """Asks; one instance in each engine, of which one at a time takes the turn."""

    def __init__(self, services: Services, rules: SurveyRules, *, facility_name: str) -> None:
        """Keep who signs the text."""
        self._services = services
        self._rules = rules
        self._facility_name = facility_name

    def look(self) -> int:
        """Ask whoever may be asked now; how many that were."""
        services, way = self._services, way_of(self._rules)
        if way is None:
            return 0
        now = services.clock.now()
        every = timedelta(seconds=LOOKS_EVERY_S / 2)
        if not pulses.take_turn(services, PULSE, now=now, every=every):
            return 0
        with services.uow.write() as session:
            _give_up_unsent(session, services.facility_id, now)
            if not is_decent_hour(now.astimezone(services.zone)) or _is_somebody_alerted(session, services):
                return 0
            asked = self._ask(session, way, now)
        if asked:
            log.info("survey.asked", count=asked, channel=str(way))
        return asked

    def _ask(self, session: Session, way: SurveyChannel, now: datetime) -> int:
        asked: set[str] = set()
        for incident_id, candidate in _candidates(session, self._services.facility_id, now):
            if candidate.phone in asked or silence(candidate, self._rules, now) is not None:
                continue
            assert candidate.phone is not None
            self._request(session, incident_id, candidate.phone, way, now)
            asked.add(candidate.phone)
            if len(asked) == AT_ONCE:
                break
        return len(asked)

    def _request(
        self, session: Session, incident_id: str, phone: str, way: SurveyChannel, now: datetime
    ) -> None:
        services = self._services
        request_id = services.ids.new_id()
        request = SurveyRequest(
            id=request_id,
            facility_id=services.facility_id,
            incident_id=incident_id,
            questionnaire=CURRENT.version,
            channel=str(way),
            phone=phone,
            token_hash=token_hash(survey_token(services.link_key, request_id)),
            state=str(RequestState.ASKED),
            asked_at=now,
            expires_at=now + timedelta(days=self._rules.open_days),
        )
        session.add(request)
        then_link = way is SurveyChannel.KEYPAD and SurveyChannel.LINK in self._rules.ask
        row = survey_requests.delivery(
            services.ids, request, facility=self._facility_name, now=now, then_link=then_link
        )
        outbox.insert_new(session, [row])


def _candidates(session: Session, facility_id: str, now: datetime) -> Iterator[tuple[str, Candidate]]:
    """Incidents that ended lately and were not asked about, the newest first, with what their phones say."""
    query = (
        select(
            Incident.id,
            Incident.caller_number,
            Incident.closed_at,
            Incident.outcome,
            Incident.priority,
            Incident.category,
            Incident.is_drill,
            Incident.merged_into,
            Incident.on_scene_at,
        )
        .outerjoin(SurveyRequest, SurveyRequest.incident_id == Incident.id)
        .where(
            Incident.facility_id == facility_id,
            Incident.received_at >= now - WITHIN - LASTED,
            Incident.closed_at >= now - WITHIN,
            Incident.caller_number.is_not(None),
            SurveyRequest.id.is_(None),
        )
        .order_by(Incident.closed_at.desc(), Incident.id)
        .limit(LOOKED_AT)
    )
    found = [
        (
            row.id,
            Candidate(
                phone=row.caller_number,
                closed_at=row.closed_at,
                outcome=None if row.outcome is None else Outcome(row.outcome),
                priority=Priority(row.priority),
                category=Category(row.category),
                is_drill=row.is_drill,
                is_merged=row.merged_into is not None,
                was_reached=row.on_scene_at is not None,
            ),
        )
        for row in session.execute(query)
    ]
    known = _Phones(session, facility_id, sorted({str(candidate.phone) for _, candidate in found}))
    for incident_id, candidate in found:
        yield incident_id, known.about(candidate)


class _Phones:
    """What is known of some phones, asked for all at once."""

    def __init__(self, session: Session, facility_id: str, phones: Sequence[str]) -> None:
        staff = select(Staff.phone).where(Staff.facility_id == facility_id, Staff.phone.in_(phones))
        opted_out = select(SurveyOptOut.phone).where(
            SurveyOptOut.facility_id == facility_id, SurveyOptOut.phone.in_(phones)
        )
        open_now = select(Incident.caller_number).where(
            Incident.facility_id == facility_id, IS_OPEN, Incident.caller_number.in_(phones)
        )
        asked = (
            select(SurveyRequest.phone, func.max(SurveyRequest.asked_at))
            .where(
                SurveyRequest.facility_id == facility_id,
                SurveyRequest.phone.in_(phones),
                # What did not reach them did not bother them.
                SurveyRequest.state != str(RequestState.FAILED),
            )
            .group_by(SurveyRequest.phone)
        )
        self._staff = set(session.scalars(staff))
        self._opted_out = set(session.scalars(opted_out))
        self._open = set(session.scalars(open_now))
        self._asked_at = dict(session.execute(asked).all())

    def about(self, candidate: Candidate) -> Candidate:
        phone = candidate.phone
        return replace(
            candidate,
            is_staff=phone in self._staff,
            opted_out=phone in self._opted_out,
            needs_help=phone in self._open,
            asked_at=self._asked_at.get(phone),
        )


def _is_somebody_alerted(session: Session, services: Services) -> bool:
    query = select(Incident.id).where(
        Incident.facility_id == services.facility_id, IS_OPEN, Incident.status.in_(map(str, _ALERTING))
    )
    return session.scalar(query.limit(1)) is not None


def _give_up_unsent(session: Session, facility_id: str, now: datetime) -> None:
    """A question that waited in the outbox until it was too old was never asked."""
    key = "survey:" + SurveyRequest.channel + ":" + SurveyRequest.id
    unsent = select(Delivery.id).where(
        Delivery.idempotency_key == key, Delivery.state == str(DeliveryState.WITHDRAWN)
    )
    session.execute(
        update(SurveyRequest)
        .where(
            SurveyRequest.facility_id == facility_id,
            SurveyRequest.asked_at >= now - WITHIN,
            SurveyRequest.state == str(RequestState.ASKED),
            unsent.exists(),
        )
        .values(state=str(RequestState.FAILED), ended_at=now)
        .execution_options(synchronize_session=False)
    )
