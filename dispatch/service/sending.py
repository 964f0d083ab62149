"""Handing one claimed delivery to a provider, outside any transaction.

Providers are tried in the order of ``SIAGA_TELEPHONY``: one that certainly did not take the request, or will
not carry it, is followed by the next at once, within the same send. An outcome that nobody knows ends the
send; the next one begins by asking the provider. Sending takes no transaction before a first call, one for
reading before anything else, and one for writing afterwards.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.error_codes import Verdict, meaning_of
from dispatch.domain.vocabulary import AlertChannel, DeliveryState
from dispatch.ports import (
    Addresses,
    CallRequest,
    Handed,
    MessageFacts,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
    TelephonyProvider,
    TextRequest,
    Wording,
)
from dispatch.service import delivery_reports, failures, provider_signs
from dispatch.service.breakers import Breakers
from dispatch.service.claiming import Claimed
from dispatch.service.links import worker_token
from dispatch.service.outbox import TEXT_VALID_S
from dispatch.service.services import Services
from models.facility import Staff
from models.incident import Assignment, Incident
from models.traffic import Delivery

log = structlog.get_logger(__name__)

LOOK_BACK_S = 5.0
"""How much earlier than the delivery itself a request at the provider may be dated: its clock is not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is known at the moment of sending."""

    is_wanted: bool = True
    body: str = ""
    found: tuple[Handed, str] | None = None
    """What a provider has for us already, and that provider's name."""
    unasked: frozenset[str] = frozenset()
    """Providers that might have it, but did not say."""


class Sender:
    """Sends deliveries; one instance serves all threads of the pool."""

    def __init__(
        self,
        services: Services,
        providers: Sequence[TelephonyProvider],
        *,
        wording: Wording,
        addresses: Addresses,
    ) -> None:
        """Keep the *providers* in order of preference."""
        self._services = services
        self._providers = providers
        self._wording = wording
        self._addresses = addresses
        self.breakers = Breakers(services.clock, provider_signs.Signs(services))

    def send(self, claimed: Claimed) -> None:
        """Send *claimed* and report what came of it; a provider's failure is a report, not an error."""
        if claimed.purpose is Purpose.HANG_UP:
            self._stop(claimed)
            return
        errand = self._prepare(claimed)
        if not errand.is_wanted:
            delivery_reports.not_wanted(self._services, claimed)
        elif errand.found is not None:
            handed, name = errand.found
            delivery_reports.handed_over(self._services, claimed, handed, name, body=errand.body)
        else:
            self._try_each(claimed, errand)

    # --- whom to ask, and in which order

    def _able(self, claimed: Claimed) -> list[TelephonyProvider]:
        """The providers that carry the channel and have not said no to this delivery."""
        refused_by = claimed.details.get(failures.REFUSED_BY, ())
        return [
            p
            for p in self._providers
            if p.name not in refused_by
            and (p.carries_voice if claimed.channel is AlertChannel.VOICE else p.carries_text)
        ]

    def _in_order(self, claimed: Claimed, errand: Errand) -> Iterator[TelephonyProvider]:
        """Those worth asking now; a first alert pays for nobody's probe, and goes out whatever they say."""
        able = self._able(claimed)
        # Who could not even say whether it has the request comes last.
        able.sort(key=lambda p: (p.name in errand.unasked, claimed.is_first_alert and self._is_open(p)))
        for provider in able:
            if claimed.is_first_alert or self.breakers.lets_through(provider.name):
                yield provider

    def _is_open(self, provider: TelephonyProvider) -> bool:
        return self.breakers.is_open(provider.name)

    # --- sending

    def _try_each(self, claimed: Claimed, errand: Errand) -> None:
        """Ask one provider after another until one has taken it, or no further one may be asked."""
        failed: list[tuple[TelephonyError, str]] = []
        for provider in self._in_order(claimed, errand):
            if not self._has_time(claimed):
                break
            try:
                handed = self._hand_over(provider, claimed, errand.body)
            except TelephonyError as error:
                self._note(provider, claimed, error)
                failed.append((error, provider.name))
                if not _leaves_room(error):
                    break
            else:
                self.breakers.answered(provider.name)
                delivery_reports.handed_over(self._services, claimed, handed, provider.name, body=errand.body)
                return
        failure, name = _deciding(failed) or self._nobody_asked(claimed)
        delivery_reports.not_handed_over(self._services, claimed, failure, name, body=errand.body)

    def _nobody_asked(self, claimed: Claimed) -> tuple[TelephonyError, str]:
        able = self._able(claimed)
        if not able:
            return ProviderRefusedError("no provider carries this", code="no_provider"), "none"
        return ProviderUnavailableError("was asked in vain a moment ago", code="breaker_open"), able[0].name

    def _hand_over(self, provider: TelephonyProvider, claimed: Claimed, body: str = "") -> Handed:
        status_url = self._addresses.status(claimed.id, claimed.channel)
        if claimed.channel is AlertChannel.VOICE:
            return provider.place_call(
                CallRequest(
                    to_number=claimed.to_number,
                    answer_url=self._addresses.answer(claimed.id, claimed.purpose),
                    status_url=status_url,
                    ring_s=max(1, math.ceil(claimed.details["ring_s"])),
                )
            )
        return provider.send_text(
            TextRequest(
                to_number=claimed.to_number,
                body=body,
                status_url=status_url,
                valid_s=self._still_valid_s(claimed),
            )
        )

    def _still_valid_s(self, claimed: Claimed) -> int:
        """How long the network may keep trying: a text that waited here already has less time left there."""
        if claimed.valid_until is None:
            return int(TEXT_VALID_S)
        left_s = (claimed.valid_until - self._services.clock.now()).total_seconds()
        return max(1, min(int(TEXT_VALID_S), math.ceil(left_s)))

    def _has_time(self, claimed: Claimed) -> bool:
        """Whether another request surely ends before the lease, after which somebody else may send."""
        if claimed.lease_until is None:
            return True
        left_s = (claimed.lease_until - self._services.clock.now()).total_seconds()
        return left_s > self._services.request_s

    def _note(self, provider: TelephonyProvider, claimed: Claimed, error: TelephonyError) -> None:
        self.breakers.failed(provider.name, error)
        log.warning(
            "delivery.not_handed_over",
            delivery_id=claimed.id,
            provider=provider.name,
            purpose=str(claimed.purpose),
            code=error.code,
            attempt=claimed.attempts,
        )

    def _stop(self, claimed: Claimed) -> None:
        """Let a caller's call go on elsewhere, or end the ringing of one of our own.

        An alert that was sent twice may ring through two providers, and nobody knows any more which call is
        whose: so every one is told, and whoever does not have the call leaves it at that.
        """
        named = claimed.details.get("provider")
        provider = next((p for p in self._providers if p.name == named), None)
        if provider is None:
            gone = ProviderRefusedError(f"{named} is not there any more", code="no_provider")
            delivery_reports.not_handed_over(self._services, claimed, gone, "none")
            return
        provider_sid = str(claimed.details["provider_sid"])
        try:
            if claimed.details.get("release"):
                provider.redirect_call(provider_sid, self._addresses.release())
            else:
                self._stop_elsewhere(provider, provider_sid)
                provider.stop_ringing(provider_sid)
        except TelephonyError as error:
            self._note(provider, claimed, error)
            delivery_reports.not_handed_over(self._services, claimed, error, provider.name)
        else:
            delivery_reports.done_without_provider(self._services, claimed, provider.name)

    def _stop_elsewhere(self, named: TelephonyProvider, provider_sid: str) -> None:
        for provider in self._providers:
            if provider is not named and provider.carries_voice:
                with suppress(TelephonyError):
                    provider.stop_ringing(provider_sid)

    # --- before sending

    def _prepare(self, claimed: Claimed) -> Errand:
        """Everything that must be known first: nothing for a first call, so that it leaves at once."""
        is_text = claimed.channel is AlertChannel.SMS
        if not is_text and claimed.attempts == 1:
            return Errand()
        found, unasked = self._ask(claimed) if claimed.ask_first else ([], frozenset[str]())
        with self._services.uow.read() as session:
            row = session.scalars(select(Delivery).where(Delivery.id == claimed.id)).one()
            body = row.body
            if is_text and not body:
                body = self._wording.text(self._facts(session, claimed))
            adopted = self._ours_among(session, claimed, found, body) if found else None
            # What is there already is taken as it is, and stopped afterwards if nobody needs it.
            is_wanted = (
                adopted is not None
                or claimed.attempts == 1
                or failures.is_wanted(session, self._services, row, for_update=False)
            )
        return Errand(is_wanted=is_wanted, body=body, found=adopted, unasked=unasked)

    def _ask(self, claimed: Claimed) -> tuple[list[tuple[Handed, str]], frozenset[str]]:
        """What the providers have for this number, newest first, and which of them did not say.

        After an answer that was lost that is one provider; after a crash it may be any.
        """
        since = claimed.created_at - timedelta(seconds=LOOK_BACK_S)
        found: list[tuple[Handed, str]] = []
        unasked: set[str] = set()
        for provider in self._able(claimed):
            if claimed.provider not in (None, provider.name):
                continue
            try:
                recent = provider.find_recent(
                    channel=claimed.channel, to_number=claimed.to_number, since=since
                )
            except TelephonyError as error:
                # Two calls to a nurse beat none: who does not say keeps nothing from being sent.
                self._note(provider, claimed, error)
                unasked.add(provider.name)
            else:
                self.breakers.answered(provider.name)
                found += [(handed, provider.name) for handed in recent]
        return found, frozenset(unasked)

    def _ours_among(
        self, session: Session, claimed: Claimed, found: Sequence[tuple[Handed, str]], body: str
    ) -> tuple[Handed, str] | None:
        """The call or text among *found* that is certainly this delivery.

        A text is known by its words. A call says nothing about its reason: it is ours when no other delivery
        to the same number can have made it.
        """
        sids = [handed.provider_sid for handed, _ in found]
        owners = session.execute(
            select(Delivery.provider_sid, Delivery.attempts).where(
                Delivery.provider_sid.in_(sids), Delivery.id != claimed.id
            )
        ).all()
        owned = {row.provider_sid for row in owners}
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
        # One that was sent twice left a call behind that nobody owns.
        if rivals is not None or any(row.attempts > 1 for row in owners):
            return None
        return next(iter(free), None)

    def _facts(self, session: Session, claimed: Claimed) -> MessageFacts:
        incident = session.get(Incident, claimed.incident_id) if claimed.incident_id else None
        if incident is None:
            return _of_the_service(claimed)
        accepted_by = session.scalar(
            select(Staff.name)
            .join(Assignment, Assignment.staff_id == Staff.id)
            .where(Assignment.incident_id == incident.id, Assignment.is_primary.is_(True))
        )
        link = None
        if claimed.staff_id is not None and claimed.purpose in (Purpose.ALERT, Purpose.DETAILS):
            token = worker_token(self._services.link_key, incident.id, claimed.staff_id)
            link = self._addresses.worker_page(token)
        return MessageFacts(
            purpose=claimed.purpose,
            short_number=incident.short_number,
            priority=incident.priority,
            category=incident.category,
            place=incident.location_text or incident.location_place,
            caller_number=incident.caller_number,
            accepted_by=accepted_by,
            reason=claimed.details.get("reason"),
            tier=claimed.details.get("tier"),
            link=link,
        )


def _deciding(failed: Sequence[tuple[TelephonyError, str]]) -> tuple[TelephonyError, str] | None:
    """Of several failures the one that decides: what ended the search, else one that will pass."""
    if failed and _leaves_room(failed[-1][0]):
        return next((entry for entry in failed if delivery_reports.is_passing(entry[0])), failed[-1])
    return failed[-1] if failed else None


def _leaves_room(error: TelephonyError) -> bool:
    """Whether the next provider may be asked for the same at once."""
    if isinstance(error, OutcomeUnknownError):
        return False
    if isinstance(error, ProviderRefusedError):
        return meaning_of(error.code).verdict in (Verdict.OTHER_PROVIDER, Verdict.RETRY)
    return True


def _of_the_service(claimed: Claimed) -> MessageFacts:
    """The facts of a text that belongs to no incident: what the watchdog found."""
    details = claimed.details
    return MessageFacts(
        purpose=claimed.purpose,
        short_number=details.get("short_number"),
        check=details.get("check"),
        since=details.get("since"),
        others=details.get("others", 0),
    )
