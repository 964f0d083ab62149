"""How worker and caller meet: what is taken for granted when the room is silent, and who is called in again.

A worker who accepted may hang up before entering the room where the caller waits. Here is decided when that
is so, and what follows; that it is looked at in time is the matter of ``escalation``.
"""

from dispatch.domain.decisions import Draft
from dispatch.domain.effects import ConnectWorker
from dispatch.domain.events import Kind
from dispatch.domain.incidents import Incident

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


def assume_joined(draft: Draft, staff_code: str) -> None:
    """Take a worker to be with the caller when nobody has said otherwise in time, and mark it as assumed."""
    live = draft.incident.waiting_call
    if live is None:
        return
    draft.add(
        Kind.CALL_ANSWERED, {"call_id": live.id, "staff_code": staff_code, "assumed": True}, by_engine=True
    )


def call_in(draft: Draft, staff_code: str) -> bool:
    """Call a worker into the room again; whether that was in vain before, so that another is wanted too."""
    incident = draft.incident
    draft.add(Kind.CALLED_IN, {"staff_code": staff_code}, by_engine=True)
    assignment = incident.assignment(staff_code)
    live = incident.waiting_call
    if live is None or live.answered_at is not None or assignment is None or not assignment.is_engaged:
        return False
    turn = draft.incident.ladder.called_in
    draft.want(ConnectWorker(staff_id=assignment.staff_id, staff_code=staff_code, turn=turn))
    if turn != CALLED_IN_VAINLY:
        return False
    draft.add(Kind.HELP_REQUESTED, {"staff_code": None}, by_engine=True)
    return True


def left_grace_s(incident: Incident) -> float:
    """How long the room's word is waited for before a worker is called in; longer each time."""
    doubled: float = LEFT_GRACE_S * 2**incident.ladder.called_in
    return min(doubled, CALL_IN_EVERY_S)
