"""What a call, a text or somebody at the desk sets going (DESIGN 4: every real call has an incident).

A new call from a number whose incident is still open joins it; a withheld number never joins, because
it could be anybody. The caller's key can raise what is known, never lower it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatch.domain import escalation, meeting, particulars, policy, progress, reconstruction
from dispatch.domain.commands import ChooseFromMenu, EndCall, OpenByHand
from dispatch.domain.decisions import Crew, Decision, Draft, checked_time
from dispatch.domain.effects import CallerNews
from dispatch.domain.events import Kind
from dispatch.domain.incidents import DutyPerson, Incident
from dispatch.domain.policy import Policy
from dispatch.domain.reconstruction import Missed
from dispatch.domain.snapshots import duty_to_data
from dispatch.domain.triage import MENU, raise_only
from dispatch.domain.vocabulary import (
    CallOutcome,
    Category,
    IncidentChannel,
    Outcome,
    Priority,
    Source,
)

_WRONG_NUMBER = "9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The facts with which a new incident begins."""

    incident_id: str
    facility_id: str
    number: str
    year: int
    short_number: int
    policy: Policy
    duty: tuple[DutyPerson, ...]
    is_drill: bool = False

    def to_data(
        self, *, channel: IncidentChannel, priority: Priority, category: Category
    ) -> dict[str, object]:
        """The facts as they stand under ``incident`` in the first line of the record."""
        return {
            "id": self.incident_id,
            "facility": self.facility_id,
            "number": self.number,
            "year": self.year,
            "short_number": self.short_number,
            "channel": str(channel),
            "priority": str(priority),
            "category": str(category),
            "is_drill": self.is_drill,
            "policy": policy.to_data(self.policy),
            "duty": [duty_to_data(person) for person in self.duty],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One arriving call or text."""

    call_id: str
    provider: str
    provider_sid: str
    channel: IncidentChannel
    caller_number: str | None
    received_at: datetime
    text: str | None = None
    missed: Missed | None = None
    """What the provider's log says of it, when that is where it was found."""

    @property
    def source(self) -> Source:
        """Where lines about it come from."""
        if self.missed is not None:
            return Source.IMPORT
        return Source.SMS if self.channel is IncidentChannel.SMS else Source.VOICE


def open_incident(ring: Ring, opening: Opening, *, crew: Crew, now: datetime) -> Decision:
    """A new incident from a call or text, with the first people alerted in the same breath."""
    draft = Draft(None, now=now, source=ring.source, actor="caller")
    facts = opening.to_data(channel=ring.channel, priority=Priority.UNKNOWN, category=Category.UNKNOWN)
    _receive(draft, ring, opened=True, extra={"incident": facts})
    if ring.missed is None:
        escalation.begin(draft, crew)
    else:
        reconstruction.go_on(draft, ring.call_id, ring.missed, crew)
    return draft.decision()


def join_incident(incident: Incident, ring: Ring, *, crew: Crew, now: datetime) -> Decision:
    """A further call or text about an incident that is still open."""
    draft = Draft(incident, now=now, source=ring.source, actor="caller")
    _receive(draft, ring, opened=False, extra={})
    if ring.missed is None:
        # Whoever rings twice means it: the wait of caller.alert_after_s is over.
        escalation.press(draft, crew)
        meeting.welcome(draft, ring.call_id)
    else:
        reconstruction.go_on(draft, ring.call_id, ring.missed, crew)
    if ring.channel is IncidentChannel.SMS:
        meeting.tell_host(draft, CallerNews.TEXTED)
    elif ring.missed is not None and draft.incident.call(ring.call_id).answered_at is None:
        meeting.tell_host(draft, CallerNews.RANG)
    return draft.decision()


def open_by_hand(command: OpenByHand, opening: Opening, *, crew: Crew, now: datetime) -> Decision:
    """A new incident that somebody at the desk describes."""
    draft = Draft(None, now=now, source=command.source, actor=command.actor)
    occurred_at = checked_time(command.occurred_at, earliest=None, now=now)
    facts = opening.to_data(channel=command.channel, priority=command.priority, category=command.category)
    draft.add(
        Kind.INCIDENT_OPENED,
        {"incident": facts},
        private={"caller_number": command.caller_number},
        occurred_at=occurred_at,
    )
    if command.location is not None:
        particulars.set_location(draft, command.location)
    if command.text:
        draft.add(Kind.NOTE_ADDED, private={"text": command.text})
    escalation.begin(draft, crew)
    return draft.decision()


def choose_from_menu(
    incident: Incident, call_id: str, command: ChooseFromMenu, *, crew: Crew, now: datetime
) -> Decision:
    """What the caller's key says about the emergency (CONTRACT 4); an unknown key says nothing."""
    draft = Draft(incident, now=now, source=Source.KEYPAD, actor="caller")
    choice = MENU.get(command.digit)
    if choice is None or incident.call(call_id).menu_digit == command.digit:
        return draft.decision()
    wrong_number = choice.closes
    outcome = str(CallOutcome.WRONG_NUMBER) if wrong_number else None
    draft.add(
        Kind.CALL_MENU_CHOSEN,
        {"call_id": call_id, "digit": command.digit, "outcome": outcome},
        occurred_at=_not_later(command.occurred_at, now),
    )
    if incident.is_closed:
        return draft.decision()
    if not wrong_number:
        _learn(draft, choice.priority, choice.category)
        # Whoever presses a key is there: the wait of caller.alert_after_s is over.
        escalation.climb(draft, crew)
        meeting.welcome(draft, call_id)
    elif _nobody_else_called(incident, call_id):
        progress.close_incident(draft, outcome=Outcome.WRONG_NUMBER, reason=None)
    return draft.decision()


def end_call(incident: Incident, call_id: str, command: EndCall, *, crew: Crew, now: datetime) -> Decision:
    """The caller is off the line; whoever was not heard is called back, and alerting goes on."""
    source = Source.IMPORT if command.reconstructed else Source.VOICE
    draft = Draft(incident, now=now, source=source, actor="caller")
    leg = incident.call(call_id)
    if leg.ended_at is not None:
        return draft.decision()
    draft.add(
        Kind.CALL_ENDED,
        {
            "call_id": call_id,
            "outcome": str(leg.ending),
            "provider_status": command.provider_status,
            **(reconstruction.MARK if command.reconstructed else {}),
        },
        occurred_at=_not_later(command.occurred_at, now),
    )
    incident = draft.incident
    if not incident.is_closed and leg.answered_at is None and not leg.opened_incident:
        # Whoever was to be called in may not have picked up yet, and would never know.
        meeting.tell_host(draft, CallerNews.RANG)
    if incident.is_closed or incident.alerting_begun:
        return draft.decision()
    if incident.policy.caller.callback_after_abandon and leg.caller_number is not None:
        escalation.call_back_caller(draft, call_id)
    else:
        escalation.climb(draft, crew)
    return draft.decision()


def return_call(incident: Incident, call_id: str, *, crew: Crew, now: datetime) -> Decision:
    """The caller answered our call-back: people are alerted now."""
    draft = Draft(incident, now=now, source=Source.VOICE, actor="caller")
    draft.add(Kind.CALL_RETURNED, {"call_id": call_id})
    if not incident.is_closed and incident.times.answered_at is None:
        meeting.call_host(draft)
    if not incident.is_closed and not incident.alerting_begun:
        escalation.climb(draft, crew)
    return draft.decision()


def _receive(draft: Draft, ring: Ring, *, opened: bool, extra: Mapping[str, object]) -> None:
    kind = Kind.TEXT_RECEIVED if ring.channel is IncidentChannel.SMS else Kind.CALL_RECEIVED
    draft.add(
        kind,
        {
            "call_id": ring.call_id,
            "channel": str(ring.channel),
            "provider": ring.provider,
            "provider_sid": ring.provider_sid,
            "opened": opened,
            **({} if ring.missed is None else reconstruction.MARK),
            **({"learned_late": True} if _is_learned_late(draft, ring) else {}),
            **extra,
        },
        private={"caller_number": ring.caller_number, "text": ring.text},
        occurred_at=ring.received_at,
    )


def _is_learned_late(draft: Draft, ring: Ring) -> bool:
    """Whether the caller may have been connected with a duty phone before we knew of the call."""
    late_s = (draft.now - ring.received_at).total_seconds()
    is_live = ring.channel is IncidentChannel.VOICE and ring.missed is None
    return is_live and late_s > reconstruction.LEARNED_LATE_S


def _learn(draft: Draft, priority: Priority, category: Category) -> None:
    incident = draft.incident
    raised = raise_only(incident.priority, priority)
    if raised is not incident.priority:
        draft.add(
            Kind.PRIORITY_SET, {"from": str(incident.priority), "to": str(raised), "basis": "caller_menu"}
        )
    if incident.category is Category.UNKNOWN and category is not Category.UNKNOWN:
        draft.add(Kind.CATEGORY_SET, {"from": str(incident.category), "to": str(category)})


def _nobody_else_called(incident: Incident, call_id: str) -> bool:
    """Somebody else's emergency, or what the same caller said before, is not closed by a mistaken key."""
    mine = incident.call(call_id).caller_number
    others = [leg for leg in incident.calls if leg.id != call_id]
    return all(
        mine is not None and leg.caller_number == mine and leg.menu_digit in (None, _WRONG_NUMBER)
        for leg in others
    )


def _not_later(occurred_at: datetime | None, now: datetime) -> datetime:
    return now if occurred_at is None else min(occurred_at, now)
