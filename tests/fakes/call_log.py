"""The log that a telephone company keeps of what came to our number, whether or not we heard of it."""

from collections.abc import Sequence
from datetime import datetime

from dispatch.ports import CallDetails, LoggedCall, LoggedText
from models.unit_of_work import refuse_inside_transaction


class FakeCallLog:
    """Keeps what a test says came in, and reads it out as the port wants it."""

    def __init__(self) -> None:
        self.calls_in: list[LoggedCall] = []
        self.texts_in: list[LoggedText] = []
        self.details: dict[str, CallDetails] = {}
        self.log_fails: Exception | None = None
        self.details_fail: dict[str, Exception] = {}
        self.dies_over: str | None = None
        """The process is interrupted when it asks about this call."""
        self.asked_about: list[str] = []
        self.read_since: list[datetime] = []

    def calls_received(self, *, since: datetime) -> Sequence[LoggedCall]:
        self._opened()
        self.read_since.append(since)
        found = [call for call in self.calls_in if call.began_at >= since.replace(microsecond=0)]
        return sorted(found, key=lambda call: call.began_at)

    def texts_received(self, *, since: datetime) -> Sequence[LoggedText]:
        self._opened()
        found = [text for text in self.texts_in if text.received_at >= since.replace(microsecond=0)]
        return sorted(found, key=lambda text: text.received_at)

    def details_of(self, provider_sid: str) -> CallDetails:
        self._opened()
        self.asked_about.append(provider_sid)
        if provider_sid == self.dies_over:
            raise KeyboardInterrupt
        if provider_sid in self.details_fail:
            raise self.details_fail[provider_sid]
        return self.details.get(provider_sid, CallDetails())

    def _opened(self) -> None:
        refuse_inside_transaction("the fake provider")
        if self.log_fails is not None:
            raise self.log_fails
