"""What a provider's word means for a delivery: where it stands, and whether to try again.

Statuses are Twilio's (TESTBED 2.4 and 2.6); other providers translate into them. A delivery never moves
backwards: a late ``busy`` after ``completed`` changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatch.domain.vocabulary import AlertChannel, DeliveryState

_CALL_RANKS: Mapping[str, int] = {
    "queued": 0,
    "initiated": 1,
    "ringing": 2,
    "in-progress": 3,
    "answered": 3,
    "completed": 4,
    "busy": 4,
    "no-answer": 4,
    "failed": 4,
    "canceled": 4,
}
_TEXT_RANKS: Mapping[str, int] = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 0,
    "sending": 1,
    "sent": 2,
    "delivered": 3,
    "read": 4,
    "undelivered": 3,
    "failed": 3,
    "canceled": 3,
}
_FAILED = frozenset({"busy", "no-answer", "failed", "canceled", "undelivered"})
_DELIVERED = frozenset({"completed", "delivered", "read"})
_ANSWERED = frozenset({"in-progress", "answered", "completed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a delivery stands after a callback."""

    state: DeliveryState
    status: str
    sequence: int


def after_callback(
    *, channel: str, known_status: str | None, known_sequence: int, status: str, sequence: int | None
) -> Progress | None:
    """The new standing, or None when the callback is old, repeated or unknown and changes nothing."""
    ranks = _CALL_RANKS if channel == "voice" else _TEXT_RANKS
    if status not in ranks:
        return None
    if known_status is not None:
        is_behind = ranks[status] <= ranks.get(known_status, -1)
        if is_behind or (sequence is not None and sequence <= known_sequence):
            return None
    if status in _DELIVERED:
        state = DeliveryState.DELIVERED
    elif status in _FAILED:
        state = DeliveryState.FAILED
    else:
        state = DeliveryState.ACCEPTED
    return Progress(state=state, status=status, sequence=known_sequence if sequence is None else sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A status that concerns nobody but its delivery, when that was taken over before and has not ended."""

    channel: AlertChannel
    state: DeliveryState
    earlier: tuple[str, ...]
    """The statuses that come before it."""


def _steps() -> Iterator[tuple[str, Step]]:
    for channel, ranks in ((AlertChannel.VOICE, _CALL_RANKS), (AlertChannel.SMS, _TEXT_RANKS)):
        for status, rank in ranks.items():
            state = DeliveryState.DELIVERED if status in _DELIVERED else DeliveryState.ACCEPTED
            # That a call is over, and what failed, is for the incident to know.
            ends_call = channel is AlertChannel.VOICE and state is DeliveryState.DELIVERED
            earlier = tuple(known for known, lower in ranks.items() if lower < rank)
            if earlier and not ends_call and status not in _FAILED:
                yield status, Step(channel=channel, state=state, earlier=earlier)


STEPS: Mapping[str, Step] = dict(_steps())
"""Each by its status; no status is one of both channels."""


def is_answered(status: str) -> bool:
    """Whether a call's *status* says that somebody picked it up."""
    return status in _ANSWERED


def retry_after_s(attempts: int) -> float:
    """Seconds to wait after the *attempts*-th failed try: 1, 2, 4 … at most 30, without end."""
    return float(min(30, 2 ** min(attempts - 1, 5)))
