"""Calls and texts through Twilio, or through any service that speaks its dialect.

The official client with timeouts of its own, each for a whole answer, and without its retries: whether to try
again is the outbox's decision alone (TESTBED 1.3). Every failure becomes one of the three errors of
``dispatch.ports``: not processed, refused, or unknown.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.base.page import Page
from twilio.rest import Client
from twilio.rest.api.v2010.account.call.recording import RecordingInstance
from urllib3 import exceptions

from dispatch.ports import (
    CallDetails,
    CallRequest,
    Handed,
    LoggedCall,
    LoggedRecording,
    LoggedText,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
    TextRequest,
)
from models.unit_of_work import refuse_inside_transaction
from telephony.timed_http import NoWayError, TimedHttp

CONNECT_TIMEOUT_S = 3.0
_POOL = 32
_CALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
_SERVER_ERROR = 500
_TOO_MANY = 429
_AUTHENTICATION = frozenset({401, 403, 407})
"""407: the proxy of this machine wants to know who we are, and has passed nothing on."""

_NO_ENVIRONMENT = {"": ""}
"""Holds no variable, but is not empty: for an empty one the client takes this machine's environment."""

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""What the client raises for an answer that is no JSON, or JSON of another shape."""

_PAGE = 200
"""Entries of the log in one request."""

_MOST_PAGES = 250
"""Fifty thousand entries: a day with a call in every two seconds. More is no log of a health centre."""

_READS_FOR_S = 120.0
"""For all pages together; each has its own time as well."""

_RECENT = 20
"""Of our own calls to one number, far more than two attempts make."""

T = TypeVar("T")


class TwilioProvider:
    """One account at Twilio, or at a compatible service behind *api_url*."""

    carries_voice = True
    carries_text = True

    def __init__(
        self,
        *,
        name: str,
        account_sid: str,
        auth_token: str,
        number: str,
        api_url: str,
        read_timeout_s: float,
    ) -> None:
        """Prepare a client; nothing is sent yet. *number* is the service's own, in E.164."""
        self.name = name
        self._number = number
        http = TimedHttp(api_url, connect_s=CONNECT_TIMEOUT_S, read_s=read_timeout_s, connections=_POOL)
        # The client must not pick up another account, edge or region from TWILIO_… variables.
        self._client = Client(account_sid, auth_token, http_client=http, environment=_NO_ENVIRONMENT)
        self._client.api.base_url = api_url

    def place_call(self, request: CallRequest) -> Handed:
        """Ask for a call that fetches its document from ``answer_url`` once it is answered."""
        call = self._attempt(
            lambda: self._client.calls.create(
                to=request.to_number,
                from_=self._number,
                url=request.answer_url,
                method="POST",
                status_callback=request.status_url,
                status_callback_method="POST",
                status_callback_event=_CALL_EVENTS,
                timeout=request.ring_s,
            )
        )
        return self._handed(call.sid, call.status)

    def send_text(self, request: TextRequest) -> Handed:
        """Ask for a text that the network drops once it is too old to help."""
        message = self._attempt(
            lambda: self._client.messages.create(
                to=request.to_number,
                from_=self._number,
                body=request.body,
                status_callback=request.status_url,
                validity_period=request.valid_s,
            )
        )
        return self._handed(message.sid, message.status)

    def stop_ringing(self, provider_sid: str) -> None:
        """Cancel a call that is queued or ringing; an answered one is left alone by the provider."""
        self._ignoring_the_past(lambda: self._client.calls(provider_sid).update(status="canceled"))

    def redirect_call(self, provider_sid: str, url: str) -> None:
        """Let a call that is going on continue with the document at *url*."""
        self._ignoring_the_past(lambda: self._client.calls(provider_sid).update(url=url, method="POST"))

    def find_recent(self, *, channel: str, to_number: str, since: datetime) -> Sequence[Handed]:
        """Our own calls or texts to *to_number* since *since*, newest first."""
        if channel == "voice":
            found = self._attempt(
                lambda: _first(self._client.calls.page(to=to_number, page_size=_RECENT), _RECENT)
            )
        else:
            found = self._attempt(
                lambda: _first(self._client.messages.page(to=to_number, page_size=_RECENT), _RECENT)
            )
        return [
            Handed(
                provider_sid=str(item.sid),
                status=str(item.status),
                body=str(getattr(item, "body", None) or ""),
            )
            for item in found
            # Legs to the same phone that the fallback document dialled are not requests of ours.
            if str(item.direction or "outbound-api") == "outbound-api"
            and (item.date_created is None or item.date_created >= since.replace(microsecond=0))
        ]

    def calls_received(self, *, since: datetime) -> Sequence[LoggedCall]:
        """What called our number since *since*.

        The log filters by whole days of the start, which is never before the instant of creation; the rest
        is done here.
        """
        day = f"{since:%Y-%m-%d}"
        found = self._attempt(
            lambda: _since(
                self._all(self._client.calls.page(to=self._number, start_time_after=day, page_size=_PAGE)),
                since,
                lambda call: call.date_created or call.start_time,
            )
        )
        return [
            LoggedCall(
                provider_sid=str(call.sid),
                from_number=str(call._from or ""),  # noqa: SLF001 - so the client names a call's "from"
                began_at=began_at,
                ended_at=call.end_time,
                status=str(call.status),
                duration_s=int(call.duration or 0),
            )
            for call, began_at in found
            if call.direction == "inbound"
        ]

    def texts_received(self, *, since: datetime) -> Sequence[LoggedText]:
        """What was texted to our number since *since*."""
        day = f"{since:%Y-%m-%d}"
        found = self._attempt(
            lambda: _since(
                self._all(self._client.messages.page(to=self._number, date_sent_after=day, page_size=_PAGE)),
                since,
                lambda message: message.date_created or message.date_sent,
            )
        )
        return [
            LoggedText(
                provider_sid=str(message.sid),
                from_number=str(message.from_ or ""),
                body=str(message.body or ""),
                received_at=received_at,
            )
            for message, received_at in found
            if message.direction == "inbound"
        ]

    def details_of(self, provider_sid: str) -> CallDetails:
        """The first of the legs that a call was put through to and that somebody picked up; recordings."""
        legs = self._attempt(
            lambda: _first(self._client.calls.page(parent_call_sid=provider_sid, page_size=_PAGE), _PAGE)
        )
        talked = [
            (leg.start_time, str(leg.to))
            for leg in legs
            # A compatible service may not know the filter.
            if leg.parent_call_sid == provider_sid
            and leg.start_time is not None
            and (leg.status == "in-progress" or int(leg.duration or 0) > 0)
        ]
        picked_up_at, picked_up_by = min(talked, default=(None, None))
        return CallDetails(
            picked_up_by=picked_up_by,
            picked_up_at=picked_up_at,
            recordings=[
                LoggedRecording(recording_sid=str(each.sid), duration_s=int(each.duration or 0))
                for each in self._recordings_of(provider_sid)
            ],
        )

    def _recordings_of(self, provider_sid: str) -> Sequence[RecordingInstance]:
        try:
            return self._attempt(
                lambda: _first(self._client.calls(provider_sid).recordings.page(page_size=_PAGE), _PAGE)
            )
        except ProviderRefusedError:
            # A compatible service may keep none; a call is not to be lost for that.
            return []

    def _all(self, page: Page | None) -> Iterator[Any]:
        """What stands on *page* and on all that follow it.

        Raises:
            OutcomeUnknownError: they lead back to themselves, or there is no end of them.
        """
        until_s, seen = time.monotonic() + _READS_FOR_S, set[str]()
        while page is not None:
            yield from page
            following = page.next_page_url
            if following in seen or len(seen) >= _MOST_PAGES or time.monotonic() > until_s:
                raise OutcomeUnknownError(f"{self.name}: the log has no end", code="log_without_end")
            if following is not None:
                seen.add(following)
            page = page.next_page()

    def _handed(self, sid: str | None, status: str | None) -> Handed:
        if not sid:
            raise OutcomeUnknownError(f"{self.name}: an answer without identifier", code="unreadable")
        return Handed(provider_sid=sid, status=str(status or "queued"))

    def _ignoring_the_past(self, request: Callable[[], object]) -> None:
        try:
            self._attempt(request)
        except ProviderRefusedError:
            # The call is over or answered already: what was wanted is so.
            return

    def _attempt(self, request: Callable[[], T]) -> T:
        refuse_inside_transaction(f"the provider {self.name}")
        try:
            return request()
        except (TwilioRestException, TwilioServiceException) as error:
            raise self._refusal(int(error.status), str(error.code or error.status)) from error
        except (exceptions.NewConnectionError, NoWayError) as error:
            raise ProviderUnavailableError(f"{self.name}: no connection", code="connect") from error
        except exceptions.ConnectTimeoutError as error:
            raise ProviderUnavailableError(f"{self.name}: no connection", code="connect_timeout") from error
        except (exceptions.ProtocolError, exceptions.ProxyError, exceptions.SSLError, OSError) as error:
            if _never_left(error):
                raise ProviderUnavailableError(f"{self.name}: no connection", code="connect") from error
            raise OutcomeUnknownError(f"{self.name}: connection lost", code="connection_lost") from error
        except (exceptions.HTTPError, TwilioException) as error:
            raise OutcomeUnknownError(f"{self.name}: no answer", code="timeout") from error
        except _UNREADABLE as error:
            raise OutcomeUnknownError(f"{self.name}: an unreadable answer", code="unreadable") from error

    def _refusal(self, status: int, code: str) -> TelephonyError:
        """What an error of HTTP *status* with the provider's *code* means for the request."""
        if status == _TOO_MANY or status in _AUTHENTICATION:
            return ProviderUnavailableError(f"{self.name}: not processed", code=code)
        if status >= _SERVER_ERROR:
            return OutcomeUnknownError(f"{self.name}: server error", code=code)
        return ProviderRefusedError(f"{self.name}: refused", code=code)


def _never_left(error: Exception) -> bool:
    """Whether the request was certainly not said to anybody.

    There was no connection, to the proxy either; the proxy would not connect us; or whoever was there could
    not show that they are who was asked for.
    """
    cause = error.original_error if isinstance(error, exceptions.ProxyError) else error
    if isinstance(cause, exceptions.SSLError):
        cause = next(iter(cause.args), cause)
    if isinstance(cause, exceptions.ConnectTimeoutError | ssl.SSLCertVerificationError):
        return True
    # The library has no other word for it (``http.client``).
    return isinstance(error, exceptions.ProxyError) and str(cause).startswith("Tunnel connection failed")


def _first(page: Page, most: int) -> list[Any]:
    """What stands on one page; the library would go on to those that follow, for ever if they lead there."""
    return list(islice(page, most))


def _since(
    newest_first: Iterable[T], since: datetime, at: Callable[[T], datetime | None]
) -> list[tuple[T, datetime]]:
    """The entries from *since* on, oldest first.

    The log is sorted newest first, but by which of its times is not promised: reading ends only when a whole
    page brought nothing of interest.
    """
    # The log knows whole seconds: what began within the second of *since* counts as since then.
    from_at = since.replace(microsecond=0)
    found: list[tuple[T, datetime]] = []
    older = 0
    for entry in newest_first:
        entry_at = at(entry)
        if entry_at is not None and entry_at >= from_at:
            found.append((entry, entry_at))
            older = 0
        else:
            older += 1
        if older == _PAGE:
            break
    found.reverse()  # Before sorting, so that what came within one second keeps its order.
    return sorted(found, key=lambda dated: dated[1])
