"""What the network says about an alert, and what that means for the incident.

That an alert was sent is recorded when somebody outside confirms it: the provider took it over, the
phone rang, or the worker answered, whichever is known first. A wish to alert is not an alert.
"""

from datetime import datetime

from dispatch.domain import escalation
from dispatch.domain.decisions import Crew, Decision, Draft
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import AssignmentStatus, Source


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
    escalation.advance(draft, crew)
    return draft.decision()
