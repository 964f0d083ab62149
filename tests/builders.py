"""Builds the values that tests decide on, and drives one incident through the pure decisions.

A :class:`Story` is an incident in somebody's hand: callers ring, workers answer, time passes. It plays the
part of the service and the engine without a database, keeps every line and every effect, and checks after
each step what must always hold (:func:`check`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack
from uuid import UUID

from dispatch.domain import alerts, escalation, intake, progress
from dispatch.domain.commands import (
    Action,
    ActOnIncident,
    ChooseFromMenu,
    EndCall,
    Location,
    OpenByHand,
)
from dispatch.domain.decisions import Condition, Decision, Draft
from dispatch.domain.effects import AlertWorker, Effect, StandDown
from dispatch.domain.errors import DispatchError
from dispatch.domain.events import Event, Kind
from dispatch.domain.evidence import ChainLink, link_hash
from dispatch.domain.evolution import evolve
from dispatch.domain.incidents import Assignment, DutyPerson, Incident
from dispatch.domain.intake import Opening, Ring
from dispatch.domain.policy import Alerting, CallerPolicy, Policy, Tier
from dispatch.domain.reconstruction import Missed
from dispatch.domain.vocabulary import (
    AlertChannel,
    AssignmentStatus,
    CallOutcome,
    Category,
    IncidentChannel,
    Outcome,
    Priority,
    Role,
    Source,
)

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""Noon in Jayapura."""


class Details(TypedDict, total=False):
    """What an action may carry beside who does it."""

    occurred_at: datetime | None
    minutes: int | None
    reason: str | None
    text: str | None
    priority: Priority | None
    category: Category | None
    outcome: Outcome | None
    location: Location | None
    into: str | None


RESIDENT = "+628119999001"
NEIGHBOUR = "+628119999002"

BOTH = (AlertChannel.VOICE, AlertChannel.SMS)


def at(seconds: float) -> datetime:
    """An instant, counted from the start of the story."""
    return START + timedelta(seconds=seconds)


def with_hash(link: ChainLink) -> ChainLink:
    """The same line carrying its true hash."""
    return replace(link, hash=link_hash(link))


def tier(
    name: str, *, at_once: int = 2, within_s: float = 30.0, channels: Sequence[AlertChannel] = BOTH
) -> Tier:
    return Tier(name=name, alert_at_once=at_once, accept_within_s=within_s, channels=tuple(channels))


def policy(
    *tiers: Tier,
    repeat_s: float = 60.0,
    second_ring_s: float = 9000.0,
    alert_after_s: float = 0.0,
    callback: bool = True,
) -> Policy:
    """A policy; the second ring is out of the way unless a test is about it."""
    return Policy(
        alerting=Alerting(tiers=tiers or LADDER, repeat_s=repeat_s, second_ring_s=second_ring_s),
        caller=CallerPolicy(alert_after_s=alert_after_s, callback_after_abandon=callback),
    )


def person(
    code: str,
    tier_name: str = "jaga",
    *,
    role: Role = Role.RESPONDER,
    skills: Sequence[str] = (),
    lat: float | None = None,
    lon: float | None = None,
) -> DutyPerson:
    return DutyPerson(
        staff_id=f"staff-{code}",
        staff_code=code,
        role=role,
        tier=tier_name,
        skills=tuple(skills),
        lat=lat,
        lon=lon,
    )


LADDER = (
    tier("jaga", at_once=2, within_s=30.0),
    tier("cadangan", at_once=5, within_s=30.0),
    tier("pimpinan", at_once=5, within_s=60.0),
)
"""The ladder of CONTRACT 5."""

DUTY = (
    person("N01"),
    person("N02"),
    person("N03"),
    person("C01", "cadangan"),
    person("C02", "cadangan"),
    person("P01", "pimpinan", role=Role.SUPERVISOR),
)


def opening(
    *, plan: Policy | None = None, duty: Sequence[DutyPerson] = DUTY, short_number: int = 100
) -> Opening:
    return Opening(
        incident_id=str(UUID(int=short_number)),
        facility_id="KWK",
        number=f"KWK-2026-{short_number:06d}",
        year=2026,
        short_number=short_number,
        policy=plan or policy(),
        duty=tuple(duty),
    )


def ring(
    number: int = 1,
    *,
    caller_number: str | None = RESIDENT,
    channel: IncidentChannel = IncidentChannel.VOICE,
    received_at: datetime = START,
    text: str | None = None,
    missed: Missed | None = None,
) -> Ring:
    return Ring(
        call_id=f"call-{number}",
        provider="fake",
        provider_sid=f"CA-in-{number}",
        channel=channel,
        caller_number=caller_number,
        received_at=received_at,
        text=text,
        missed=missed,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """An effect, and the seconds from the start at which it was wanted."""

    after_s: float
    effect: Effect


class Story:
    """One incident, driven by hand."""

    def __init__(
        self,
        *,
        plan: Policy | None = None,
        duty: Sequence[DutyPerson] = DUTY,
        conditions: dict[str, Condition] | None = None,
    ) -> None:
        self.opening = opening(plan=plan, duty=duty)
        self.crew: dict[str, Condition] = conditions or {}
        self.now = START
        self.events: list[Event] = []
        self.wanted: list[Wanted] = []
        self._incident: Incident | None = None
        self._folded: Incident | None = None
        self._rings = 0

    @property
    def incident(self) -> Incident:
        assert self._incident is not None
        return self._incident

    # --- the caller

    def rings(
        self,
        *,
        caller_number: str | None = RESIDENT,
        channel: IncidentChannel = IncidentChannel.VOICE,
        text: str | None = None,
        missed: Missed | None = None,
        ago_s: float = 0.0,
    ) -> "Story":
        """A call or text: it opens the incident, or joins it; *missed*: only the provider's log had it."""
        self._rings += 1
        new = ring(
            self._rings,
            caller_number=caller_number,
            channel=channel,
            received_at=self.now - timedelta(seconds=ago_s),
            text=text,
            missed=missed,
        )
        if self._incident is None:
            return self._take(intake.open_incident(new, self.opening, crew=self.crew, now=self.now))
        return self._take(intake.join_incident(self.incident, new, crew=self.crew, now=self.now))

    def opened_by_hand(self, command: OpenByHand) -> "Story":
        return self._take(intake.open_by_hand(command, self.opening, crew=self.crew, now=self.now))

    def presses(self, digit: str, *, call: int = 1) -> "Story":
        command = ChooseFromMenu(provider_sid=f"CA-in-{call}", digit=digit)
        return self._take(
            intake.choose_from_menu(self.incident, f"call-{call}", command, crew=self.crew, now=self.now)
        )

    def hangs_up(self, *, call: int = 1, provider_status: str = "completed") -> "Story":
        command = EndCall(provider_sid=f"CA-in-{call}", provider_status=provider_status)
        return self._take(
            intake.end_call(self.incident, f"call-{call}", command, crew=self.crew, now=self.now)
        )

    def answers_call_back(self, *, call: int = 1) -> "Story":
        return self._take(intake.return_call(self.incident, f"call-{call}", crew=self.crew, now=self.now))

    def joined_by(self, code: str, *, call: int = 1) -> "Story":
        """The conference says that a worker is with the caller."""
        draft = Draft(self.incident, now=self.now, source=Source.VOICE, actor=f"staff:{code}")
        draft.add(Kind.CALL_ANSWERED, {"call_id": f"call-{call}", "staff_code": code})
        return self._take(draft.decision())

    # --- workers, dispatchers and the network

    def does(
        self,
        action: Action,
        code: str | None = None,
        *,
        source: Source = Source.KEYPAD,
        **fields: Unpack[Details],
    ) -> "Story":
        """One action; a refusal is raised and changes nothing."""
        actor = "user:desk" if code is None else f"staff:{code}"
        command = ActOnIncident(
            incident_id=self.incident.id,
            action=action,
            actor=actor,
            source=source,
            staff_code=code,
            **fields,
        )
        worker = None if code is None else self.incident.on_duty(code) or person(code)
        return self._take(progress.act(self.incident, command, worker=worker, crew=self.crew, now=self.now))

    def is_refused(
        self,
        action: Action,
        code: str | None = None,
        *,
        source: Source = Source.KEYPAD,
        **fields: Unpack[Details],
    ) -> str | None:
        """The code of the refusal of an action, or None when it was carried out."""
        try:
            self.does(action, code, source=source, **fields)
        except DispatchError as error:
            return error.code
        return None

    def accepts(self, code: str, *, source: Source = Source.KEYPAD, **fields: Unpack[Details]) -> "Story":
        return self.does(Action.ACCEPT, code, source=source, **fields)

    def declines(self, code: str, **fields: Unpack[Details]) -> "Story":
        return self.does(Action.DECLINE, code, **fields)

    def alert_fails(self, code: str, *, hopeless: bool = True, channel: str = "voice") -> "Story":
        return self._take(
            alerts.alert_failed(
                self.incident,
                staff_code=code,
                channel=channel,
                code="21211",
                hopeless=hopeless,
                crew=self.crew,
                now=self.now,
            )
        )

    def alert_leaves(self, code: str, *, channel: str = "voice", proof: str = "provider") -> "Story":
        return self._take_word(
            alerts.alert_sent(self.incident, staff_code=code, channel=channel, proof=proof, now=self.now)
        )

    def picks_up(self, code: str) -> "Story":
        """A worker picks up a call of ours that leads into the caller's room."""
        return self._take(alerts.joining(self.incident, staff_code=code, now=self.now))

    def leaves_call(self, code: str) -> "Story":
        """A worker hangs up a call of ours."""
        decision = alerts.left_call(self.incident, staff_code=code, called_in=False, now=self.now)
        return self._take_word(decision)

    def _take_word(self, decision: Decision) -> "Story":
        """Of what is written with its delivery's own row: nothing follows that would look at deliveries."""
        assert decision.effects == ()
        return self._take(decision)

    # --- time

    def passes(self, seconds: float) -> "Story":
        """Let time pass as an engine would that is never late: each deadline fires at its instant."""
        until = self.now + timedelta(seconds=seconds)
        rounds_at_one_instant = 0
        while due := [entry for entry in escalation.deadlines(self.incident) if entry.due_at <= until]:
            before, self.now = self.now, max(self.now, min(entry.due_at for entry in due))
            rounds_at_one_instant = rounds_at_one_instant + 1 if self.now == before else 0
            assert rounds_at_one_instant < 20, "deadlines fire without end and without time passing"
            self.fires_what_is_due()
        self.now = until
        return self

    def jumps(self, seconds: float) -> "Story":
        """Move the clock only: nobody looks at the deadlines meanwhile."""
        self.now += timedelta(seconds=seconds)
        return self

    def fires_what_is_due(self) -> "Story":
        """One round of the engine: the deadlines that are due now, each if it still stands."""
        due = [entry for entry in escalation.deadlines(self.incident) if entry.due_at <= self.now]
        for entry in sorted(due, key=lambda entry: entry.due_at):
            if entry in escalation.deadlines(self.incident):
                self._take(escalation.decide_deadline(self.incident, entry, crew=self.crew, now=self.now))
        return self

    # --- what came of it

    @property
    def alerted(self) -> list[tuple[float, str]]:
        """Everybody who was asked, on whatever channel, and when."""
        return [(entry.after_s, entry.effect.staff_code) for entry in self._alerts()]

    @property
    def rung_by_voice_only(self) -> list[tuple[float, str]]:
        return [
            (entry.after_s, entry.effect.staff_code)
            for entry in self._alerts()
            if entry.effect.channels == (AlertChannel.VOICE,)
        ]

    @property
    def stood_down(self) -> list[str]:
        return [w.effect.staff_code for w in self.wanted if isinstance(w.effect, StandDown)]

    def effects(self, kind: type[Effect]) -> list[Effect]:
        return [entry.effect for entry in self.wanted if isinstance(entry.effect, kind)]

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]

    def statuses(self) -> dict[str, AssignmentStatus]:
        return {a.staff_code: a.status for a in self.incident.assignments}

    def part_of(self, code: str) -> Assignment:
        found = self.incident.assignment(code)
        assert found is not None, f"{code} was never asked"
        return found

    def primary(self) -> str | None:
        return None if self.incident.primary is None else self.incident.primary.staff_code

    def _alerts(self) -> "list[_Alert]":
        return [
            _Alert(entry.after_s, entry.effect)
            for entry in self.wanted
            if isinstance(entry.effect, AlertWorker)
        ]

    def _take(self, decision: Decision) -> "Story":
        self._incident = decision.incident
        self.events += decision.events
        after_s = (self.now - START).total_seconds()
        self.wanted += [Wanted(after_s, effect) for effect in decision.effects]
        for event in as_stored(decision.events):
            self._folded = evolve(self._folded, event)
        assert self._folded == self.incident, "the lines do not amount to the state"
        check(self.incident)
        return self


@dataclass(frozen=True, slots=True)
class _Alert:
    after_s: float
    effect: AlertWorker


def as_stored(events: Sequence[Event]) -> list[Event]:
    """The lines as a database gives them back: their data went through JSON."""
    return [replace(event, data=json.loads(json.dumps(event.data))) for event in events]


def check(incident: Incident) -> None:
    """What holds of every incident at every instant (DESIGN 4)."""
    primaries = [a.staff_code for a in incident.assignments if a.is_primary]
    assert len(primaries) <= 1, f"several own the incident: {primaries}"
    due = escalation.deadlines(incident)
    if incident.is_closed:
        assert due == ()
        assert [a for a in incident.assignments if a.is_engaged or a.is_waiting] == []
    else:
        assert incident.primary is not None or due, "nobody owns the incident and nothing will wake anybody"
    assert len({(entry.kind, entry.subject) for entry in due}) == len(due)
    for call in incident.calls:
        assert call.outcome in CallOutcome
