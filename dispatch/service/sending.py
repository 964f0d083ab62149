"""Handing one claimed delivery to a provider, outside any transaction.

Providers are tried in the order of ``SIAGA_TELEPHONY``; each further attempt goes to the next that
carries the channel, so that a dead provider never holds back an alert for long.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import select

from dispatch.domain.effects import Purpose
from dispatch.domain.vocabulary import AlertChannel
from dispatch.ports import (
    Addresses,
    CallRequest,
    Handed,
    MessageFacts,
    ProviderRefusedError,
    TelephonyError,
    TelephonyProvider,
    TextRequest,
    Wording,
)
from dispatch.service import delivery_reports, outbox
from dispatch.service.links import worker_token
from dispatch.service.outbox import Claimed
from dispatch.service.services import Services
from models.facility import Staff
from models.incident import Assignment, Incident
from models.traffic import Delivery

log = structlog.get_logger(__name__)


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

    def send(self, claimed: Claimed) -> None:
        """Send *claimed* and report what came of it; a provider's failure is a report, not an error."""
        provider = self._choose(claimed)
        if provider is None:
            error = ProviderRefusedError(f"no provider carries {claimed.channel}", code="no_provider")
            delivery_reports.not_handed_over(self._services, claimed, error, "none")
            return
        try:
            if claimed.purpose is Purpose.HANG_UP:
                self._hang_up(provider, claimed)
                delivery_reports.done_without_provider(self._services, claimed, provider.name)
                return
            handed = self._adopt(provider, claimed) or self._hand_over(provider, claimed)
        except TelephonyError as error:
            log.warning(
                "delivery.not_handed_over",
                delivery_id=claimed.id,
                provider=provider.name,
                purpose=str(claimed.purpose),
                code=error.code,
                attempt=claimed.attempts,
            )
            delivery_reports.not_handed_over(self._services, claimed, error, provider.name)
        else:
            delivery_reports.handed_over(self._services, claimed, handed, provider.name)

    def _choose(self, claimed: Claimed) -> TelephonyProvider | None:
        named = claimed.details.get("provider")
        if named is not None:
            return next((p for p in self._providers if p.name == named), None)
        able = [p for p in self._providers if self._carries(p, claimed.channel)]
        return able[(claimed.attempts - 1) % len(able)] if able else None

    @staticmethod
    def _carries(provider: TelephonyProvider, channel: AlertChannel) -> bool:
        return provider.carries_voice if channel is AlertChannel.VOICE else provider.carries_text

    def _adopt(self, provider: TelephonyProvider, claimed: Claimed) -> Handed | None:
        """After an unknown outcome: what the provider already has for us, unless another row owns it."""
        if not claimed.ask_first:
            return None
        since = claimed.created_at - timedelta(seconds=5)
        found = provider.find_recent(channel=claimed.channel, to_number=claimed.to_number, since=since)
        sids = [handed.provider_sid for handed in found]
        with self._services.uow.read() as session:
            owned = set(
                session.scalars(
                    select(Delivery.provider_sid).where(
                        Delivery.provider_sid.in_(sids), Delivery.id != claimed.id
                    )
                )
            )
        return next((handed for handed in found if handed.provider_sid not in owned), None)

    def _hand_over(self, provider: TelephonyProvider, claimed: Claimed) -> Handed:
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
        body = self._wording.text(self._facts(claimed))
        self._keep_body(claimed, body)
        return provider.send_text(
            TextRequest(
                to_number=claimed.to_number,
                body=body,
                status_url=status_url,
                valid_s=int(outbox.TEXT_VALID_S),
            )
        )

    def _hang_up(self, provider: TelephonyProvider, claimed: Claimed) -> None:
        provider_sid = str(claimed.details["provider_sid"])
        if claimed.details.get("release"):
            provider.redirect_call(provider_sid, self._addresses.release())
        else:
            provider.stop_ringing(provider_sid)

    def _keep_body(self, claimed: Claimed, body: str) -> None:
        with self._services.uow.write() as session:
            row = session.get(Delivery, claimed.id)
            if row is not None:
                row.body = body

    def _facts(self, claimed: Claimed) -> MessageFacts:
        with self._services.uow.read() as session:
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
