"""Asking the providers what became of a delivery whose outcome nobody knows (ADR 0004, 0015).

Decides whom to ask, and whether what they show is certainly this delivery. Never sends anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import Handed, TelephonyError, TelephonyProvider
from dispatch.service.breakers import Breakers
from dispatch.service.claiming import Claimed
from models.traffic import IS_UNSENT, WAS_SENT_AGAIN, Delivery

log = structlog.get_logger(__name__)

LOOK_BACK_S = 5.0
"""How much earlier than the delivery itself a request at the provider may be dated: its clock is not ours."""

CLOCK_ERROR = timedelta(days=1)
"""How wrong our clock may be: by so much a provider may show calls that are older than was asked for."""

_UNDER_WAY = (IS_UNSENT, Delivery.state.in_((DeliveryState.SENDING, DeliveryState.UNKNOWN)))
"""Said twice, because the partial index serves only the words of the first."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the providers said."""

    found: list[tuple[Handed, str]] = field(default_factory=list)
    """What they have for this number, newest first, and whose it is."""
    unasked: set[str] = field(default_factory=set)
    """Those that might have it, but did not say, or were not asked because they are silent."""
    probed: set[str] = field(default_factory=set)
    """Those of them that were silent, and whose probe the question was."""


def ask(breakers: Breakers, providers: Sequence[TelephonyProvider], claimed: Claimed) -> Answers:
    """Ask each of *providers* that may have it: after a lost answer that is one; after a crash it may be any.

    One that is silent is asked no more often than it is probed, and stays in doubt until it answers.
    """
    since = claimed.created_at - timedelta(seconds=LOOK_BACK_S)
    answers = Answers()
    for provider in providers:
        if claimed.provider not in (None, provider.name):
            continue
        is_probe = breakers.is_open(provider.name)
        if not breakers.lets_through(provider.name):
            answers.unasked.add(provider.name)
            continue
        try:
            recent = provider.find_recent(channel=claimed.channel, to_number=claimed.to_number, since=since)
        except TelephonyError as error:
            # Two calls to a nurse beat none: who does not say keeps nothing from being sent.
            note_failure(breakers, provider, claimed, error)
            answers.unasked.add(provider.name)
            if is_probe:
                answers.probed.add(provider.name)
        else:
            breakers.answered(provider.name)
            answers.found.extend((handed, provider.name) for handed in recent)
    return answers


def ours_among(
    session: Session, claimed: Claimed, found: Sequence[tuple[Handed, str]], body: str
) -> tuple[Handed, str] | None:
    """The call or text among *found* that is certainly this delivery: none other can have made it.

    What is taken for ours becomes a line of the record, which says that somebody was rung. A text is known
    by its words, and a call says nothing about its reason.
    """
    sids = [handed.provider_sid for handed, _ in found]
    query = select(Delivery.provider_sid).where(Delivery.provider_sid.in_(sids), Delivery.id != claimed.id)
    owned = set(session.scalars(query))
    free = (entry for entry in found if entry[0].provider_sid not in owned)
    is_text = claimed.channel is AlertChannel.SMS
    ours = next((entry for entry in free if not is_text or entry[0].body == body), None)
    return None if ours is None or _may_be_anothers(session, claimed) else ours


def _may_be_anothers(session: Session, claimed: Claimed) -> bool:
    """Whether another delivery may have made what looks like this one: it is under way, or was sent again.

    Of two calls only one stands on a row. The other is nobody's on record, whatever became of its incident.
    """
    alike = [
        Delivery.id != claimed.id,
        Delivery.to_number == claimed.to_number,
        Delivery.channel == claimed.channel,
        Delivery.purpose != Purpose.HANG_UP,
    ]
    if claimed.channel is AlertChannel.SMS:
        # Nothing else says the same.
        alike += [Delivery.incident_id == claimed.incident_id, Delivery.purpose == claimed.purpose]
    again = (WAS_SENT_AGAIN, Delivery.next_attempt_at >= claimed.created_at - CLOCK_ERROR)
    return any(
        session.scalar(select(Delivery.id).where(*alike, *where).limit(1)) is not None
        for where in (_UNDER_WAY, again)
    )


def note_failure(
    breakers: Breakers, provider: TelephonyProvider, claimed: Claimed, error: TelephonyError
) -> None:
    """Let the breaker and the log know that a request about *claimed* came to nothing."""
    breakers.failed(provider.name, error)
    log.warning(
        "delivery.not_handed_over",
        delivery_id=claimed.id,
        provider=provider.name,
        purpose=str(claimed.purpose),
        code=error.code,
        attempt=claimed.attempts,
    )
