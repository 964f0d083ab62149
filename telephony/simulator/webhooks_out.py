"""Requests from the network to the program's webhooks: signed, form-encoded, over HTTP (TESTBED 2.1, 2.2).

Decides when a request counts as failed and which of Twilio's error codes that is. Never reads what the answer
means: that is for ``twiml_reader``.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlencode, urljoin, urlsplit, urlunsplit

import httpx
from twilio.request_validator import RequestValidator

from telephony.simulator.settings import NewId

_CEILING_S = 15.0
_CONNECT_S = 5.0
_REDIRECTS_MAX = 5
_TWIML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})

Params = Mapping[str, str]
ReportProblem = Callable[[int, str, str], None]
"""Notes a fault of the program as Twilio's debugger would: error code, address, what happened."""


class WebhookFailedError(Exception):
    """A document could not be had; ``code`` is Twilio's error code."""

    def __init__(self, code: int, url: str, reason: str) -> None:
        super().__init__(f"{code} {url}: {reason}")
        self.code = code
        self.url = url
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a webhook answered.

    ``url`` is where it finally came from, and relative addresses start from there.
    """

    url: str
    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Connection overrides of one address: its fragment ``#rc=2&ct=2000&rt=6000&tt=15000&rp=ct,rt,5xx``."""

    connect_s: float = _CONNECT_S
    read_s: float = _CEILING_S
    total_s: float = _CEILING_S
    retries: int = 1
    retried: frozenset[str] = frozenset({"ct"})

    def retries_after(self, cause: str) -> bool:
        return "all" in self.retried or cause in self.retried


def _limits_of(fragment: str) -> _Limits:
    given = {name: values[-1] for name, values in parse_qs(fragment).items()}

    def milliseconds(name: str, default_s: float) -> float:
        value = given.get(name, "")
        return min(_CEILING_S, int(value) / 1000) if value.isdigit() else default_s

    retries = given.get("rc", "")
    return _Limits(
        connect_s=milliseconds("ct", _CONNECT_S),
        read_s=milliseconds("rt", _CEILING_S),
        total_s=milliseconds("tt", _CEILING_S),
        retries=min(5, int(retries)) if retries.isdigit() else 1,
        retried=frozenset(given["rp"].split(",")) if "rp" in given else frozenset({"ct"}),
    )


def resolved(base: str | None, reference: str) -> str:
    """An address as seen from the document that names it.

    A document without address allows absolute ones only.
    """
    if base is not None:
        return urljoin(base, reference)
    if not urlsplit(reference).netloc:
        raise WebhookFailedError(11100, reference, "a relative address in a document that has none itself")
    return reference


class WebhookSender:
    """Signs and sends. One per network; safe for any number of requests at once."""

    def __init__(
        self, *, client: httpx.AsyncClient, auth_token: str, new_id: NewId, report: ReportProblem
    ) -> None:
        self._client = client
        self._signer = RequestValidator(auth_token)
        self._new_id = new_id
        self._report = report

    async def fetch(self, url: str, params: Params, *, method: str = "POST") -> Answer:
        """Ask for a document; raises ``WebhookFailedError`` when there is none to be had."""
        answer = await self._send(url, params, method=method)
        if not 200 <= answer.status < 300:
            raise WebhookFailedError(11200, answer.url, f"answered {answer.status}")
        if answer.body and answer.content_type not in _TWIML_TYPES:
            raise WebhookFailedError(12300, answer.url, f"Content-Type is {answer.content_type or 'missing'}")
        return answer

    async def notify(self, url: str, params: Params, *, method: str = "POST") -> None:
        """Report a state. What is answered does not matter; a failure is noted and nothing else happens."""
        try:
            answer = await self._send(url, params, method=method)
        except WebhookFailedError as fault:
            self._report(fault.code, fault.url, fault.reason)
            return
        if not 200 <= answer.status < 300:
            self._report(11200, answer.url, f"answered {answer.status}")

    async def _send(self, url: str, params: Params, *, method: str) -> Answer:
        """One request with its retries, within the ceiling that no override can lift."""
        address, fragment = urldefrag(url)
        if urlsplit(address).scheme not in {"http", "https"}:
            raise WebhookFailedError(11100, address, "not an http or https address")
        limits = _limits_of(fragment)
        token = self._new_id()
        try:
            async with asyncio.timeout(limits.total_s):
                return await self._attempts(address, params, method=method, limits=limits, token=token)
        except TimeoutError:
            raise WebhookFailedError(11205, address, f"no answer within {limits.total_s:g} s") from None

    async def _attempts(
        self, url: str, params: Params, *, method: str, limits: _Limits, token: str
    ) -> Answer:
        left = limits.retries
        while True:
            try:
                answer = await self._once(url, params, method=method, limits=limits, token=token)
                cause = f"{answer.status // 100}xx"
                if answer.status < 400 or left <= 0 or not limits.retries_after(cause):
                    return answer
            except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                if left <= 0 or not limits.retries_after("ct"):
                    raise WebhookFailedError(11205, url, f"cannot connect: {fault}") from fault
            except httpx.ReadTimeout as fault:
                if left <= 0 or not limits.retries_after("rt"):
                    raise WebhookFailedError(11200, url, "no answer in time") from fault
            except (httpx.HTTPError, httpx.InvalidURL) as fault:
                raise WebhookFailedError(11200, url, f"{type(fault).__name__}: {fault}") from fault
            left -= 1

    async def _once(self, url: str, params: Params, *, method: str, limits: _Limits, token: str) -> Answer:
        """One attempt; 301 to 303 go on as GET without the parameters, as Twilio does (TESTBED 2.1)."""
        sent: Params = params
        for _ in range(_REDIRECTS_MAX):
            if method == "GET":
                url, sent = _with_query(url, sent), {}
            response = await self._client.request(
                method,
                url,
                data=dict(sent) if method == "POST" else None,
                headers={
                    "X-Twilio-Signature": self._signer.compute_signature(url, dict(sent)),
                    "I-Twilio-Idempotency-Token": token,
                    "User-Agent": "TwilioProxy/1.1",
                    "Accept": "*/*",
                },
                timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s),
            )
            target = response.headers.get("location", "")
            if not response.is_redirect or not target:
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Answer(url=url, status=response.status_code, content_type=kind, body=response.content)
            url = urljoin(url, target)
            if response.status_code in {301, 302, 303}:
                method, sent = "GET", {}
        raise WebhookFailedError(11200, url, "redirected too often")


def _with_query(url: str, params: Params) -> str:
    if not params:
        return url
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(params)) if part)
    return urlunsplit(parts._replace(query=query))
