"""What follows from a call or text that the provider's log knows and we never heard of (ADR 0017).

Its lines bear their true times, the source ``import`` and the mark ``reconstructed``. Whoever called a short
while ago and reached nobody is an emergency like any other. What is older, or was answered by a duty phone
through the static fallback, is for one person to judge: only the last tier is asked, until somebody accepts
or closes. Nothing found is ever closed by the program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.domain import escalation
from dispatch.domain.decisions import Crew, Draft
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import CallOutcome

PRESSING_FOR_S = 7200.0
"""For this long an unheard call rings everybody: two hours, within which help may still be what is needed.

Later the caller has most likely found another way, and a night of missed calls would wake a whole staff once
for each of them while new calls come in.
"""

STILL_MEANT_FOR_S = 900.0
"""A worker's yes, no or call for help is acted upon for this long after it was sent: as long as an alert text
is valid. Later somebody else may have gone."""

LEARNED_LATE_S = 1.0
"""A call that we learned of later than this may have been connected by the fallback document: a webhook has
1.5 s, and a request that waited in the journal always took longer."""

MARK: Mapping[str, object] = {"reconstructed": True}
"""Stands in the data of every line that was learned from the log only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """What the log says of a call or text beside who and when; a text has none of it."""

    status: str | None = None
    ended_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    """The code of the worker whose phone picked up, where it is a worker's."""
    recordings: tuple[tuple[str, int], ...] = ()
    """Identifier and seconds of each."""


def go_on(draft: Draft, call_id: str, missed: Missed, crew: Crew) -> None:
    """After the first line about a missed call: the rest of what is known, and who is asked now."""
    if missed.answered_at is not None:
        tell_answer(draft, call_id, at=missed.answered_at, staff_code=missed.answered_by)
    if missed.ended_at is not None:
        ending = str(draft.incident.call(call_id).ending)
        draft.add(
            Kind.CALL_ENDED,
            {"call_id": call_id, "outcome": ending, "provider_status": missed.status, **MARK},
            occurred_at=missed.ended_at,
        )
    for recording_sid, duration_s in missed.recordings:
        data = {"recording_sid": recording_sid, "duration_s": duration_s, "call_id": call_id, **MARK}
        draft.add(Kind.CALL_RECORDED, data)
    if is_pressing(draft, call_id):
        escalation.press(draft, crew)
    else:
        escalation.begin_at_the_end(draft, crew)


def tell_answer(
    draft: Draft, call_id: str, *, at: datetime, staff_code: str | None, corrects: int | None = None
) -> None:
    """A duty phone picked up the call, which the fallback document had put through to it.

    A call that counted as abandoned no longer does, and an answer that was only assumed (line *corrects*) was
    this one; the line says so, because the lines before it stay.
    """
    data: dict[str, object] = {"call_id": call_id, "staff_code": staff_code, **MARK}
    if draft.incident.call(call_id).outcome is CallOutcome.ABANDONED:
        data["outcome"] = str(CallOutcome.INCIDENT)
    if corrects is not None:
        data["corrects"] = corrects
    others, draft.actor = draft.actor, "provider" if staff_code is None else f"staff:{staff_code}"
    draft.add(Kind.CALL_ANSWERED, data, occurred_at=at)
    draft.actor = others


def is_pressing(draft: Draft, call_id: str) -> bool:
    """Whether nobody was heard and so little time has passed that help may still be wanted."""
    call = draft.incident.call(call_id)
    last_at = call.ended_at or draft.now
    return call.answered_at is None and draft.now - last_at <= timedelta(seconds=PRESSING_FOR_S)
