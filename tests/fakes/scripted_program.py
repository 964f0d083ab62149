"""A program with webhooks that answers by script, and a town of simulated phones around it.

Knows nothing of the real program: it shows what the simulated telephone network does by itself. Every request
of the network is kept, and must carry a signature that the official validator accepts.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.params import Depends
from twilio.request_validator import RequestValidator

from telephony.simulator.build import Simulator, build_simulator
from telephony.simulator.settings import PhoneSpec, SimulatorSettings
from tests.fakes.virtual_time import LoopClock, time_passes

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "invented-token"
SERVICE = "+628110000911"
CALLER = "+628110000001"
NURSE = "+628110000002"
DOCTOR = "+628110000003"
PROGRAM = "http://program.test"
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request of the network."""

    path: str
    method: str
    form: dict[str, str]
    is_signed: bool
    headers: dict[str, str]


@dataclass(slots=True)
class ScriptedProgram:
    """Answers each path with its next scripted reply; the last one stays. Other paths get 204."""

    replies: dict[str, list[str | int | float]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    content_type: str = "application/xml"

    def on(self, path: str, *replies: str | float) -> None:
        """Script a path: TwiML (without ``<Response>``), a status, or seconds (as float) of silence."""
        self.replies[path] = list(replies)

    def to(self, path: str) -> list[dict[str, str]]:
        """The forms that came to a path."""
        return [request.form for request in self.received if request.path == path]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def answer(request: Request, path: str) -> Response:
            await self._keep(request)
            return await self._reply("/" + path)

        return app

    async def _keep(self, request: Request) -> None:
        body = (await request.body()).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        signature = request.headers.get("x-twilio-signature", "")
        self.received.append(
            Received(
                path=request.url.path,
                method=request.method,
                form=form if request.method == "POST" else dict(request.query_params),
                is_signed=bool(RequestValidator(AUTH_TOKEN).validate(str(request.url), form, signature)),
                headers=dict(request.headers),
            )
        )

    async def _reply(self, path: str) -> Response:
        scripted = self.replies.get(path)
        if not scripted:
            return Response(status_code=204)
        reply = scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if isinstance(reply, float):
            await time_passes(reply)
            reply = ""
        if isinstance(reply, int):
            return Response(
                status_code=reply, headers={"Location": "/elsewhere"} if reply // 100 == 3 else {}
            )
        document = reply if reply.startswith(("<?", "<!", " ")) else f"<Response>{reply}</Response>"
        return Response(document, media_type=self.content_type)


Json = dict[str, object]


class TownPhone:
    """A phone as its owner uses it, through the page's JSON."""

    def __init__(self, town: "Town", number: str) -> None:
        self._town = town
        self.number = number

    async def do(self, action: str, **fields: object) -> httpx.Response:
        return await self._town.web.post(
            f"/simulator/phones/{self.number}/{action}", json=fields, headers={"X-Requested-With": "test"}
        )

    async def does(self, action: str, **fields: object) -> Json:
        """Do it, and it must be possible."""
        answer = await self.do(action, **fields)
        assert answer.status_code == 200, answer.text
        done: Json = answer.json()
        return done

    async def is_seen(self, what: str, test: Callable[["Seen"], bool]) -> "Seen":
        """Wait until the phone looks like that."""
        return await self._town.until(f"{self.number} {what}", self.number, test)

    async def becomes(self, state: str) -> "Seen":
        return await self.is_seen(state, lambda seen: seen.state == state)

    async def hears(self, words: str) -> "Seen":
        return await self.is_seen(f"hears {words!r}", lambda seen: any(words in line for line in seen.heard))

    async def notes(self, code: str) -> "Seen":
        return await self.is_seen(f"notes {code}", lambda seen: code in seen.notes)

    async def reads(self, words: str) -> "Seen":
        return await self.is_seen(
            f"reads {words!r}", lambda seen: any(words in body for body in seen.texts_in)
        )

    async def talks_to(self, *labels: str) -> "Seen":
        return await self.is_seen(f"talks to {labels}", lambda seen: seen.partners == list(labels))


@dataclass(frozen=True, slots=True)
class Seen:
    """How a phone looks at one moment."""

    state: str
    partners: list[str]
    peer: str | None
    lines: list[tuple[str, str]]
    texts: list[dict[str, str]]

    @property
    def heard(self) -> list[str]:
        return [text for kind, text in self.lines if kind in {"say", "play"}]

    @property
    def notes(self) -> list[str]:
        return [text for kind, text in self.lines if kind == "note"]

    @property
    def texts_in(self) -> list[str]:
        return [text["body"] for text in self.texts if text["way"] == "in"]


class Town:
    """The phones, the network between them, and the scripted program."""

    def __init__(self, *, program: ScriptedProgram, simulator: Simulator, web: httpx.AsyncClient) -> None:
        self.program = program
        self.simulator = simulator
        self.web = web
        self.caller = TownPhone(self, CALLER)
        self.nurse = TownPhone(self, NURSE)
        self.doctor = TownPhone(self, DOCTOR)

    async def rest(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """A REST request of the program to the provider."""
        return await self.web.post(
            f"/simulator/api/2010-04-01/Accounts/{ACCOUNT_SID}{path}",
            data=fields,
            auth=(ACCOUNT_SID, AUTH_TOKEN),
        )

    async def call(
        self, to_number: str, path: str = "/alert", *, timeout_s: int = 60, events: str | None = None
    ) -> str:
        """Place an outbound call with its document at a path; its SID. ``events`` go to ``/status``."""
        fields: dict[str, str | list[str]] = {"Timeout": str(timeout_s)}
        if events is not None:
            fields |= {"StatusCallback": f"{PROGRAM}/status", "StatusCallbackEvent": events.split()}
        answer = await self.rest("/Calls.json", To=to_number, From=SERVICE, Url=PROGRAM + path, **fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    async def network(self, after: str = "", wait_s: float = 0) -> Json | None:
        answer = await self.web.get("/simulator/phones", params={"after": after, "wait_s": wait_s})
        if answer.status_code == 304:
            return None
        network: Json = answer.json()
        return network

    async def until(self, what: str, number: str, test: Callable[[Seen], bool]) -> Seen:
        """Follow the page until a phone passes a test; fails after a long while."""
        loop, version = asyncio.get_running_loop(), ""
        deadline_s = loop.time() + PATIENCE_S
        while loop.time() < deadline_s:
            network = await self.network(version, 5)
            if network is not None:
                version = str(network["version"])
                seen = seen_of(network, number)
                if test(seen):
                    return seen
        raise AssertionError(f"not seen: {what}; instead {seen_of(await self.network() or {}, number)}")

    async def received(self, path: str, count: int = 1) -> list[dict[str, str]]:
        """The forms that came to a path, once there are so many."""
        for _ in range(int(PATIENCE_S * 10)):
            if len(self.program.to(path)) >= count:
                return self.program.to(path)
            await time_passes(0.1)
        raise AssertionError(f"only {len(self.program.to(path))} requests came to {path}")

    @property
    def problem_codes(self) -> list[int]:
        return [problem.code for problem in self.simulator.network.problems.noticed]


def seen_of(network: Json, number: str) -> Seen:
    """One phone out of the page's JSON."""
    phones = network["phones"]
    assert isinstance(phones, list)
    phone = next(phone for phone in phones if phone["number"] == number)
    return Seen(
        state=phone["state"],
        partners=phone["with"],
        peer=phone["peer"],
        lines=[(line["kind"], line["text"]) for line in phone["transcript"]],
        texts=phone["texts"],
    )


TOWN = SimulatorSettings(
    account_sid=ACCOUNT_SID,
    auth_token=AUTH_TOKEN,
    service_number=SERVICE,
    voice_url=f"{PROGRAM}/voice",
    voice_status_url=f"{PROGRAM}/voice/status",
    sms_url=f"{PROGRAM}/sms",
    origin="http://town.test",
    phones=(
        PhoneSpec(number=CALLER, label="Ibu Warga", role="Warga"),
        PhoneSpec(number=NURSE, label="Ns. Perawat", role="Perawat"),
        PhoneSpec(number=DOCTOR, label="dr. Jaga", role="Dokter"),
    ),
)


@asynccontextmanager
async def town(
    settings: SimulatorSettings = TOWN,
    *,
    problems: Sequence[int] = (),
    dependencies: Sequence[Depends] = (),
) -> AsyncIterator[Town]:
    """A town in virtual time. At its end every request was signed, and only these problems were noticed."""
    program = ScriptedProgram()
    simulator = build_simulator(
        settings,
        clock=LoopClock(),
        dependencies=dependencies,
        transport=httpx.ASGITransport(app=program.app()),
    )
    app = FastAPI()
    app.include_router(simulator.router)
    await simulator.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://town.test") as web:
        the_town = Town(program=program, simulator=simulator, web=web)
        try:
            yield the_town
        finally:
            await simulator.stop()
    assert [request.path for request in program.received if not request.is_signed] == []
    assert the_town.problem_codes == list(problems)
