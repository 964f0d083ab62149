"""Handing one claimed delivery to a provider, outside any transaction.

Providers are tried in the order of ``SIAGA_TELEPHONY``: one that certainly did not take the request, or will
not carry it, is followed by the next at once, within the same send. An outcome that nobody knows ends the
send; the next one begins by asking the provider. Sending takes no transaction before a first call, one for
reading before anything else, and one for writing afterwards.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatch.domain.effects import Purpose
from dispatch.domain.error_codes import Verdict, meaning_of
from dispatch.domain.vocabulary import AlertChannel
from dispatch.ports import (
    Addresses,
    CallRequest,
    Handed,
    MessageFacts,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    Sealed,
    TelephonyError,
    TelephonyProvider,
    TextRequest,
    Wording,
)
from dispatch.service import delivery_reports, failures, ledger, outbox, provider_signs
from dispatch.service.asking import Answers, ask, note_failure, ours_among
from dispatch.service.breakers import Breakers
from dispatch.service.claiming import Claimed
from dispatch.service.links import survey_token, worker_token
from dispatch.service.outbox import TEXT_VALID_S, TRIES
from dispatch.service.services import Services
from models.base import table_of
from models.facility import Staff
from models.statements import Prepared
from models.traffic import Delivery

log = structlog.get_logger(__name__)

_NAME = Prepared(select(table_of(Staff).c.name).where(table_of(Staff).c.id == bindparam("staff_id")))

LASTING_S = 14_400.0
"""For what does not go out of date (``_LASTING``): the longest that every network keeps a text for."""

_LASTING = (Purpose.SEAL, Purpose.SURVEY)

CLOCK_SLACK_S = 1.0
"""By so much a time server may correct the clock while a delivery is being sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is known at the moment of sending."""

    is_wanted: bool = True
    body: str = ""
    found: tuple[Handed, str] | None = None
    """What a provider has for us already, and that provider's name."""
    unasked: frozenset[str] = frozenset()
    """Providers that might have it, but did not say, or were not asked because they are silent."""
    probed: frozenset[str] = frozenset()
    """Those of them that were silent, and whose probe the question was: sending belongs to the same probe."""


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
        self._signs = provider_signs.Signs(services)
        self.breakers = Breakers(services.clock, self._signs, request_s=services.request_s)

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

    def keep_signs(self) -> None:
        """Keep what people are told of silent providers true, and no older than the engine's sign of life."""
        self._signs.keep(self.breakers.silent())

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
            may_ask = claimed.is_first_alert or provider.name in errand.probed
            if may_ask or self.breakers.lets_through(provider.name):
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
                note_failure(self.breakers, provider, claimed, error)
                failed.append((error, provider.name))
                if not _leaves_room(error):
                    break
            else:
                self.breakers.answered(provider.name)
                delivery_reports.handed_over(self._services, claimed, handed, provider.name, body=errand.body)
                return
        failure, name = _deciding(failed) or self._nobody_asked(claimed)
        delivery_reports.not_handed_over(
            self._services, claimed, failure, name, body=errand.body, unasked=errand.unasked
        )

    def _nobody_asked(self, claimed: Claimed) -> tuple[TelephonyError, str]:
        able = self._able(claimed)
        if not able:
            return ProviderRefusedError("no provider carries this", code="no_provider"), "none"
        return _silent(), able[0].name

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
        longest_s = LASTING_S if claimed.purpose in _LASTING else TEXT_VALID_S
        return max(1, min(int(longest_s), math.ceil(left_s)))

    def _has_time(self, claimed: Claimed) -> bool:
        """Whether another request surely ends before the lease, after which somebody else may send.

        Of one that seems to last longer than any does nobody knows how much is left: the clock was set back.
        """
        if claimed.lease_until is None:
            return True
        left_s = (claimed.lease_until - self._services.clock.now()).total_seconds()
        return self._services.request_s < left_s <= self._services.lease_s + CLOCK_SLACK_S

    def _stop(self, claimed: Claimed) -> None:
        """Let a caller's call go on elsewhere, or end the ringing of one of our own.

        An alert that was sent again may ring through two providers, and nobody knows any more which call is
        whose: then every one is told, and whoever does not have the call leaves it at that. The one that is
        named comes first, and nobody's silence holds up the rest; who was silent is told again.
        """
        named = claimed.details.get("provider")
        provider = next((p for p in self._providers if p.name == named), None)
        if provider is None:
            gone = ProviderRefusedError(f"{named} is not there any more", code="no_provider")
            delivery_reports.not_handed_over(self._services, claimed, gone, "none")
            return
        told = [provider]
        if claimed.details.get(outbox.SENT_AGAIN):
            told += [other for other in self._providers if other is not provider and other.carries_voice]
        failed = [(error, p.name) for p in told if (error := self._stop_at(p, claimed)) is not None]
        # Another one that refuses for good would do so again.
        counts = [
            (error, name) for error, name in failed if name == named or delivery_reports.is_passing(error)
        ]
        if counts:
            delivery_reports.not_handed_over(self._services, claimed, *(_passing(counts) or counts[0]))
        else:
            delivery_reports.done_without_provider(self._services, claimed, provider.name)

    def _stop_at(self, provider: TelephonyProvider, claimed: Claimed) -> TelephonyError | None:
        """Tell *provider*; why that came to nothing, if it did."""
        if provider.name != claimed.details.get("provider") and not self._has_time(claimed):
            return ProviderUnavailableError("the one before took too long", code="timeout")
        if not self.breakers.lets_through(provider.name):
            return _silent()
        provider_sid = str(claimed.details["provider_sid"])
        try:
            if claimed.details.get("release"):
                provider.redirect_call(provider_sid, self._addresses.release())
            else:
                provider.stop_ringing(provider_sid)
        except TelephonyError as error:
            note_failure(self.breakers, provider, claimed, error)
            return error
        self.breakers.answered(provider.name)
        return None

    # --- before sending

    def _prepare(self, claimed: Claimed) -> Errand:
        """Everything that must be known first: nothing for a first call, so that it leaves at once."""
        is_text = claimed.channel is AlertChannel.SMS
        is_first = claimed.attempts == 1 and TRIES not in claimed.details
        if not is_text and is_first:
            return Errand()
        answers = ask(self.breakers, self._able(claimed), claimed) if claimed.ask_first else Answers()
        with self._services.uow.look() as session:
            # What another sender reports while the provider is asked is part of what is known.
            row = None if is_first else session.get_one(Delivery, claimed.id)
            body = "" if row is None else row.body
            if is_text and not body:
                body = self._wording.text(self._facts(session, claimed))
            adopted = ours_among(session, claimed, answers.found, body) if answers.found else None
            # What is there already is taken as it is, and stopped afterwards if nobody needs it.
            is_wanted = (
                adopted is not None
                or row is None
                or failures.is_wanted(session, self._services, row, for_update=False)
            )
        return Errand(
            is_wanted=is_wanted,
            body=body,
            found=adopted,
            unasked=frozenset(answers.unasked),
            probed=frozenset(answers.probed),
        )

    def _facts(self, session: Session, claimed: Claimed) -> MessageFacts:
        if claimed.incident_id is None:
            return self._of_the_service(claimed)
        incident = ledger.load(session, self._services, claimed.incident_id, for_update=False)
        accepted_by = None
        if incident.primary is not None:
            accepted_by = _NAME.run(session.connection(), {"staff_id": incident.primary.staff_id}).scalar()
        link = None
        if claimed.staff_id is not None and claimed.purpose in (
            Purpose.ALERT,
            Purpose.DETAILS,
            Purpose.CALLER,
        ):
            token = worker_token(self._services.link_key, incident.id, claimed.staff_id)
            link = self._addresses.worker_page(token)
        return MessageFacts(
            purpose=claimed.purpose,
            short_number=incident.short_number,
            priority=incident.priority,
            category=incident.category,
            place=incident.location.text or incident.location.place,
            caller_number=incident.caller_number,
            accepted_by=accepted_by,
            reason=claimed.details.get("reason"),
            tier=claimed.details.get("tier"),
            link=link,
        )

    def _of_the_service(self, claimed: Claimed) -> MessageFacts:
        """The facts of a text that speaks of no incident: a day's seal, a question, a finding."""
        details = claimed.details
        if claimed.purpose is Purpose.SEAL:
            return MessageFacts(purpose=claimed.purpose, sealed=Sealed(**details[Purpose.SEAL]))
        if claimed.purpose is Purpose.SURVEY:
            token = survey_token(self._services.link_key, details["request_id"])
            link = self._addresses.survey_page(token)
            return MessageFacts(purpose=claimed.purpose, link=link, facility=details["facility"])
        return MessageFacts(
            purpose=claimed.purpose,
            short_number=details.get("short_number"),
            check=details.get("check"),
            since=details.get("since"),
            others=details.get("others", 0),
        )


def _silent() -> ProviderUnavailableError:
    return ProviderUnavailableError("was asked in vain a moment ago", code="breaker_open")


def _deciding(failed: Sequence[tuple[TelephonyError, str]]) -> tuple[TelephonyError, str] | None:
    """Of several failures the one that decides: what ended the search, else one that will pass."""
    if failed and _leaves_room(failed[-1][0]):
        return _passing(failed) or failed[-1]
    return failed[-1] if failed else None


def _passing(failed: Sequence[tuple[TelephonyError, str]]) -> tuple[TelephonyError, str] | None:
    return next((entry for entry in failed if delivery_reports.is_passing(entry[0])), None)


def _leaves_room(error: TelephonyError) -> bool:
    """Whether the next provider may be asked for the same at once."""
    if isinstance(error, OutcomeUnknownError):
        return False
    if isinstance(error, ProviderRefusedError):
        return meaning_of(error.code).verdict in (Verdict.OTHER_PROVIDER, Verdict.RETRY)
    return True
