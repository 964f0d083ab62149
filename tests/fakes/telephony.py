"""A telephone company, its words and its addresses, in one process: for tests of the service layer.

The company does what it is told: it takes requests over, refuses, is out of reach, or takes a request over
and loses the answer. It remembers everything, and refuses to work while a transaction is open.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from dispatch.domain.vocabulary import AlertChannel
from dispatch.ports import (
    CallRequest,
    Handed,
    MessageFacts,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
    TextRequest,
)
from models.unit_of_work import refuse_inside_transaction
from tests.fakes.call_log import FakeCallLog

WAIT_S = 10.0
"""How long a test waits for another thread before it says that nothing came."""


class Outcome(Enum):
    """What becomes of a request."""

    TAKEN = auto()
    REFUSED = auto()
    UNREACHABLE = auto()
    ANSWER_LOST = auto()
    LOST_ON_THE_WAY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A call or text that the company took over."""

    sid: str
    channel: AlertChannel
    to_number: str
    body: str
    status_url: str
    answer_url: str = ""
    ring_s: int = 0

    @property
    def delivery_id(self) -> str:
        return self.status_url.rpartition("/")[2]


class FakeProvider(FakeCallLog):
    """A telephone company."""

    def __init__(
        self,
        name: str = "fake",
        *,
        carries_voice: bool = True,
        carries_text: bool = True,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__()
        self._name = name
        self._carries_voice = carries_voice
        self._carries_text = carries_text
        self._now = now
        self._changed = threading.Condition()
        self._scripts: dict[str, list[Outcome]] = {}
        self._mood = Outcome.TAKEN
        self._held: dict[str, threading.Event] = {}
        self._times: dict[str, datetime] = {}
        self.refusal_code = "21211"
        self.lists_fail: TelephonyError | None = None
        self.statuses: dict[str, str] = {}
        self.tries = 0
        self.holding: list[str] = []
        self.asked: list[str] = []
        self.sent: list[Sent] = []
        self.stopped: list[str] = []
        self.redirected: list[tuple[str, str]] = []

    # --- what the test decides: also ``refusal_code``, ``lists_fail``, and ``statuses`` by identifier

    def will(self, *outcomes: Outcome, to_number: str | None = None) -> None:
        """The next requests, to one number or to any, end like this; the rest are taken over."""
        self._scripts.setdefault(to_number or "", []).extend(outcomes)

    def always(self, outcome: Outcome) -> None:
        """From now on, whatever no script covers ends like this."""
        self._mood = outcome

    def holds_the_line_to(self, number: str) -> threading.Event:
        """Requests to this number take until the event is set."""
        return self._held.setdefault(number, threading.Event())

    def forgets(self) -> None:
        """Start a new page: what was sent so far is not listed any more."""
        self.sent.clear()
        self.stopped.clear()
        self.redirected.clear()

    # --- what the test looks at

    @property
    def rung(self) -> list[str]:
        """The numbers that were called, in order."""
        return [sent.to_number for sent in self.sent if sent.channel is AlertChannel.VOICE]

    @property
    def texted(self) -> list[str]:
        """The numbers that got a text, in order."""
        return [sent.to_number for sent in self.sent if sent.channel is AlertChannel.SMS]

    def texts_to(self, number: str) -> list[str]:
        return [s.body for s in self.sent if s.channel is AlertChannel.SMS and s.to_number == number]

    def last_call_to(self, number: str) -> Sent:
        return next(s for s in reversed(self.sent) if s.to_number == number and s.answer_url)

    def waits_for(self, what: Callable[["FakeProvider"], bool]) -> bool:
        """Whether *what* becomes true before the patience of a test is over."""
        with self._changed:
            return self._changed.wait_for(lambda: what(self), timeout=WAIT_S)

    # --- the port

    @property
    def name(self) -> str:
        return self._name

    @property
    def carries_voice(self) -> bool:
        return self._carries_voice

    @property
    def carries_text(self) -> bool:
        return self._carries_text

    def place_call(self, request: CallRequest) -> Handed:
        return self._take(
            Sent(
                sid="",
                channel=AlertChannel.VOICE,
                to_number=request.to_number,
                body="",
                status_url=request.status_url,
                answer_url=request.answer_url,
                ring_s=request.ring_s,
            )
        )

    def send_text(self, request: TextRequest) -> Handed:
        return self._take(
            Sent(
                sid="",
                channel=AlertChannel.SMS,
                to_number=request.to_number,
                body=request.body,
                status_url=request.status_url,
            )
        )

    def stop_ringing(self, provider_sid: str) -> None:
        refuse_inside_transaction("the fake provider")
        with self._changed:
            self.stopped.append(provider_sid)
            self._changed.notify_all()

    def redirect_call(self, provider_sid: str, url: str) -> None:
        refuse_inside_transaction("the fake provider")
        with self._changed:
            self.redirected.append((provider_sid, url))
            self._changed.notify_all()

    def find_recent(self, *, channel: str, to_number: str, since: datetime) -> Sequence[Handed]:
        refuse_inside_transaction("the fake provider")
        with self._changed:
            self.asked.append(to_number)
            self._changed.notify_all()
            if self.lists_fail is not None:
                raise self.lists_fail
            return [
                Handed(provider_sid=sent.sid, status=self.statuses.get(sent.sid, "queued"), body=sent.body)
                for sent in reversed(self.sent)
                if sent.channel == channel and sent.to_number == to_number and self._times[sent.sid] >= since
            ]

    def _take(self, sent: Sent) -> Handed:
        refuse_inside_transaction("the fake provider")
        if sent.to_number in self._held:
            with self._changed:
                self.holding.append(sent.to_number)
                self._changed.notify_all()
            self._held[sent.to_number].wait(WAIT_S)
        with self._changed:
            self.tries += 1
            outcome = self._outcome(sent.to_number)
            if outcome is Outcome.REFUSED:
                raise ProviderRefusedError("it says no", code=self.refusal_code)
            if outcome is Outcome.UNREACHABLE:
                raise ProviderUnavailableError("connection refused", code="unreachable")
            if outcome is Outcome.LOST_ON_THE_WAY:
                raise OutcomeUnknownError("read timed out", code="timeout")
            sid = f"{self._name}-{len(self._times) + 1}"
            self._times[sid] = self._now()
            self.sent.append(
                Sent(
                    sid=sid,
                    channel=sent.channel,
                    to_number=sent.to_number,
                    body=sent.body,
                    status_url=sent.status_url,
                    answer_url=sent.answer_url,
                    ring_s=sent.ring_s,
                )
            )
            self._changed.notify_all()
            if outcome is Outcome.ANSWER_LOST:
                raise OutcomeUnknownError("read timed out", code="timeout")
            return Handed(provider_sid=sid, status="queued")

    def _outcome(self, to_number: str) -> Outcome:
        for script in (self._scripts.get(to_number), self._scripts.get("")):
            if script:
                return script.pop(0)
        return self._mood


class FakeWording:
    """Says the bare facts."""

    def text(self, facts: MessageFacts) -> str:
        said = [
            facts.purpose,
            facts.short_number,
            facts.reason,
            facts.accepted_by,
            facts.tier,
            facts.check,
            facts.link,
            facts.sealed and facts.sealed.fingerprint,
        ]
        return " ".join(str(fact) for fact in said if fact is not None)


class FakeAddresses:
    """Addresses that tell what they are for."""

    def answer(self, delivery_id: str, purpose: str) -> str:
        return f"https://siaga.test/answer/{purpose}/{delivery_id}"

    def status(self, delivery_id: str, channel: str) -> str:
        return f"https://siaga.test/status/{channel}/{delivery_id}"

    def release(self) -> str:
        return "https://siaga.test/release"

    def worker_page(self, token: str) -> str:
        return f"https://siaga.test/w/{token}"

    def survey_page(self, token: str) -> str:
        return f"https://siaga.test/s/{token}"
