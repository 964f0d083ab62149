"""A telephone company as the program meets it: the port ``TelephonyProvider``, in any weather."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dispatch.ports import (
    CallDetails,
    CallRequest,
    Handed,
    LoggedCall,
    LoggedText,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TextRequest,
)
from models.unit_of_work import refuse_inside_transaction
from tests.simulation.network import Leg, Text
from tests.simulation.program import ORIGIN
from tests.simulation.shaky_database import Crash

if TYPE_CHECKING:
    from tests.simulation.town import Town

_REFUSALS = ("21211", "13224", "30006")


class Company:
    """Takes requests over, refuses them, loses their answers; ``is_out`` makes it unreachable."""

    carries_voice = True
    carries_text = True

    def __init__(self, town: Town, name: str) -> None:
        self.name = name
        self._town = town
        self._taken = 0
        self.is_out = False
        self.legs: list[Leg] = []
        self.texts: list[Text] = []
        self.could_not_say: set[tuple[str, str]] = set()
        """Channels and numbers about which this company was asked in vain the last time."""

    def place_call(self, request: CallRequest) -> Handed:
        self._is_asked(request.to_number)
        status_path = request.status_url.removeprefix(ORIGIN)
        leg = Leg(
            self._town,
            self._town.whose(request.to_number),
            sid=self._next_sid("CA"),
            number=request.to_number,
            company=self.name,
            status_path=status_path,
            inbound=False,
        )
        leg.answer_path = request.answer_url.removeprefix(ORIGIN)
        self._town.promises.taken(leg.delivery_id, self)
        self.legs.append(leg)
        leg.later(
            self._town.seconds(0.5, 4),
            "reaches the phone",
            lambda: leg.rings_for(request.ring_s),
            any_turn=True,
        )
        self._has_taken(status_path, leg.status_form)
        return Handed(provider_sid=leg.sid, status="queued")

    def send_text(self, request: TextRequest) -> Handed:
        self._is_asked(request.to_number)
        text = Text(
            sid=self._next_sid("SM"),
            company=self.name,
            number=request.to_number,
            body=request.body,
            status_path=request.status_url.removeprefix(ORIGIN),
            placed_ms=self._town.clock.true_ms,
        )
        self._town.promises.taken(text.delivery_id, self, text.body)
        self.texts.append(text)
        self._town.deliver(text)
        self._has_taken(text.status_path, lambda: {"MessageSid": text.sid, "MessageStatus": "sent"})
        return Handed(provider_sid=text.sid, status="queued")

    def stop_ringing(self, provider_sid: str) -> None:
        leg = self._leg(provider_sid)
        self._town.promises.stopped(provider_sid, here=leg is not None)
        self._can_be_told()
        if leg is not None and leg.is_ringing:
            leg.ends("canceled")

    def redirect_call(self, provider_sid: str, url: str) -> None:
        self._can_be_told()
        leg = self._leg(provider_sid)
        assert leg is not None
        leg.later(0.2, "is redirected", lambda: leg.is_redirected(url.removeprefix(ORIGIN)), any_turn=True)

    def find_recent(self, *, channel: str, to_number: str, since: datetime) -> Sequence[Handed]:
        refuse_inside_transaction(self.name)
        if self._is_away() or self._town.weather.strikes("cannot be asked"):
            self.could_not_say.add((channel, to_number))
            raise ProviderUnavailableError("no connection", code="connect")
        self.could_not_say.discard((channel, to_number))
        shown = self.recent(channel, to_number, since)
        return [
            Handed(provider_sid=one.sid, status="sent", body=one.body)
            if isinstance(one, Text)
            else Handed(provider_sid=one.sid, status=one.status)
            for one in shown
        ]

    def calls_received(self, *, since: datetime) -> Sequence[LoggedCall]:
        self._can_be_told()
        if self.name != "satu":
            return []
        begun = [
            (self._town.beginning + timedelta(milliseconds=leg.placed_ms), leg) for leg in self._town.incoming
        ]
        return [
            LoggedCall(
                provider_sid=leg.sid,
                from_number=leg.number,
                began_at=began_at,
                ended_at=self._town.beginning + timedelta(milliseconds=leg.ended_ms) if leg.is_over else None,
                status=leg.status,
                duration_s=max(0, leg.ended_ms - leg.placed_ms) // 1000,
            )
            for began_at, leg in begun
            if began_at >= since
        ]

    def texts_received(self, *, since: datetime) -> Sequence[LoggedText]:
        self._can_be_told()
        if self.name != "satu":
            return []
        return [text for text in self._town.texts_in if text.received_at >= since]

    def details_of(self, provider_sid: str) -> CallDetails:
        self._can_be_told()
        return CallDetails()

    def recent(self, channel: str, to_number: str, since: datetime) -> list[Leg | Text]:
        """What this company could show of what it took over, newest first."""
        since_ms = (since - self._town.beginning).total_seconds() * 1000
        taken: list[Leg | Text] = [*(self.legs if channel == "voice" else self.texts)]
        return [one for one in reversed(taken) if one.number == to_number and one.placed_ms >= since_ms]

    def _is_away(self) -> bool:
        if self.is_out:
            self._town.weather.note("asked in vain")
        return self.is_out

    def _next_sid(self, kind: str) -> str:
        self._taken += 1
        return f"{kind}-{self.name}-{self._taken}"

    def _leg(self, provider_sid: str) -> Leg | None:
        return next((leg for leg in [*self.legs, *self._town.incoming] if leg.sid == provider_sid), None)

    def _is_asked(self, to_number: str) -> None:
        refuse_inside_transaction(self.name)
        weather = self._town.weather
        if weather.strikes("crash before the provider has it"):
            raise Crash("before the provider has it")
        if self._is_away() or weather.strikes("unreachable"):
            raise ProviderUnavailableError("no connection", code="connect")
        if weather.strikes("lost on the way"):
            raise OutcomeUnknownError("no answer", code="timeout")
        if weather.strikes("refused"):
            raise ProviderRefusedError("refused", code=self._town.one_of(_REFUSALS))

    def _has_taken(self, status_path: str, status_form: Callable[[], dict[str, str]]) -> None:
        weather, life = self._town.weather, self._town.program
        if weather.strikes("callback first"):
            self._town.ask(status_path, status_form())
            if self._town.program is not life:
                raise Crash("while its own callback was answered")
        if weather.strikes("crash after the provider has it"):
            raise Crash("after the provider has it")
        if weather.strikes("answer lost"):
            raise OutcomeUnknownError("read timed out", code="timeout")

    def _can_be_told(self) -> None:
        refuse_inside_transaction(self.name)
        if self._is_away() or self._town.weather.strikes("unreachable"):
            raise ProviderUnavailableError("no connection", code="connect")
