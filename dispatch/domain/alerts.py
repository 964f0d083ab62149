"""What the network says about an alert, and what that means for the incident.

That an alert was sent is recorded when somebody outside confirms it: the provider took it over, the
phone rang, or the worker answered, whichever is known first. A wish to alert is not an alert.
"""

from datetime import datetime

from dispatch.domain import escalation, meeting
from dispatch.domain.decisions import Crew, Decision, Draft
from dispatch.domain.effects import CallerNews, ConnectWorker
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Assignment, Incident
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, Source


def mark_alerted(draft: Draft, staff_code: str, *, channel: str, at: datetime, proof: str = "answer") -> None:
    """Record that an alert reached the network or the worker, once; *proof* says how that is known."""
    assignment = draft.incident.assignment(staff_code)
    if assignment is not None and assignment.alerted_at is None:
        draft.add(
            Kind.ALERT_SENT,
            {"staff_code": staff_code, "channel": channel, "proof": proof},
            occurred_at=at,
            by_engine=True,
        )


def alert_sent(incident: Incident, *, staff_code: str, channel: str, proof: str, now: datetime) -> Decision:
    """The provider took an alert over, or reported a sign of life of it."""
    draft = Draft(incident, now=now, source=Source.ENGINE, actor="engine")
    if not incident.is_closed:
        mark_alerted(draft, staff_code, channel=channel, at=now, proof=proof)
    return draft.decision()


def alert_failed(
    incident: Incident, *, staff_code: str, channel: str, code: str, hopeless: bool, crew: Crew, now: datetime
) -> Decision:
    """An alert came to nothing; with nothing else under way to this worker the next one is asked at once."""
    draft = Draft(incident, now=now, source=Source.ENGINE, actor="engine")
    draft.add(Kind.ALERT_FAILED, {"staff_code": staff_code, "channel": channel, "code": code})
    assignment = incident.assignment(staff_code)
    if hopeless and assignment is not None and assignment.status is AssignmentStatus.ALERTED:
        draft.add(Kind.ALERT_UNANSWERED, {"staff_codes": [staff_code]})
    elif assignment is not None and assignment.is_engaged and channel == AlertChannel.VOICE:
        # They accepted elsewhere and let the alert ring out: the caller still waits for them.
        _call_into_room(draft, assignment)
    escalation.advance(draft, crew)
    return draft.decision()


def joining(incident: Incident, *, staff_code: str, now: datetime) -> Decision:
    """A worker whom we called is on the line and about to enter the caller's room."""
    draft = Draft(incident, now=now, source=Source.VOICE, actor=f"staff:{staff_code}")
    live = incident.waiting_call
    if live is not None and incident.is_alone(live) and not incident.is_joining(staff_code):
        draft.add(Kind.JOINING, {"staff_code": staff_code})
    return draft.decision()


def left_call(incident: Incident, *, staff_code: str, called_in: bool, now: datetime) -> Decision:
    """A worker's call ended before anybody said that they met the caller who waits.

    Many press 1 and hang up at once. The acceptance stands, but the caller must not be taken for answered:
    unless the room's own word arrives late, the ladder calls the worker in (``escalation.CONFIRM_LEFT``). It
    does so too when their meeting was only assumed meanwhile, because the end of the call was told late.
    *called_in* says that the call was made for nothing else, so that its end alone means that they did not
    meet, whether it was picked up or not.
    """
    draft = Draft(incident, now=now, source=Source.VOICE, actor=f"staff:{staff_code}")
    assignment, live = incident.assignment(staff_code), incident.waiting_call
    joining = incident.is_joining(staff_code)
    waited_for = called_in and live is not None and incident.is_alone(live)
    if assignment is None:
        return draft.decision()
    if live is not None and (live.id, staff_code) in incident.ladder.assumed and assignment.is_engaged:
        draft.add(Kind.LEFT_CALL, {"staff_code": staff_code, "doubts": live.id})
    elif joining or (waited_for and assignment.is_engaged):
        draft.add(Kind.LEFT_CALL, {"staff_code": staff_code})
    return draft.decision()


def call_back_failed(
    incident: Incident, *, call_id: str, code: str, is_first: bool, crew: Crew, now: datetime
) -> Decision:
    """The caller could not be called back: people are alerted at once instead.

    Whoever accepted is told the number with the first failure of a row, so that they can call by themselves.
    """
    draft = Draft(incident, now=now, source=Source.ENGINE, actor="engine")
    draft.add(Kind.CALL_BACK_FAILED, {"call_id": call_id, "code": code})
    if is_first and not incident.is_closed and incident.times.answered_at is None:
        meeting.tell_host(draft, CallerNews.UNHEARD)
    if not incident.is_closed and not incident.alerting_begun:
        escalation.climb(draft, crew)
    return draft.decision()


def _call_into_room(draft: Draft, assignment: Assignment) -> None:
    live = draft.incident.live_call
    if live is not None and live.answered_at is None and assignment.is_engaged:
        draft.want(ConnectWorker(staff_id=assignment.staff_id, staff_code=assignment.staff_code))
