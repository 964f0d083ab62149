"""How worker and caller meet: what is taken for granted when the room is silent, and who is called in again.

A worker who accepted may hang up before entering the room where the caller waits, and a caller may ring again
long after somebody accepted. Here is decided when that is so, and what follows; that it is looked at in time
is the matter of ``escalation``.
"""

from datetime import datetime

from dispatch.domain.decisions import Draft
from dispatch.domain.effects import CallerNews, ConnectWorker, TellOfCaller
from dispatch.domain.events import Kind
from dispatch.domain.incidents import CallLeg, Incident

JOIN_GRACE_S = 8.0
"""A worker who pressed 1 hears two short sentences (4 s) and has 3 s for the minutes (CONTRACT 4) before
being joined; when the room says nothing for this long, the joining is taken to have happened, and marked."""

LEFT_GRACE_S = 2.0
"""That a worker's call ended and that they entered the room is told in no certain order (TESTBED 2.4); after
this the room's word is taken not to come."""

CALL_IN_EVERY_S = 30.0
"""At most this long between two calls to a worker who does not come into the room where the caller waits."""

CALLED_IN_VAINLY = 2
"""From this call-in on another worker is alerted as well: the caller must not wait for one phone alone."""

ALONE_FOR_S = 30.0
"""So long a caller may wait alone for whoever accepted before others are asked as well: a phone has rung for
25 s by then, or was found busy and called again. An alert gets as long before the next person is asked."""


def assume_joined(draft: Draft, staff_code: str) -> None:
    """Take a worker to be with the caller when nobody has said otherwise in time, and mark it as assumed."""
    live = draft.incident.waiting_call
    if live is None:
        return
    data = {"call_id": live.id, "staff_code": staff_code, "assumed": True, "until_left": True}
    draft.add(Kind.CALL_ANSWERED, data, by_engine=True)


def call_in(draft: Draft, staff_code: str) -> bool:
    """Call a worker into the room again; whether that was in vain before, so that another is wanted too."""
    incident = draft.incident
    draft.add(Kind.CALLED_IN, {"staff_code": staff_code}, by_engine=True)
    assignment = incident.assignment(staff_code)
    live = incident.waiting_call
    if live is None or not incident.is_alone(live) or assignment is None or not assignment.is_engaged:
        return False
    draft.want(ConnectWorker(staff_id=assignment.staff_id, staff_code=staff_code, again=True))
    if draft.incident.ladder.called_in != CALLED_IN_VAINLY:
        return False
    draft.add(Kind.HELP_REQUESTED, {"staff_code": None}, by_engine=True)
    return True


def left_grace_s(incident: Incident) -> float:
    """How long the room's word is waited for before a worker is called in; longer each time."""
    doubled: float = LEFT_GRACE_S * 2**incident.ladder.called_in
    return min(doubled, CALL_IN_EVERY_S)


def welcome(draft: Draft, call_id: str) -> None:
    """A caller is on the line about an incident that somebody has accepted: that worker is called in."""
    if any(call.id == call_id for call in draft.incident.unheard_calls):
        call_host(draft)


def call_host(draft: Draft) -> None:
    """Call whoever accepted into the room, where a caller is or is about to be; not who is on the way there.

    A worker has pressed 1 and hears two sentences while the caller presses a key: another call would find
    their line busy. Should they not come, their leaving is noticed (``left_grace_s``).
    """
    host = draft.incident.host
    if host is not None and not draft.incident.is_joining(host.staff_code):
        draft.want(ConnectWorker(staff_id=host.staff_id, staff_code=host.staff_code))


def tell_host(draft: Draft, news: CallerNews) -> None:
    """Tell whoever accepted that the caller wants something and is not on the line."""
    host = draft.incident.host
    if host is not None and draft.incident.caller_number is not None:
        draft.want(TellOfCaller(staff_id=host.staff_id, staff_code=host.staff_code, news=news))


def alone_since(incident: Incident, call: CallLeg) -> datetime:
    """Since when the caller of an unheard *call* waits for those who have accepted, and for nobody else."""
    accepted = [a.accepted_at for a in incident.assignments if a.is_engaged and a.accepted_at is not None]
    return max([call.received_at, *accepted])


def send_others(draft: Draft, call_id: str) -> bool:
    """Nobody came to the caller in time: the worker is called once more; whether others are wanted too."""
    incident = draft.incident
    host = incident.host
    if host is None or all(call.id != call_id for call in incident.unheard_calls):
        return False
    draft.add(Kind.HELP_REQUESTED, {"staff_code": None, "call_id": call_id}, by_engine=True)
    draft.want(ConnectWorker(staff_id=host.staff_id, staff_code=host.staff_code, again=True))
    return True
