"""A stand-in for the telephone company: Twilio's REST API and its webhooks, over loopback, in this process.

One loop in a thread of its own takes the program's requests over and carries out what follows from them:
status callbacks and answered calls, signed as Twilio signs. Phones behave by their :class:`Manner`.
Everything is remembered, also what nobody answered. It never judges the program; for faults a test hooks in
with ``before_answer`` (which may kill the program while it waits for our answer) or ``refuses``.
"""

import asyncio
import base64
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urldefrag, urljoin
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator
from yarl import URL

T = TypeVar("T")

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "a token of the stand-in alone"
SERVICE_NUMBER = "+62911000911"

CEILING_S = 15.0
"""How long Twilio waits for an answer (TESTBED 2.1)."""

WAIT_S = 60.0
"""How long a test waits for something before it says that it did not happen."""

VERSION = "/2010-04-01/Accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What a phone does when the program rings it: rings on, or is picked up after a while."""

    picks_up_after_s: float | None = None
    presses: str = ""
    """One key for each document that asks for one; then it listens only."""
    talks_s: float = 0.0
    """How long it stays in a room before it hangs up."""


SILENT = Manner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a webhook answered; status 0 when there was no answer at all."""

    status: int
    body: str
    took_s: float


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """One call or text, in either direction, as the company knows it."""

    sid: str
    is_call: bool
    is_inbound: bool
    form: Mapping[str, str]
    events: frozenset[str] = frozenset()
    asked_at: datetime
    asked_s: float
    """The same instant on the clock that durations are measured with."""
    status: str = "queued"
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    heard: list[str] = field(default_factory=list)
    told: list[tuple[str, int]] = field(default_factory=list)
    """Each status that was reported, with the HTTP status that came back."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def to_number(self) -> str:
        return self.form.get("To", "")

    @property
    def from_number(self) -> str:
        return self.form.get("From", "")

    @property
    def delivery_id(self) -> str:
        """Which of the program's deliveries this is, from the address of its status callback."""
        return self.form.get("StatusCallback", "//").rsplit("/", 3)[-3]


class StandIn:
    """The company. ``api_url`` is what goes into ``SIAGA_TWILIO_API_URL``."""

    def __init__(self, *, answers_after_s: float = 0.0) -> None:
        """Answer each request of the program after so long; the phones are silent until told otherwise."""
        self.answers_after_s = answers_after_s
        self.manner = SILENT
        self.manners: dict[str, Manner] = {}
        self.before_answer: Callable[[Leg], None] = _nothing
        self.refuses: Callable[[Mapping[str, str]], tuple[int, int] | None] = _nothing
        self.legs: list[Leg] = []
        self.requests = 0
        self.api_url = ""
        self._by_sid: dict[str, Leg] = {}
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._lives: set[asyncio.Task[None]] = set()
        self._signer = RequestValidator(AUTH_TOKEN)
        self._client: aiohttp.ClientSession | None = None

    # --- what happened

    @property
    def calls(self) -> list[Leg]:
        """The calls that the program asked for, in the order of their arrival."""
        return [leg for leg in list(self.legs) if leg.is_call and not leg.is_inbound]

    @property
    def texts(self) -> list[Leg]:
        """The texts that the program asked for, likewise."""
        return [leg for leg in list(self.legs) if not leg.is_call and not leg.is_inbound]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing follows any more from what was taken: no phone rings, no report is on its way."""
        return not self._lives

    def waits_until(self, what: str, test: Callable[[], bool], *, within_s: float = WAIT_S) -> None:
        """Look again after each request and each report, at least every tenth of a second."""
        until = time.monotonic() + within_s
        while not test():
            if time.monotonic() > until:
                raise AssertionError(f"did not happen within {within_s:g} s: {what}")
            with self._changed:
                self._changed.wait(0.1)

    # --- what callers and senders of texts set going

    def new_call(self, from_number: str) -> Leg:
        """Somebody dials the service: the call is in the company's log, and nobody was told yet."""
        form = {"To": SERVICE_NUMBER, "From": from_number}
        return self._keep(form, is_call=True, is_inbound=True, status="ringing")

    def form_of(self, leg: Leg, **more: str) -> dict[str, str]:
        """The fields with which Twilio tells of *leg*, and *more*."""
        kind = "Call" if leg.is_call else "Message"
        return {
            f"{kind}Sid": leg.sid,
            f"{kind}Status": leg.status,
            "AccountSid": ACCOUNT_SID,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound" if leg.is_inbound else "outbound-api",
            "From": leg.from_number,
            "To": leg.to_number,
            **more,
        }

    def post(self, url: str, form: Mapping[str, str]) -> Answer:
        """Send a signed webhook and wait for the answer; may be used from several threads at once."""
        return self.run(self.send(url, form))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry *work* out in the company's loop, from any other thread."""
        return self.begin(work).result(WAIT_S)

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """The same, without waiting for its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def send(self, url: str, form: Mapping[str, str]) -> Answer:
        """Send a signed webhook; as with Twilio, once more when there is no connection, and only then."""
        assert self._client is not None
        address, started = urldefrag(url).url, time.perf_counter()
        headers = {
            "X-Twilio-Signature": self._signer.compute_signature(address, dict(form)),
            "I-Twilio-Idempotency-Token": f"{next(self._numbers):032x}",
        }
        status, body = 0, ""
        for _ in range(2):
            try:
                target = URL(address, encoded=True)
                async with self._client.post(target, data=dict(form), headers=headers) as answer:
                    status, body = answer.status, await answer.text()
            except aiohttp.ClientConnectorError as error:
                body = str(error)
                continue
            except (aiohttp.ClientError, TimeoutError) as error:
                body = str(error)
            break
        return Answer(status=status, body=body, took_s=time.perf_counter() - started)

    # --- the REST API

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        credentials = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {credentials}":
            return _refusal(401, 20003)
        _, _, rest = request.path.partition(f"{VERSION}/{ACCOUNT_SID}")
        kind, _, name = rest.removesuffix(".json").strip("/").partition("/")
        if kind not in ("Calls", "Messages"):
            return web.json_response({"sid": ACCOUNT_SID, "status": "active"})
        if request.method == "GET" and not name:
            return self._listed(kind, request.query)
        if name.endswith("/Recordings"):
            return web.json_response({"recordings": [], "page": 0, "page_size": 50, "next_page_uri": None})
        form = await request.post()
        if name:
            return await self._about(name, {key: str(value) for key, value in form.items()})
        return await self._take(kind, {key: [str(v) for v in form.getall(key)] for key in form})

    async def _take(self, kind: str, fields: Mapping[str, Sequence[str]]) -> web.Response:
        form = {key: values[-1] for key, values in fields.items()}
        refusal = self.refuses(form)
        if refusal is not None:
            return _refusal(*refusal)
        events = frozenset(fields.get("StatusCallbackEvent", ("completed",)))
        leg = self._keep(form, is_call=kind == "Calls", is_inbound=False, events=events)
        self._lives_on(self._call(leg) if leg.is_call else self._text(leg))
        self.before_answer(leg)
        if self.answers_after_s:
            await self._passes(self.answers_after_s)
        return web.json_response(_resource(leg), status=201)

    async def _about(self, sid: str, form: Mapping[str, str]) -> web.Response:
        """One call or text: looked at, or, with a form, a call that is to end or to go on elsewhere."""
        leg = self._by_sid.get(sid)
        if leg is None:
            return _refusal(404, 20404)
        if form.get("Status") == "completed" or (form.get("Status") == "canceled" and not leg.answered_at):
            if leg.ended_at is None:
                leg.status = "completed" if leg.answered_at else "canceled"
            leg.over.set()
        elif form.get("Url"):
            self._lives_on(self._redirected(leg, form["Url"]))
        return web.json_response(_resource(leg))

    def _listed(self, kind: str, query: Mapping[str, str]) -> web.Response:
        found = [
            leg
            for leg in reversed(self.legs)
            if leg.is_call == (kind == "Calls") and _is_asked_for(leg, query)
        ]
        size = int(query.get("PageSize", "50"))
        page = int(query.get("Page", "0"))
        path = f"{VERSION}/{ACCOUNT_SID}/{kind}.json"
        rest = "&".join(
            f"{name}={value}" for name, value in query.items() if name not in ("Page", "PageSize")
        )
        following = (
            f"{path}?PageSize={size}&Page={page + 1}&{rest}" if len(found) > size * (page + 1) else None
        )
        shown = [_resource(leg) for leg in found[size * page : size * (page + 1)]]
        return web.json_response(
            {kind.lower(): shown, "page": page, "page_size": size, "uri": path, "next_page_uri": following}
        )

    # --- what follows from a request

    def _lives_on(self, life: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(life)
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)
        return task

    async def _redirected(self, call: Leg, url: str) -> None:
        """The program takes a caller out of where they wait: they hear the document, and it ends the call."""
        answer = await self.send(url, self.form_of(call))
        call.heard.append(answer.body)
        call.status, call.ended_at = "completed", _now()
        call.over.set()
        self._tell()

    async def _text(self, text: Leg) -> None:
        for status in ("sent", "delivered"):
            text.status = status
            await self._report(text)
        text.ended_at = _now()

    async def _call(self, call: Leg) -> None:
        for sequence, status in enumerate(("initiated", "ringing")):
            call.status = status
            await self._report(call, event=status, sequence=sequence)
        manner = self.manners.get(call.to_number, self.manner)
        limit_s = float(call.form.get("Timeout", "60"))
        patience_s = limit_s if manner.picks_up_after_s is None else min(limit_s, manner.picks_up_after_s)
        if not await self._ends_within(call, patience_s):
            if manner.picks_up_after_s is None or manner.picks_up_after_s > limit_s:
                call.status = "no-answer"
            else:
                await self._answered(call, manner)
        call.ended_at = _now()
        await self._report(call, event="completed", sequence=3)

    async def _answered(self, call: Leg, manner: Manner) -> None:
        call.status, call.answered_at = "in-progress", _now()
        # Twilio promises no order: the report of the answer and the question what to do travel side by side.
        report = self._lives_on(self._report(call, event="answered", sequence=2))
        keys = iter(manner.presses)
        url, more = call.form.get("Url", ""), dict[str, str]()
        while url:
            answer = await self.send(url, self.form_of(call, **more))
            call.heard.append(answer.body)
            url, more = await self._obey(call, url, answer, keys=keys, talks_s=manner.talks_s)
        await report
        call.status = "completed"

    async def _obey(
        self, call: Leg, base: str, answer: Answer, *, keys: Iterator[str], talks_s: float
    ) -> tuple[str, dict[str, str]]:
        """Where the call goes on after a document, and with what; an empty address ends it."""
        if answer.status != 200:
            return "", {}
        for verb in ET.fromstring(answer.body):
            if verb.tag == "Gather" and (key := next(keys, "")):
                return urljoin(base, verb.get("action", base)), {"Digits": key}
            if verb.tag == "Redirect":
                return urljoin(base, verb.text or ""), {}
            if verb.tag == "Dial":
                await self._in_room(call, verb, talks_s)
                return "", {}
        return "", {}

    async def _in_room(self, call: Leg, dial: ET.Element, talks_s: float) -> None:
        room = dial.find("Conference")
        if room is None:
            return
        for event in ("participant-join", "participant-leave"):
            form = self.form_of(call, StatusCallbackEvent=event, FriendlyName=room.text or "")
            await self.send(room.get("statusCallback", ""), form)
            if event == "participant-join":
                await self._ends_within(call, talks_s)

    async def _report(self, leg: Leg, *, event: str = "", sequence: int = 0) -> None:
        url = leg.form.get("StatusCallback")
        if url and (not leg.is_call or event in leg.events):
            more = {"SequenceNumber": str(sequence)} if leg.is_call else {}
            answer = await self.send(url, self.form_of(leg, **more))
            leg.told.append((leg.status, answer.status))
        self._tell()

    # --- small things

    def _keep(
        self,
        form: Mapping[str, str],
        *,
        is_call: bool,
        is_inbound: bool,
        status: str = "queued",
        events: frozenset[str] = frozenset(),
    ) -> Leg:
        sid = f"{'CA' if is_call else 'SM'}{next(self._numbers):032x}"
        leg = Leg(
            sid=sid,
            is_call=is_call,
            is_inbound=is_inbound,
            form=form,
            events=events,
            status=status,
            asked_at=_now(),
            asked_s=time.perf_counter(),
        )
        self._by_sid[sid] = leg
        self.legs.append(leg)
        self._tell()
        return leg

    async def _ends_within(self, call: Leg, seconds: float) -> bool:
        """Whether somebody ends the call before so long."""
        try:
            await asyncio.wait_for(call.over.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _passes(self, seconds: float) -> None:
        passed = self._loop.create_future()
        self._loop.call_later(seconds, passed.set_result, None)
        await passed

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _open(self) -> web.AppRunner:
        timeout = aiohttp.ClientTimeout(total=CEILING_S)
        connector = aiohttp.TCPConnector(limit=0)
        self._client = aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.api_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _close(self, runner: web.AppRunner) -> None:
        for life in list(self._lives):
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        assert self._client is not None
        await self._client.close()
        await runner.cleanup()


@contextmanager
def stand_in(*, answers_after_s: float = 0.0) -> Iterator[StandIn]:
    """A company on a free port of this machine, until the end of the block."""
    company = StandIn(answers_after_s=answers_after_s)
    thread = threading.Thread(target=company._loop.run_forever, name="stand-in", daemon=True)
    thread.start()
    runner = company.run(company._open())
    try:
        yield company
    finally:
        company.run(company._close(runner))
        company._loop.call_soon_threadsafe(company._loop.stop)
        thread.join(CEILING_S)
        company._loop.close()


def settings_for(company: StandIn) -> dict[str, str]:
    """What a program needs to know in order to telephone through *company* alone."""
    return {
        "SIAGA_TELEPHONY": "twilio",
        "SIAGA_TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "SIAGA_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "SIAGA_TWILIO_NUMBER": SERVICE_NUMBER,
        "SIAGA_TWILIO_API_URL": company.api_url,
    }


def _nothing(_about: object) -> None:
    return None


def _now() -> datetime:
    return datetime.now(UTC)


def _refusal(status: int, code: int) -> web.Response:
    return web.json_response({"code": code, "message": "refused", "status": status}, status=status)


def _resource(leg: Leg) -> dict[str, object]:
    dates: dict[str, datetime | None] = {
        "date_created": leg.asked_at,
        "date_updated": leg.ended_at or leg.asked_at,
    }
    if leg.is_call:
        dates |= {"start_time": leg.answered_at or leg.ended_at or leg.asked_at, "end_time": leg.ended_at}
    else:
        dates |= {"date_sent": leg.asked_at}
    return {
        "sid": leg.sid,
        "account_sid": ACCOUNT_SID,
        "status": leg.status,
        "to": leg.to_number,
        "from": leg.from_number,
        "body": leg.form.get("Body"),
        "direction": "inbound" if leg.is_inbound else "outbound-api",
        "duration": None,
        **{name: format_datetime(at) if at else None for name, at in dates.items()},
    }


def _is_asked_for(leg: Leg, query: Mapping[str, str]) -> bool:
    """Twilio's filters: exact ones, and ``StartTime>`` or ``DateSent<`` with an instant or a day."""
    exact = {"To": leg.to_number, "From": leg.from_number, "Status": leg.status, "ParentCallSid": ""}
    for name, value in query.items():
        if name in exact and value != exact[name]:
            return False
        if name in ("StartTime>", "DateSent>") and leg.asked_at < _instant(value):
            return False
        if name in ("StartTime<", "DateSent<"):
            is_day = len(value) == len("2026-11-23")
            if leg.asked_at >= _instant(value) + timedelta(
                days=1 if is_day else 0, seconds=0 if is_day else 1
            ):
                return False
    return True


def _instant(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
