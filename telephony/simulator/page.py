"""The page with the phones, and the plain JSON by which a browser or a test uses them.

Decides what of the network is shown. Requests that change something need the header ``X-Requested-With``,
which no other site can send. Never talks to the program's webhooks: only the network does.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.params import Depends
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from telephony.simulator.calls import Call
from telephony.simulator.network import Network, PhoneRefusedError
from telephony.simulator.phones import Phone, spelled
from telephony.simulator.words import WORDS_OF_CODES, Translate, english, indonesian

RESIDENT = "Warga"
"""The role of a phone that is added without one."""

_HERE = Path(__file__).parent
_STATIC = {
    "simulator.css": "text/css",
    "simulator.js": "text/javascript",
    "simulator.svg": "image/svg+xml",
}
_LANGUAGE_COOKIE = "siaga_lang"
"""Set by the other pages when somebody chooses a language; this page follows their choice."""
_WAIT_MAX_S = 5.0
_PROBLEMS_SHOWN = 20
_BODY_MAX_BYTES = 64 * 1024
_CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The JSON body of a request, of which nothing is trusted."""

    fields: Mapping[str, object]

    def text(self, name: str, default: str = "") -> str:
        value = self.fields.get(name, default)
        return value if isinstance(value, str) else default

    def flag(self, name: str) -> bool:
        return self.fields.get(name) is True


_Action = Callable[[Network, Phone, _Asked], Json]


def _dial(network: Network, phone: Phone, asked: _Asked) -> Json:
    return {"call_sid": network.dial(phone, is_withheld=asked.flag("withheld")).sid}


def _answer(network: Network, phone: Phone, _asked: _Asked) -> Json:
    network.answer(phone)
    return {}


def _decline(network: Network, phone: Phone, _asked: _Asked) -> Json:
    network.decline(phone)
    return {}


def _hang_up(network: Network, phone: Phone, _asked: _Asked) -> Json:
    network.hang_up(phone)
    return {}


def _press(network: Network, phone: Phone, asked: _Asked) -> Json:
    return {"heard": network.press(phone, asked.text("keys"))}


def _text(network: Network, phone: Phone, asked: _Asked) -> Json:
    to_number = spelled(asked.text("to")) or None
    return {"message_sid": network.text(phone, asked.text("body"), to_number=to_number).sid}


def _switch_on(network: Network, phone: Phone, _asked: _Asked) -> Json:
    network.switch(phone, is_on=True)
    return {}


def _switch_off(network: Network, phone: Phone, _asked: _Asked) -> Json:
    network.switch(phone, is_on=False)
    return {}


_ACTIONS: dict[str, _Action] = {
    "dial": _dial,
    "answer": _answer,
    "decline": _decline,
    "hang-up": _hang_up,
    "press": _press,
    "text": _text,
    "switch-on": _switch_on,
    "switch-off": _switch_off,
}


def build_page(
    network: Network, *, run_id: str, translate: Translate | None, dependencies: Sequence[Depends]
) -> APIRouter:
    """The router of the page, its JSON and its files.

    ``run_id`` tells one run of the program from the next.
    """
    router = APIRouter(include_in_schema=False)
    guarded = APIRouter(prefix="/simulator", dependencies=dependencies)
    _add_page(guarded, network, translate or indonesian)
    _add_phones(guarded, network, run_id)
    files = APIRouter(prefix="/simulator/static")
    _add_static(files)
    router.include_router(guarded)
    router.include_router(files)
    return router


def _add_page(router: APIRouter, network: Network, translate: Translate) -> None:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("simulator.html")

    @router.get("")
    async def show_page(request: Request) -> Response:
        chosen = request.query_params.get("lang") or request.cookies.get(_LANGUAGE_COOKIE)
        language = "en" if chosen == "en" else "id"
        into = english if language == "en" else translate
        page = template.render(
            _=into,
            language=language,
            service_number=network.settings.service_number,
            words=json.dumps({code: into(text) for code, text in WORDS_OF_CODES.items()}, ensure_ascii=False),
            keys="123456789*0#",
        )
        return HTMLResponse(
            page,
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": _CSP,
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
            },
        )


def _add_phones(router: APIRouter, network: Network, run_id: str) -> None:
    @router.get("/phones")
    async def show_phones(request: Request) -> Response:
        """All phones.

        With ``after`` (a version) and ``wait_s`` the answer waits for the next change, or is 304.
        """
        seen = request.query_params.get("after") or request.headers.get("if-none-match", "").strip('W/"')
        run, _, number = seen.partition("-")
        wait_s = _seconds(request.query_params.get("wait_s", "0"))
        if run == run_id and number.isdigit():
            await network.changes.after(int(number), wait_s)
        version = f"{run_id}-{network.changes.version}"
        headers = {"ETag": f'"{version}"', "Cache-Control": "no-cache"}
        if seen == version:
            return Response(status_code=304, headers=headers)
        return JSONResponse(_network_json(network, version), headers=headers)

    @router.post("/phones")
    async def add_phone(request: Request) -> Response:
        def add(asked: _Asked) -> Json:
            role = asked.text("role") or RESIDENT
            count = sum(phone.role == role for phone in network.switchboard.phones.values())
            phone = network.add_phone(asked.text("label") or f"{role} {count + 1}", role)
            return {"number": phone.number}

        return await _carry_out(request, network, add, created=True)

    @router.post("/phones/{number}/{action}")
    async def use_phone(request: Request, number: str, action: str) -> Response:
        def use(asked: _Asked) -> Json:
            phone = network.switchboard.phones.get(spelled(number))
            if phone is None:
                raise PhoneRefusedError("no_such_phone")
            if action not in _ACTIONS:
                raise PhoneRefusedError("no_such_action")
            return _ACTIONS[action](network, phone, asked)

        return await _carry_out(request, network, use)


def _add_static(router: APIRouter) -> None:
    contents = {name: (_HERE / "static" / name).read_bytes() for name in _STATIC}
    tags = {name: f'"{hashlib.sha256(body).hexdigest()[:16]}"' for name, body in contents.items()}

    @router.get("/{name}")
    async def show_file(request: Request, name: str) -> Response:
        if name not in contents:
            return Response(status_code=404)
        headers = {"ETag": tags[name], "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(contents[name], media_type=_STATIC[name], headers=headers)


async def _carry_out(
    request: Request, network: Network, act: Callable[[_Asked], Json], *, created: bool = False
) -> Response:
    """Check where a request comes from, read its body, act, and answer in JSON either way."""
    if not _is_from_here(request, network):
        return _refusal("not_from_here", 403)
    body = await request.body()
    try:
        fields = json.loads(body) if body else {}
    except ValueError:
        return _refusal("bad_request", 400)
    if not isinstance(fields, dict) or len(body) > _BODY_MAX_BYTES:
        return _refusal("bad_request", 400)
    try:
        done = act(_Asked(fields))
    except PhoneRefusedError as refusal:
        return _refusal(refusal.code, 404 if refusal.code.startswith("no_such_phone") else 409)
    return JSONResponse(done, status_code=201 if created else 200)


def _is_from_here(request: Request, network: Network) -> bool:
    """Our own header, which a foreign page cannot set, and no foreign origin."""
    if "x-requested-with" not in request.headers:
        return False
    origin = request.headers.get("origin")
    here = {request.headers.get("host", ""), urlsplit(network.settings.origin).netloc}
    return origin is None or urlsplit(origin).netloc in here


def _refusal(code: str, status: int) -> Response:
    """A problem document (RFC 9457) with a code for programs."""
    words = WORDS_OF_CODES.get(f"refused.{code}", "Refused.")
    return JSONResponse(
        {"type": "about:blank", "title": words, "status": status, "code": code},
        status_code=status,
        media_type="application/problem+json",
    )


def _network_json(network: Network, version: str) -> Json:
    switchboard = network.switchboard
    return {
        "version": version,
        "service_number": network.settings.service_number,
        "phones": [
            _phone_json(phone, switchboard.calls.get(phone.call_sid or ""))
            for phone in switchboard.phones.values()
        ],
        "connections": _connections(network),
        "problems": [
            {
                "code": problem.code,
                "url": problem.url,
                "reason": problem.reason,
                "at": _at(problem.noticed_at),
            }
            for problem in list(network.problems.noticed)[-_PROBLEMS_SHOWN:]
        ],
    }


def _phone_json(phone: Phone, call: Call | None) -> Json:
    peer = None
    if call is not None:
        peer = call.to_number if call.to_number != phone.number else call.from_number
    return {
        "number": phone.number,
        "label": phone.label,
        "role": phone.role,
        "is_on": phone.is_on,
        "state": phone.state.value,
        "call_sid": phone.call_sid,
        "peer": peer,
        "with": [partner.label for partner in call.partners] if call is not None else [],
        "transcript": [
            {
                "position": line.position,
                "call_sid": line.call_sid,
                "kind": line.kind.value,
                "text": line.text,
                "at": _at(line.heard_at),
            }
            for line in phone.lines
        ],
        "texts": [
            {
                "position": text.position,
                "sid": text.sid,
                "way": "in" if text.is_incoming else "out",
                "peer": text.peer,
                "body": text.body,
                "status": text.status,
                "at": _at(text.sent_at),
            }
            for text in phone.texts
        ],
    }


def _connections(network: Network) -> list[list[str]]:
    """Groups of people who hear each other, each once."""
    groups: dict[frozenset[str], list[str]] = {}
    for call in network.switchboard.calls.values():
        if call.partners and not call.is_over:
            legs = (call, *call.partners)
            groups.setdefault(frozenset(leg.sid for leg in legs), [leg.label for leg in legs])
    return list(groups.values())


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")


def _seconds(text: str) -> float:
    try:
        return min(_WAIT_MAX_S, max(0.0, float(text)))
    except ValueError:
        return 0.0
