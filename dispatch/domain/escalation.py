"""The ladder: whom to alert next, and when (CONTRACT 5, DESIGN 4).

Tiers are climbed in order; within a tier people are asked in batches, best match first. A batch ends
when its time is over or everybody in it has declined, and the next starts at once. After the last batch
of the last tier that tier is asked again and again: alerting never stops by itself, it ends when
somebody who can own the incident accepts, or when a named person closes it.

Everything here is a function of the incident's state and *now*; the deadlines that wake the engine are
derived from the state as well, so that none can be forgotten.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from dispatch.domain import meeting
from dispatch.domain.assignment import Ranked, rank
from dispatch.domain.decisions import Crew, Decision, Draft
from dispatch.domain.effects import AlertWorker, CallBack, WarnSupervisors
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Assignment, DutyPerson, Incident
from dispatch.domain.policy import Tier
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, Source

LADDER = "ladder"
SECOND_RING = "second_ring"
WIDENED = "widened"
CONFIRM_JOIN = "confirm_join"
CONFIRM_LEFT = "confirm_left"
CONFIRMATIONS = frozenset({CONFIRM_JOIN, CONFIRM_LEFT})
UNHEARD = "unheard"
BEGIN = "begin"

CALL_BACK_GRACE_S = 45.0
"""How long a call-back may take before people are alerted all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An instant at which the incident must be looked at again, and how long it is waited for."""

    kind: str
    due_at: datetime
    subject: str = ""
    wait: timedelta = field(default=timedelta(), compare=False)

    def has_come(self, now: datetime) -> bool:
        """Whether it is due, or began so late that the clock must have been set back since.

        Who comes to look at such a one has waited long enough already (:meth:`seen_from`).
        """
        return self.due_at <= now or self.due_at - self.wait > now

    def seen_from(self, now: datetime) -> datetime:
        """When to look: nothing waits longer than its own length, whatever was done to the clock."""
        return min(self.due_at, now + self.wait)


def deadlines(incident: Incident) -> tuple[Due, ...]:
    """Everything this incident waits for, derived from its state; empty once nobody need be woken."""
    if incident.is_closed:
        return ()
    found: list[Due] = []
    if not incident.alerting_begun:
        found.append(_beginning(incident))
    elif incident.needs_people:
        found.append(_next_step(incident))
        found.extend(
            _second_ring(incident, a) for a in incident.assignments if _owes_second_ring(incident, a)
        )
    else:
        # Nobody is asked any more: a caller who waits must not depend on one worker's phone.
        found.extend(
            _after(meeting.alone_since(incident, call), meeting.ALONE_FOR_S, UNHEARD, call.id)
            for call in incident.unheard_calls
        )
    found.extend(_after(at, meeting.JOIN_GRACE_S, CONFIRM_JOIN, code) for code, at in incident.ladder.joining)
    grace_s = meeting.left_grace_s(incident)
    found.extend(_after(at, grace_s, CONFIRM_LEFT, code) for code, at in incident.ladder.left)
    return tuple(found)


def awaited(incident: Incident, kind: str, subject: str) -> Due | None:
    """The deadline of this name, if the incident still waits for it."""
    same = (due for due in deadlines(incident) if (due.kind, due.subject) == (kind, subject))
    return next(same, None)


def begin(draft: Draft, crew: Crew) -> None:
    """Start alerting now if nothing holds it back (``caller.alert_after_s``)."""
    incident = draft.incident
    if not incident.alerting_begun and not incident.is_closed and _beginning(incident).has_come(draft.now):
        climb(draft, crew)


def advance(draft: Draft, crew: Crew) -> None:
    """Whatever the ladder owes by now: its beginning, or its next step."""
    if draft.incident.alerting_begun:
        climb(draft, crew)
    else:
        begin(draft, crew)


def climb(draft: Draft, crew: Crew) -> None:
    """Take the ladder's next step if it is due; tiers with nobody to ask are passed over at once."""
    incident = draft.incident
    if not incident.needs_people:
        return
    if incident.alerting_begun and not _next_step(incident).has_come(draft.now):
        _widen(draft, crew)
        return
    _mark_unanswered(draft)
    _step(draft, crew)


def press(draft: Draft, crew: Crew) -> None:
    """Somebody rings who means it: begin, or go back to the first tier where only the last was asked."""
    incident = draft.incident
    if not incident.alerting_begun:
        climb(draft, crew)
    elif incident.needs_people and incident.only_last_tier_asked:
        _mark_unanswered(draft)
        _step(draft, crew, from_tier=0)


def begin_at_the_end(draft: Draft, crew: Crew) -> None:
    """Ask the last tier alone, for what a person should look at without everybody being rung."""
    if draft.incident.needs_people and not draft.incident.alerting_begun:
        _step(draft, crew, from_tier=len(draft.incident.policy.alerting.tiers) - 1)


def ring_again(draft: Draft, staff_code: str) -> None:
    """Ring a silent worker a second time; nothing when they have answered or were asked since."""
    incident = draft.incident
    assignment = incident.assignment(staff_code)
    if assignment is None or not _owes_second_ring(incident, assignment):
        return
    tier = _tier(incident, assignment.tier)
    ring_only = replace(tier, channels=(AlertChannel.VOICE,))
    _request(draft, [assignment], ring_only, reason="second_ring")


def ask_by_name(draft: Draft, person: DutyPerson) -> None:
    """Alert one worker whom a dispatcher chose, whatever the ladder says."""
    tier = draft.incident.policy.alerting.tiers[0]
    known = draft.incident.assignment(person.staff_code)
    _request(draft, [known or _fresh(draft, person)], tier, reason="assigned")


def decide_deadline(incident: Incident, due: Due, *, crew: Crew, now: datetime) -> Decision:
    """What follows from *due*, which is one of the incident's deadlines; nothing while it has not come."""
    draft = Draft(incident, now=now, source=Source.ENGINE, actor="engine")
    if not due.has_come(now):
        return draft.decision()
    if due.kind == CONFIRM_JOIN:
        meeting.assume_joined(draft, due.subject)
    elif due.kind == CONFIRM_LEFT:
        if meeting.call_in(draft, due.subject):
            climb(draft, crew)
    elif due.kind == UNHEARD:
        if meeting.send_others(draft, due.subject):
            climb(draft, crew)
    elif due.kind == SECOND_RING:
        ring_again(draft, due.subject)
    else:
        advance(draft, crew)
    return draft.decision()


def call_back_caller(draft: Draft, call_id: str) -> None:
    """Ask for the caller to be called back, once."""
    draft.add(Kind.CALL_BACK_REQUESTED, {"call_id": call_id}, by_engine=True)
    draft.want(CallBack(call_id=call_id))


# --- when -----------------------------------------------------------------------------------------


def _after(began_at: datetime, seconds: float, kind: str, subject: str = "") -> Due:
    wait = timedelta(seconds=seconds)
    return Due(kind=kind, subject=subject, due_at=began_at + wait, wait=wait)


def _beginning(incident: Incident) -> Due:
    if incident.ladder.call_back_at is not None:
        return _after(incident.ladder.call_back_at, CALL_BACK_GRACE_S, BEGIN)
    held_s = 0.0 if incident.live_call is None else incident.policy.caller.alert_after_s
    return _after(incident.times.received_at, held_s, BEGIN)


def _next_step(incident: Incident) -> Due:
    """The ladder's next step; in the past when nothing holds it back."""
    ladder = incident.ladder
    assert ladder.started_at is not None
    if ladder.ends_at is None:
        return _after(ladder.started_at, 0.0, LADDER)
    if _pass_is_over(incident):
        return _after(ladder.started_at, incident.policy.alerting.repeat_s, LADDER)
    if any(a.status is AssignmentStatus.ALERTED for a in _batch(incident)):
        return Due(kind=LADDER, due_at=ladder.ends_at, wait=ladder.ends_at - ladder.started_at)
    return _after(ladder.started_at, 0.0, LADDER)


def _pass_is_over(incident: Incident) -> bool:
    """Whether every tier was reached and everybody asked, so that only repeating is left."""
    ladder = incident.ladder
    if ladder.repeats:
        return True
    tiers = incident.policy.alerting.tiers
    if ladder.tier_index < len(tiers) - 1:
        return False
    asked = {a.staff_code for a in incident.assignments}
    return all(p.staff_code in asked for p in incident.duty if p.tier == tiers[-1].name)


def _batch(incident: Incident) -> list[Assignment]:
    return [a for a in incident.assignments if a.staff_code in incident.ladder.batch]


def _owes_second_ring(incident: Incident, assignment: Assignment) -> bool:
    return (
        incident.needs_people
        and assignment.is_waiting
        and assignment.asked_count == 1
        and AlertChannel.VOICE in _tier(incident, assignment.tier).channels
    )


def _second_ring(incident: Incident, assignment: Assignment) -> Due:
    wait_s = incident.policy.alerting.second_ring_s
    return _after(assignment.asked_at, wait_s, SECOND_RING, assignment.staff_code)


def _tier(incident: Incident, name: str) -> Tier:
    tiers = incident.policy.alerting.tiers
    return next((tier for tier in tiers if tier.name == name), tiers[0])


# --- whom -----------------------------------------------------------------------------------------


def _mark_unanswered(draft: Draft) -> None:
    incident = draft.incident
    silent = [
        a.staff_code
        for a in incident.assignments
        if a.status is AssignmentStatus.ALERTED
        and a.asked_at + timedelta(seconds=_tier(incident, a.tier).accept_within_s) <= draft.now
    ]
    if silent:
        draft.add(Kind.ALERT_UNANSWERED, {"staff_codes": silent}, by_engine=True)


def _step(draft: Draft, crew: Crew, *, from_tier: int | None = None) -> None:
    incident = draft.incident
    asked = {a.staff_code for a in incident.assignments}
    tiers = incident.policy.alerting.tiers
    repeats = incident.ladder.repeats if from_tier is None else 0
    for index in range(max(incident.ladder.tier_index, 0) if from_tier is None else from_tier, len(tiers)):
        ranked = _ranked(incident, tiers[index].name, crew)
        unasked = [entry for entry in ranked if entry.person.staff_code not in asked]
        if unasked:
            size = tiers[index].alert_at_once if _several_at_once(incident) else 1
            _ask(draft, unasked[:size], tiers[index], index, repeats=repeats)
            return
        if not ranked and index > incident.ladder.tier_index:
            _nobody(draft, tiers[index], index, again=False)
    if _next_step(draft.incident).has_come(draft.now):
        _repeat_last(draft, crew)


def _widen(draft: Draft, crew: Crew) -> None:
    """Fill up a batch that was asked one by one before the incident turned out to be urgent."""
    incident, ladder = draft.incident, draft.incident.ladder
    if not _several_at_once(incident) or ladder.repeats or ladder.tier_index < 0:
        return
    tier = incident.policy.alerting.tiers[ladder.tier_index]
    room = tier.alert_at_once - len(ladder.batch)
    ranked = _ranked(incident, tier.name, crew)
    unasked = [entry for entry in ranked if incident.assignment(entry.person.staff_code) is None]
    if room > 0 and unasked:
        _ask(draft, unasked[:room], tier, ladder.tier_index, repeats=0, reason=WIDENED)


def _several_at_once(incident: Incident) -> bool:
    """One more helper is asked for one by one; an urgent incident without an owner is not."""
    return incident.priority.is_urgent and incident.primary is None


def _ranked(incident: Incident, tier: str, crew: Crew) -> tuple[Ranked, ...]:
    return rank(
        (person for person in incident.duty if person.tier == tier),
        category=incident.category,
        location=incident.location,
        travel=incident.policy.travel,
        crew=crew,
    )


def _nobody(draft: Draft, tier: Tier, index: int, *, again: bool) -> None:
    ends_at = draft.now + timedelta(seconds=draft.incident.policy.alerting.repeat_s)
    draft.add(
        Kind.NOBODY_ON_DUTY,
        {"tier": tier.name, "tier_index": index, "again": again, "ends_at": ends_at.isoformat()},
        by_engine=True,
    )
    draft.want(WarnSupervisors(tier=tier.name))


def _repeat_last(draft: Draft, crew: Crew) -> None:
    """Ask the last tier that has anybody again, those who declined too, leaving out who is engaged."""
    incident = draft.incident
    tiers = incident.policy.alerting.tiers
    for index in range(len(tiers) - 1, -1, -1):
        # A break does not excuse when nobody else is left: an alert too many beats none.
        again = [
            entry
            for entry in _ranked(incident, tiers[index].name, crew)
            or _ranked(incident, tiers[index].name, {})
            if not _is_engaged(incident, entry.person.staff_code)
        ]
        if again:
            _ask(draft, again, tiers[index], index, repeats=incident.ladder.repeats + 1)
            return
    _nobody(draft, tiers[-1], len(tiers) - 1, again=True)


def _is_engaged(incident: Incident, staff_code: str) -> bool:
    assignment = incident.assignment(staff_code)
    return assignment is not None and assignment.is_engaged


def _ask(
    draft: Draft, chosen: list[Ranked], tier: Tier, index: int, *, repeats: int, reason: str | None = None
) -> None:
    incident = draft.incident
    people = [incident.assignment(entry.person.staff_code) or _fresh(draft, entry.person) for entry in chosen]
    why = {entry.person.staff_code: entry.why() for entry in chosen}
    reason = reason or ("repeat" if repeats else "ladder")
    _request(draft, people, tier, reason=reason, index=index, repeats=repeats, why=why)


def _fresh(draft: Draft, person: DutyPerson) -> Assignment:
    return Assignment(
        # Derived, not drawn: the same worker in the same incident is always the same assignment.
        id=str(uuid5(UUID(draft.incident.id), person.staff_code)),
        staff_id=person.staff_id,
        staff_code=person.staff_code,
        role=person.role,
        tier=person.tier,
        status=AssignmentStatus.ALERTED,
        asked_at=draft.now,
        asked_count=0,
    )


def _request(
    draft: Draft,
    people: list[Assignment],
    tier: Tier,
    *,
    reason: str,
    index: int = -1,
    repeats: int = 0,
    why: dict[str, dict[str, object]] | None = None,
) -> None:
    ends_at = draft.now + timedelta(seconds=tier.accept_within_s)
    draft.add(
        Kind.ALERT_REQUESTED,
        {
            "reason": reason,
            "tier": tier.name,
            "tier_index": index,
            "repeats": repeats,
            "ends_at": ends_at.isoformat(),
            "channels": [str(channel) for channel in tier.channels],
            "people": [
                {
                    "assignment_id": a.id,
                    "staff_id": a.staff_id,
                    "staff_code": a.staff_code,
                    "role": str(a.role),
                    "tier": a.tier,
                    "why": (why or {}).get(a.staff_code, {}),
                }
                for a in people
            ],
        },
        # A dispatcher's own choice is the dispatcher's line; the ladder's steps are the engine's.
        by_engine=reason != "assigned",
    )
    for a in people:
        draft.want(
            AlertWorker(
                staff_id=a.staff_id, staff_code=a.staff_code, turn=a.asked_count + 1, channels=tier.channels
            )
        )
