"""The provider's REST API as the official client finds it, over real HTTP."""

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from telephony.simulator.build import build_simulator
from tests.fakes.scripted_program import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CALLER,
    NURSE,
    SERVICE,
    TOWN,
    ScriptedProgram,
    Seen,
    seen_of,
    town,
)
from tests.fakes.virtual_time import in_virtual_time


class WallClock:
    """Real time, for the one place where real sockets are used."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Served:
    """A running town: its address, the program in it, and the official client."""

    base: str
    program: ScriptedProgram
    client: Client

    def wait_for(self, number: str, what: str, test: Callable[[Seen], bool]) -> None:
        """Follow the page until a phone passes a test."""
        version = ""
        for _ in range(30):
            answer = httpx.get(f"{self.base}/simulator/phones", params={"after": version, "wait_s": 5})
            if answer.status_code == 200:
                version = answer.json()["version"]
                if test(seen_of(answer.json(), number)):
                    return
        raise AssertionError(f"{number} was never seen {what}")

    def becomes(self, number: str, state: str) -> None:
        self.wait_for(number, state, lambda seen: seen.state == state)

    def use(self, number: str, action: str, **fields: str) -> None:
        answer = httpx.post(
            f"{self.base}/simulator/phones/{number}/{action}",
            json=fields,
            headers={"X-Requested-With": "test"},
        )
        assert answer.status_code == 200, answer.text


class ReadyServer(uvicorn.Server):
    """Says when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()


def town_app(base: str, program: ScriptedProgram) -> FastAPI:
    """The simulator and the scripted program in one web app, calling each other through sockets."""
    settings = replace(
        TOWN,
        origin=base,
        voice_url=f"{base}/voice",
        voice_status_url=f"{base}/voice/status",
        sms_url=f"{base}/sms",
        speech_factor=0.01,
        time_factor=0.05,
    )
    simulator = build_simulator(settings, clock=WallClock())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await simulator.start()
        yield
        await simulator.stop()

    app = FastAPI(lifespan=lifespan)
    app.include_router(simulator.router)
    app.mount("/", program.app())
    return app


@pytest.fixture
def served() -> Iterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    program = ScriptedProgram()
    server = ReadyServer(uvicorn.Config(town_app(base, program), log_config=None, loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.ready.wait(10)
    client = Client(ACCOUNT_SID, AUTH_TOKEN)
    client.api.base_url = f"{base}/simulator/api"
    try:
        yield Served(base, program, client)
    finally:
        client.http_client.session.close()
        server.should_exit = True
        thread.join()
        listener.close()
    assert [request.path for request in program.received if not request.is_signed] == []


def test_the_official_client_places_follows_and_lists_a_call(served: Served) -> None:
    served.program.on(
        "/alert", '<Gather numDigits="1" timeout="100" action="/answer"><Say>Tekan satu</Say></Gather>'
    )
    served.program.on("/answer", "<Say>Terima kasih</Say>")
    call = served.client.calls.create(
        to=NURSE,
        from_=SERVICE,
        url=f"{served.base}/alert?incident=7&as=N01",
        status_callback=f"{served.base}/status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        timeout=60,
    )
    assert (call.status, call.direction, call.to) == ("queued", "outbound-api", NURSE)
    served.becomes(NURSE, "ringing")
    served.use(NURSE, "answer")
    served.wait_for(NURSE, "asked", lambda seen: "Tekan satu" in seen.heard)
    served.use(NURSE, "press", keys="1")
    served.becomes(NURSE, "idle")
    ended = served.client.calls(call.sid).fetch()
    assert (ended.status, ended.sid) == ("completed", call.sid)
    assert ended.end_time is not None
    assert ended.end_time.tzinfo is not None
    since = datetime.now(UTC) - timedelta(minutes=5)
    listed = served.client.calls.list(to=NURSE, start_time_after=since)
    assert [found.sid for found in listed] == [call.sid]
    assert served.client.calls.list(start_time_after=datetime.now(UTC) + timedelta(hours=1)) == []


def test_the_official_client_redirects_and_ends_calls(served: Served) -> None:
    served.program.on("/voice", '<Pause length="3600"/>')
    served.program.on("/next", '<Say>Halo</Say><Pause length="3600"/>')
    served.use(CALLER, "dial")
    served.becomes(CALLER, "dialling")
    (call,) = served.client.calls.list(from_=CALLER)
    with pytest.raises(TwilioRestException) as refused:
        served.client.calls(call.sid).update(url=f"{served.base}/next")
    assert refused.value.code == 21220
    served.client.calls(call.sid).update(status="completed")
    served.becomes(CALLER, "idle")
    assert served.client.calls(call.sid).fetch().status == "canceled"


def test_the_official_client_sends_and_pages_through_texts(served: Served) -> None:
    sent = [
        served.client.messages.create(to=NURSE, from_=SERVICE, body=f"SMS {count}", validity_period=60)
        for count in range(5)
    ]
    assert {(message.status, message.num_segments) for message in sent} == {("queued", "1")}
    bodies = [message.body for message in served.client.messages.list(to=NURSE, page_size=2)]
    assert bodies == ["SMS 4", "SMS 3", "SMS 2", "SMS 1", "SMS 0"]
    assert served.client.messages(str(sent[-1].sid)).fetch().body == "SMS 4"
    assert served.client.api.accounts(ACCOUNT_SID).fetch().status == "active"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "0811"}, 21211),
        ({"to": ""}, 21201),
        ({"from_": NURSE}, 21210),
        ({"url": "ftp://x"}, 21205),
        ({"url": ""}, 21205),
        ({"status_callback": "nowhere"}, 21609),
        ({"twiml": "<Response/>" + " " * 4000}, 32018),
    ],
)
def test_calls_that_the_provider_refuses(served: Served, change: dict[str, str], code: int) -> None:
    plain = {"to": NURSE, "from_": SERVICE, "url": f"{served.base}/alert"}
    if code == 32018:
        change = change | {"twiml": "<Response>" + "x" * 4000 + "</Response>"}
    with pytest.raises(TwilioRestException) as refused:
        served.client.calls.create(**(plain | change))
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "abc"}, 21211),
        ({"to": ""}, 21604),
        ({"from_": ""}, 21603),
        ({"from_": NURSE}, 21606),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
    ],
)
def test_texts_that_the_provider_refuses(served: Served, change: dict[str, str], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        served.client.messages.create(**({"to": NURSE, "from_": SERVICE, "body": "Halo"} | change))
    assert refused.value.code == code


def test_strangers_and_unknown_things_are_refused(served: Served) -> None:
    stranger = Client(ACCOUNT_SID, "wrong")
    stranger.api.base_url = served.client.api.base_url
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages.create(to=NURSE, from_=SERVICE, body="Halo")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    with pytest.raises(TwilioRestException) as missing:
        served.client.calls("CA" + "f" * 32).fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)
    other = f"{served.client.api.base_url}/2010-04-01/Accounts/AC{'1' * 32}/Calls.json"
    answer = httpx.get(other, auth=(ACCOUNT_SID, AUTH_TOKEN))
    assert answer.status_code == 404
    assert sorted(answer.json()) == ["code", "message", "more_info", "status"]


@in_virtual_time
async def test_filters_by_time_take_days_and_instants() -> None:
    async with town() as t:
        await t.call(NURSE, timeout_s=5)
        await t.nurse.notes("ended_no-answer")
        path = f"/simulator/api/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"
        for query, count in [
            ({"StartTime>": "2026-11-23"}, 1),
            ({"StartTime>=": "2026-11-24"}, 0),
            ({"StartTime<": "2026-11-22"}, 0),
            ({"StartTime": "2026-11-23"}, 1),
            ({"StartTime>": "2026-11-23T12:00:00Z", "Status": "no-answer"}, 1),
            ({"Status": "completed"}, 0),
        ]:
            answer = await t.web.get(path, params=query, auth=(ACCOUNT_SID, AUTH_TOKEN))
            assert len(answer.json()["calls"]) == count, query
