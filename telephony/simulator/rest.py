"""The provider's REST API as the official client speaks it, at ``/simulator/api`` (PEERS 1, TESTBED 1.3).

Decides which requests Twilio would refuse, and with which code. What becomes of an accepted one is the
network's.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from telephony.simulator.calls import STATUS_EVENTS, Call, CallbackPlan, CallStatus, Fallback
from telephony.simulator.network import BODY_MAX, CallOrder, Network
from telephony.simulator.rest_shapes import (
    RestRefusedError,
    account_json,
    call_json,
    list_json,
    message_json,
    recording_json,
    silence,
)
from telephony.simulator.texting import VALIDITY_DEFAULT_S, TextMessage

T = TypeVar("T")

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TWIML_MAX = 4000
_RING_DEFAULT_S = 60
_ACCOUNT = "/simulator/api/2010-04-01/Accounts/{account_sid}"


class _TwilioRoute(APIRoute):
    """Refusals leave in the provider's shape, whatever the program around does with exceptions."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        serve = super().get_route_handler()

        async def serve_or_refuse(request: Request) -> Response:
            try:
                return await serve(request)
            except RestRefusedError as refusal:
                return JSONResponse(refusal.as_json(), status_code=refusal.http_status)

        return serve_or_refuse


@dataclass(frozen=True, slots=True)
class _Asked:
    """The form of a request, with repeated fields."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        return self.fields.get(name, [""])[-1].strip()

    def every(self, name: str) -> list[str]:
        return [part for value in self.fields.get(name, []) for part in value.split()]

    def seconds(self, name: str, default: int) -> int:
        value = self.one(name)
        return int(value) if value.isdigit() else default

    def callback_url(self, name: str, code: int) -> str:
        value = self.one(name)
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise RestRefusedError(code, value)
        return value


async def _asked(request: Request) -> _Asked:
    form = await request.form()
    return _Asked({name: [str(value) for value in form.getlist(name)] for name in form})


def build_rest(network: Network) -> APIRouter:
    """The router of the facade; every route asks for the account's SID and token by HTTP Basic."""
    router = APIRouter(prefix=_ACCOUNT, route_class=_TwilioRoute, include_in_schema=False)
    _add_calls(router, network)
    _add_messages(router, network)
    _add_account(router, network)
    return router


def _add_calls(router: APIRouter, network: Network) -> None:
    account_sid = network.settings.account_sid

    @router.post("/Calls.json")
    async def create_call(request: Request) -> Response:
        _authorise(request, network)
        call = network.place(_call_order(await _asked(request), network))
        return JSONResponse(call_json(call, account_sid), status_code=201)

    @router.post("/Calls/{call_sid}.json")
    async def update_call(request: Request, call_sid: str) -> Response:
        _authorise(request, network)
        call = _found(network.switchboard.calls.get(call_sid), request)
        await _update(network, call, await _asked(request))
        return JSONResponse(call_json(call, account_sid))

    @router.get("/Calls/{call_sid}.json")
    async def fetch_call(request: Request, call_sid: str) -> Response:
        _authorise(request, network)
        call = _found(network.switchboard.calls.get(call_sid), request)
        return JSONResponse(call_json(call, account_sid))

    @router.get("/Calls/{call_sid}/Recordings.json")
    async def list_recordings(request: Request, call_sid: str) -> Response:
        _authorise(request, network)
        _found(network.switchboard.calls.get(call_sid), request)
        chosen = [
            recording_json(sid, recording, account_sid)
            for sid, recording in reversed(network.switchboard.recordings.items())
            if recording.call_sid == call_sid
        ]
        asked = dict(request.query_params)
        under = f"/Calls/{call_sid}"
        return JSONResponse(
            list_json("recordings", chosen, account_sid=account_sid, asked=asked, under=under)
        )

    @router.get("/Calls.json")
    async def list_calls(request: Request) -> Response:
        _authorise(request, network)
        asked = dict(request.query_params)
        chosen = [
            call_json(call, account_sid)
            for call in reversed(network.switchboard.calls.values())
            if _is_call_asked_for(call, asked)
        ]
        return JSONResponse(list_json("calls", chosen, account_sid=account_sid, asked=asked))


def _add_messages(router: APIRouter, network: Network) -> None:
    account_sid = network.settings.account_sid

    @router.post("/Messages.json")
    async def create_message(request: Request) -> Response:
        _authorise(request, network)
        message = _send(network, await _asked(request))
        return JSONResponse(message_json(message, account_sid), status_code=201)

    @router.get("/Messages/{message_sid}.json")
    async def fetch_message(request: Request, message_sid: str) -> Response:
        _authorise(request, network)
        message = _found(network.texting.messages.get(message_sid), request)
        return JSONResponse(message_json(message, account_sid))

    @router.get("/Messages.json")
    async def list_messages(request: Request) -> Response:
        _authorise(request, network)
        asked = dict(request.query_params)
        chosen = [
            message_json(message, account_sid)
            for message in reversed(network.texting.messages.values())
            if _is_message_asked_for(message, asked)
        ]
        return JSONResponse(list_json("messages", chosen, account_sid=account_sid, asked=asked))


def _add_account(router: APIRouter, network: Network) -> None:
    @router.get(".json")
    async def fetch_account(request: Request) -> Response:
        _authorise(request, network)
        return JSONResponse(account_json(network.settings.account_sid))

    @router.get("/Recordings/{name}")
    async def fetch_recording(request: Request, name: str) -> Response:
        """The sound itself; as with the provider, whoever knows the address may hear it."""
        recording = _found(network.switchboard.recordings.get(name.partition(".")[0]), request)
        return Response(silence(recording.length_s), media_type="audio/wav")


def _authorise(request: Request, network: Network) -> None:
    """HTTP Basic with the account's SID and token, and the same account in the path."""
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        given = b""
    settings = network.settings
    wanted = f"{settings.account_sid}:{settings.auth_token}".encode()
    if not hmac.compare_digest(given, wanted):
        raise RestRefusedError(20003, http_status=401)
    if request.path_params["account_sid"] != settings.account_sid:
        raise RestRefusedError(20404, request.url.path, http_status=404)


def _found(thing: T | None, request: Request) -> T:
    if thing is None:
        raise RestRefusedError(20404, request.url.path, http_status=404)
    return thing


def _call_order(asked: _Asked, network: Network) -> CallOrder:
    to_number, from_number = asked.one("To"), asked.one("From")
    if not to_number:
        raise RestRefusedError(21201)
    if not from_number:
        raise RestRefusedError(21213)
    if not _E164.fullmatch(to_number):
        raise RestRefusedError(21211, to_number)
    if from_number != network.settings.service_number:
        raise RestRefusedError(21210, from_number)
    url, document = _document_asked_for(asked)
    if url is None and document is None:
        raise RestRefusedError(21205)
    fallback_url = asked.callback_url("FallbackUrl", 21205)
    return CallOrder(
        to_number=to_number,
        from_number=from_number,
        url=url,
        method=asked.one("Method") or "POST",
        document=document,
        plan=_callback_plan(asked),
        fallback=Fallback(url=fallback_url, method=asked.one("FallbackMethod") or "POST")
        if fallback_url
        else None,
        timeout_s=min(600, asked.seconds("Timeout", _RING_DEFAULT_S)),
    )


def _document_asked_for(asked: _Asked) -> tuple[str | None, str | None]:
    """The address or the document itself; Twilio prefers the address when both are given."""
    url, document = asked.callback_url("Url", 21205), asked.one("Twiml")
    if len(document) > _TWIML_MAX:
        raise RestRefusedError(32018)
    return (url or None), (document or None)


def _callback_plan(asked: _Asked) -> CallbackPlan | None:
    url = asked.callback_url("StatusCallback", 21609)
    if not url:
        return None
    events = frozenset(asked.every("StatusCallbackEvent")) or frozenset({"completed"})
    if unknown := events - STATUS_EVENTS:
        raise RestRefusedError(21218, ", ".join(sorted(unknown)))
    return CallbackPlan(url=url, method=asked.one("StatusCallbackMethod") or "POST", events=events)


async def _update(network: Network, call: Call, asked: _Asked) -> None:
    status = asked.one("Status")
    if status and status not in {"completed", "canceled"}:
        raise RestRefusedError(21218, status)
    url, document = _document_asked_for(asked)
    if status == "completed" or (status == "canceled" and call.answered_at is None):
        network.end(call)
    elif url is not None or document is not None:
        if call.status is not CallStatus.IN_PROGRESS:
            raise RestRefusedError(21220, call.status.value)
        await network.redirect(call, url=url, method=asked.one("Method") or "POST", document=document)


def _send(network: Network, asked: _Asked) -> TextMessage:
    to_number, from_number, body = asked.one("To"), asked.one("From"), asked.one("Body")
    if not to_number:
        raise RestRefusedError(21604)
    if not from_number:
        raise RestRefusedError(21603)
    if not _E164.fullmatch(to_number):
        raise RestRefusedError(21211, to_number)
    if from_number != network.settings.service_number:
        raise RestRefusedError(21606, from_number)
    if not body:
        raise RestRefusedError(21602)
    if len(body) > BODY_MAX:
        raise RestRefusedError(21617)
    return network.texting.send(
        to_number=to_number,
        from_number=from_number,
        body=body,
        status_url=asked.callback_url("StatusCallback", 21609),
        validity_s=asked.seconds("ValidityPeriod", int(VALIDITY_DEFAULT_S)),
    )


def _is_call_asked_for(call: Call, asked: Mapping[str, str]) -> bool:
    exact = {
        "To": call.to_number,
        "From": call.from_number,
        "Status": call.status.value,
        "ParentCallSid": call.parent_sid,
    }
    if any(name in asked and asked[name] != value for name, value in exact.items()):
        return False
    return _is_within(
        "StartTime", call.answered_at or call.ended_at or call.created_at, asked
    ) and _is_within("EndTime", call.ended_at, asked)


def _is_message_asked_for(message: TextMessage, asked: Mapping[str, str]) -> bool:
    exact = {"To": message.to_number, "From": message.from_number}
    if any(name in asked and asked[name] != value for name, value in exact.items()):
        return False
    return _is_within("DateSent", message.sent_at or message.created_at, asked)


def _is_within(name: str, instant: datetime | None, asked: Mapping[str, str]) -> bool:
    """Filters ``Name>=``, ``Name<=`` and ``Name=``: an instant, or a day in UTC."""
    bounds: Iterable[tuple[str, str]] = (
        (key[len(name) :], asked[key]) for key in asked if key.startswith(name)
    )
    for sign, value in bounds:
        if instant is None:
            return False
        begins_at, ends_at = _span(value)
        if sign in {">", ">="} and instant < begins_at:
            return False
        if sign in {"<", "<="} and instant >= ends_at:
            return False
        if sign == "" and not begins_at <= instant < ends_at:
            return False
    return True


def _span(value: str) -> tuple[datetime, datetime]:
    """From when until when a filter's value lasts: a day, or one second."""
    try:
        if len(value) == len("2026-11-23"):
            begins_at = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
            return begins_at, begins_at + timedelta(days=1)
        begins_at = datetime.fromisoformat(value)
    except ValueError:
        raise RestRefusedError(20404, value, http_status=400) from None
    begins_at = begins_at if begins_at.tzinfo else begins_at.replace(tzinfo=UTC)
    return begins_at, begins_at + timedelta(seconds=1)
