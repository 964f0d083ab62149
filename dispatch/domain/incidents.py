"""The state of one incident, and how each line of its record changes it.

``evolve`` is the only place where the state changes: the row in the database is always the fold of the
events, and ``siaga verify`` checks that it is. What *may* happen is decided in ``intake``, ``progress``
and ``escalation``; here only what *did* happen is applied.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from dispatch.domain.policy import Policy
from dispatch.domain.vocabulary import (
    ENGAGED,
    WAITING,
    AssignmentStatus,
    CallOutcome,
    Category,
    IncidentChannel,
    IncidentStatus,
    LocationSource,
    Outcome,
    Priority,
    Role,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyPerson:
    """A worker on duty when the incident opened; the list is frozen onto the incident."""

    staff_id: str
    staff_code: str
    role: Role
    tier: str
    skills: tuple[str, ...] = ()
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeg:
    """One ring of a caller, as far as decisions need it."""

    id: str
    provider: str
    provider_sid: str
    channel: IncidentChannel
    caller_number: str | None
    received_at: datetime
    opened_incident: bool
    outcome: CallOutcome
    menu_digit: str | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the caller is still on the line."""
        return self.channel is IncidentChannel.VOICE and self.ended_at is None

    @property
    def ending(self) -> CallOutcome:
        """What an end now makes of it: abandoned when its opener left unheard and without pressing a key."""
        if self.opened_incident and self.answered_at is None and self.menu_digit is None:
            return CallOutcome.ABANDONED
        return self.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One worker's part."""

    id: str
    staff_id: str
    staff_code: str
    role: Role
    tier: str
    status: AssignmentStatus
    asked_at: datetime
    asked_count: int = 1
    is_primary: bool = False
    minutes: int | None = None
    alerted_at: datetime | None = None
    accepted_at: datetime | None = None
    declined_at: datetime | None = None
    stood_down_at: datetime | None = None
    en_route_at: datetime | None = None
    staged_at: datetime | None = None
    on_scene_at: datetime | None = None
    left_scene_at: datetime | None = None
    at_facility_at: datetime | None = None
    available_at: datetime | None = None

    @property
    def is_engaged(self) -> bool:
        """Whether the worker accepted and has not ended."""
        return self.status in ENGAGED

    @property
    def is_waiting(self) -> bool:
        """Whether the worker's answer is still waited for."""
        return self.status in WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How far the alerting has climbed. ``batch`` are the people asked last."""

    tier_index: int = -1
    repeats: int = 0
    batch: tuple[str, ...] = ()
    started_at: datetime | None = None
    ends_at: datetime | None = None
    joining: tuple[tuple[str, datetime], ...] = ()
    """Workers who accepted on the keypad while the caller waits, and since when they are being joined."""
    left: tuple[tuple[str, datetime], ...] = ()
    """Workers whose call ended before anybody said that they met the caller, and since when."""
    called_in: int = 0
    """How often a worker had to be called into the room again."""
    call_back_at: datetime | None = None
    assumed: tuple[tuple[str, str], ...] = ()
    """Live calls whose answer is only assumed, and the worker who is taken to be with the caller."""
    doubted: tuple[str, ...] = ()
    """Those of them whose worker's own call has ended since: the caller may be alone."""
    elsewhere: tuple[str, ...] = ()
    """Live calls that we learned of too late to answer: a duty phone may have been connected with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The instants of CONTRACT 7; the first unit to reach a step sets it."""

    received_at: datetime
    answered_at: datetime | None = None
    alerted_at: datetime | None = None
    accepted_at: datetime | None = None
    en_route_at: datetime | None = None
    staged_at: datetime | None = None
    on_scene_at: datetime | None = None
    left_scene_at: datetime | None = None
    at_facility_at: datetime | None = None
    available_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLocation:
    """Where it is, as known now."""

    text: str | None = None
    place: str | None = None
    lat: float | None = None
    lon: float | None = None
    source: LocationSource | None = None
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One emergency."""

    id: str
    facility_id: str
    number: str
    year: int
    short_number: int
    status: IncidentStatus
    priority: Priority
    category: Category
    channel: IncidentChannel
    times: Times
    policy: Policy
    duty: tuple[DutyPerson, ...]
    outcome: Outcome | None = None
    is_drill: bool = False
    merged_into: str | None = None
    caller_number: str | None = None
    location: KnownLocation = field(default_factory=KnownLocation)
    calls: tuple[CallLeg, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    ladder: Ladder = field(default_factory=Ladder)
    help_wanted: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether it is over."""
        return self.status is IncidentStatus.CLOSED

    @property
    def primary(self) -> Assignment | None:
        """The one worker who owns the incident, if somebody accepted."""
        return next((a for a in self.assignments if a.is_primary and a.is_engaged), None)

    @property
    def needs_people(self) -> bool:
        """Whether alerting goes on: nobody owns it yet, or more help was asked for."""
        return not self.is_closed and (self.primary is None or self.help_wanted > 0)

    @property
    def alerting_begun(self) -> bool:
        """Whether the first step of the ladder was taken."""
        return self.ladder.started_at is not None

    @property
    def only_last_tier_asked(self) -> bool:
        """Whether the ladder was begun at its end, although somebody is on duty in the tiers before."""
        last = self.policy.alerting.tiers[-1].name
        asked = {assignment.tier for assignment in self.assignments}
        return asked == {last} and any(person.tier != last for person in self.duty)

    @property
    def live_call(self) -> CallLeg | None:
        """A call on which a caller is on the line now; the latest when there are several."""
        return next((call for call in reversed(self.calls) if call.is_live), None)

    @property
    def waiting_call(self) -> CallLeg | None:
        """The latest live call whose caller is in our hands, and not perhaps with a duty phone."""
        ours = (call for call in reversed(self.calls) if call.id not in self.ladder.elsewhere)
        return next((call for call in ours if call.is_live), None)

    def is_alone(self, call: CallLeg) -> bool:
        """Whether nobody is known, or can be taken, to be with the caller of this live call."""
        return call.answered_at is None or call.id in self.ladder.doubted

    @property
    def unheard_calls(self) -> tuple[CallLeg, ...]:
        """The live calls whose caller is in our hands, and whom nobody has joined."""
        ours = (call for call in self.calls if call.id not in self.ladder.elsewhere)
        return tuple(call for call in ours if call.is_live and call.answered_at is None)

    @property
    def host(self) -> Assignment | None:
        """Who is to talk with a caller who rings again: the owner, else whoever accepted first."""
        if self.primary is not None:
            return self.primary
        engaged = (a for a in self.assignments if a.is_engaged and a.accepted_at is not None)
        return min(engaged, key=lambda a: (a.accepted_at, a.staff_code), default=None)

    def is_joining(self, staff_code: str) -> bool:
        """Whether this worker is on the line with us and about to enter the room, as far as we know."""
        return any(code == staff_code for code, _ in self.ladder.joining)

    def assignment(self, staff_code: str) -> Assignment | None:
        """This worker's part, if they were ever asked."""
        return next((a for a in self.assignments if a.staff_code == staff_code), None)

    def call(self, call_id: str) -> CallLeg:
        """The call with this identifier; it must belong to the incident."""
        return next(call for call in self.calls if call.id == call_id)

    def on_duty(self, staff_code: str) -> DutyPerson | None:
        """The frozen duty entry of this worker."""
        return next((person for person in self.duty if person.staff_code == staff_code), None)


def first(current: datetime | None, at: datetime) -> datetime:
    """The earlier of a time already known and *at*: the first unit to reach a step sets it."""
    return at if current is None else min(current, at)


def status_of(assignments: Iterable[Assignment], *, alerting_begun: bool) -> IncidentStatus:
    """The status of an open incident: its primary's, or whether anybody was asked yet."""
    for assignment in assignments:
        if assignment.is_primary and assignment.is_engaged:
            return IncidentStatus(assignment.status)
    return IncidentStatus.ALERTING if alerting_begun else IncidentStatus.OPEN
