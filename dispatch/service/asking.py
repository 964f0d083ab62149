"""Asking the providers what became of a delivery whose outcome nobody knows (ADR 0004, 0015).

Decides whom to ask, and whether what they show is certainly this delivery. Never sends anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import Handed, TelephonyError, TelephonyProvider
from dispatch.service.breakers import Breakers
from dispatch.service.claiming import Claimed
from models.incident import IS_OPEN, Incident
from models.traffic import Delivery

log = structlog.get_logger(__name__)

LOOK_BACK_S = 5.0
"""How much earlier than the delivery itself a request at the provider may be dated: its clock is not ours."""


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
    """The call or text among *found* that is certainly this delivery.

    A text is known by its words. A call says nothing about its reason: it is ours when no other delivery
    to the same number can have made it, neither one that is under way nor one that was sent more than once.
    """
    sids = [handed.provider_sid for handed, _ in found]
    query = select(Delivery.provider_sid).where(Delivery.provider_sid.in_(sids), Delivery.id != claimed.id)
    owned = set(session.scalars(query))
    free = [entry for entry in found if entry[0].provider_sid not in owned]
    if claimed.channel is AlertChannel.SMS:
        return next((entry for entry in free if entry[0].body == body), None)
    rivals = session.scalar(
        select(Delivery.id)
        .where(
            Delivery.state.in_((DeliveryState.SENDING, DeliveryState.UNKNOWN)),
            Delivery.to_number == claimed.to_number,
            Delivery.channel == claimed.channel,
            Delivery.id != claimed.id,
        )
        .limit(1)
    )
    if rivals is not None or _left_a_call_behind(session, claimed):
        return None
    return next(iter(free), None)


def _left_a_call_behind(session: Session, claimed: Claimed) -> bool:
    """Whether another delivery to this number was sent again: of its two calls only one stands on its row."""
    going_on = select(Incident.id).where(IS_OPEN)
    query = select(Delivery.id).where(
        Delivery.incident_id.in_(going_on),
        Delivery.to_number == claimed.to_number,
        Delivery.channel == claimed.channel,
        Delivery.id != claimed.id,
        Delivery.attempts > 1,
    )
    return session.scalar(query.limit(1)) is not None


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
