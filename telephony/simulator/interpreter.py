"""Executes TwiML on one leg, verb by verb, as Twilio's voice documents describe it (TESTBED 2.5).

Decides what the person on the leg hears, which of their keys count, and which document comes next. The Dial
verb is in ``dialling``; ending and connecting legs belongs to the switchboard.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telephony.simulator.calls import Call, CallStatus, Direction
from telephony.simulator.forms import Form, voice_form
from telephony.simulator.phones import LineKind
from telephony.simulator.switchboard import Recording, Switchboard
from telephony.simulator.twiml import (
    Dial,
    Document,
    Gather,
    Hangup,
    Message,
    Pause,
    Play,
    Prompt,
    Record,
    Redirect,
    Reject,
    Say,
    TwimlError,
    Verb,
)
from telephony.simulator.twiml_reader import read_document
from telephony.simulator.webhooks_out import ReportProblem, WebhookSender, resolved

_DOCUMENTS_MAX = 2000
_SOUND_S = 3.0
_RECORDINGS_MAX = 500

EVERYWHERE: tuple[type[Verb], ...] = (
    Say, Play, Pause, Gather, Redirect, Hangup, Reject, Record, Dial, Message,
)  # fmt: skip
WAITING: tuple[type[Verb], ...] = (Say, Play, Pause, Redirect)
WHISPER: tuple[type[Verb], ...] = (Say, Play, Pause, Gather, Redirect, Hangup)


class CallEndedError(Exception):
    """The document ended the call on purpose."""

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status.value)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A document and where it came from.

    ``url`` is None for one given inline, which knows no relative addresses.
    """

    document: Document
    url: str | None


DialVerb = Callable[[Call, Dial, Sheet], Awaitable[Sheet | None]]
SendText = Callable[[Call, Message, str | None], None]


class Interpreter:
    """Runs documents. Holds nothing of a call; everything about it stands in the ``Call``."""

    def __init__(
        self,
        *,
        switchboard: Switchboard,
        webhooks: WebhookSender,
        report: ReportProblem,
        send_text: SendText,
    ) -> None:
        self._switchboard = switchboard
        self._settings = switchboard.settings
        self._webhooks = webhooks
        self._report = report
        self._send_text = send_text
        self.dial: DialVerb | None = None

    async def fetch(self, call: Call, url: str, *, method: str = "POST", more: Form | None = None) -> Sheet:
        """Ask the program for the next document of this leg."""
        form = voice_form(call, self._settings.account_sid) | (more or {})
        answer = await self._webhooks.fetch(url, form, method=method)
        return self.inline(answer.body, url=answer.url)

    def inline(self, body: bytes, *, url: str | None = None) -> Sheet:
        """A document that is at hand already; an empty answer is an empty document."""
        document = read_document(body) if body else Document(verbs=())
        for warning in document.warnings:
            self._report(12200, url or "", warning)
        return Sheet(document=document, url=url)

    async def run(self, call: Call, sheet: Sheet, *, allowed: tuple[type[Verb], ...] = EVERYWHERE) -> None:
        """Execute a document and those that follow it, until the last one has no more verbs."""
        following: Sheet | None = sheet
        for _ in range(_DOCUMENTS_MAX):
            if following is None:
                return
            following = await self._run_one(call, following, allowed)
        raise TwimlError(11200, "the documents of this call lead in a circle")

    async def _run_one(self, call: Call, sheet: Sheet, allowed: tuple[type[Verb], ...]) -> Sheet | None:
        for verb in sheet.document.verbs:
            if not isinstance(verb, allowed):
                self._report(12200, sheet.url or "", f"<{type(verb).__name__}> is not allowed here")
                continue
            following = await self._perform(call, verb, sheet)
            if following is not None:
                return following
        return None

    async def _perform(self, call: Call, verb: Verb, sheet: Sheet) -> Sheet | None:
        """Execute one verb; the sheet returned, if any, replaces the present one."""
        if _answers(call, verb):
            self._switchboard.answer(call)
        match verb:
            case Say() | Play() | Pause():
                await self._prompt(call, verb)
            case Gather():
                return await self._gather(call, verb, sheet)
            case Record():
                return await self._record(call, verb, sheet)
            case Redirect():
                return await self.fetch(call, resolved(sheet.url, verb.url), method=verb.method)
            case Dial():
                assert self.dial is not None
                return await self.dial(call, verb, sheet)
            case Message():
                self._send_text(call, verb, sheet.url)
            case Hangup():
                raise CallEndedError(CallStatus.COMPLETED)
            case Reject():
                raise CallEndedError(CallStatus.BUSY if verb.is_busy else CallStatus.NO_ANSWER)
        return None

    async def _prompt(self, call: Call, prompt: Prompt) -> None:
        match prompt:
            case Say(text=text, loop=loop):
                for _ in range(loop if text else 0):
                    self._switchboard.hear(call, LineKind.SAY, text)
                    await asyncio.sleep(self._settings.spoken_s(text))
            case Play(url=url, loop=loop):
                for _ in range(loop if url else 0):
                    self._switchboard.hear(call, LineKind.PLAY, url.rsplit("/", 1)[-1])
                    await asyncio.sleep(_SOUND_S * self._settings.speech_factor)
            case Pause(length_s=length_s):
                await asyncio.sleep(self._settings.waited_s(length_s))

    async def _gather(self, call: Call, verb: Gather, sheet: Sheet) -> Sheet | None:
        """Keys count from the first prompt on; without any the next verb follows, unless asked otherwise."""
        with call.keypad.listening() as keys:
            digits = await self._collect(call, verb, keys)
        if not digits and not verb.action_on_empty_result:
            return None
        url = resolved(sheet.url, verb.action or sheet.url or "")
        return await self.fetch(call, url, method=verb.method, more={"Digits": digits})

    async def _collect(self, call: Call, verb: Gather, keys: asyncio.Queue[str]) -> str:
        digits = ""
        key = await self._first_key(call, verb, keys)
        while key is not None and not (verb.finish_on and key in verb.finish_on):
            digits += key
            if verb.digits_max is not None and len(digits) >= verb.digits_max:
                break
            key = await self._next_key(keys, verb.timeout_s)
        return digits

    async def _first_key(self, call: Call, verb: Gather, keys: asyncio.Queue[str]) -> str | None:
        """The first key cuts the prompts short; silence counts only after they have ended."""
        if not verb.takes_keys:
            await self._prompts(call, verb)
            await asyncio.sleep(self._settings.waited_s(verb.timeout_s))
            return None
        prompts = asyncio.ensure_future(self._prompts(call, verb))
        first = asyncio.ensure_future(keys.get())
        try:
            await asyncio.wait({prompts, first}, return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                await asyncio.wait({first}, timeout=self._settings.waited_s(verb.timeout_s))
            return first.result() if first.done() else None
        finally:
            prompts.cancel()
            first.cancel()

    async def _prompts(self, call: Call, verb: Gather) -> None:
        for prompt in verb.prompts:
            await self._prompt(call, prompt)

    async def _next_key(self, keys: asyncio.Queue[str], timeout_s: float) -> str | None:
        try:
            async with asyncio.timeout(self._settings.waited_s(timeout_s)):
                return await keys.get()
        except TimeoutError:
            return None

    async def _record(self, call: Call, verb: Record, sheet: Sheet) -> Sheet | None:
        """Nobody speaks here, so a recording is silence: it ends by a key, or after ``timeout`` of quiet."""
        url = resolved(sheet.url, verb.action or sheet.url or "")
        self._switchboard.hear(call, LineKind.PLAY, "beep" if verb.beeps else "recording")
        began_at = self._switchboard.clock.now()
        key: str | None = "hangup"
        try:
            with call.keypad.listening() as keys:
                key = await self._next_key(keys, min(verb.timeout_s, verb.length_max_s))
        finally:
            length_s = max(1, round((self._switchboard.clock.now() - began_at).total_seconds()))
            form = self._keep_recording(call, verb, sheet, length_s)
            if call.is_over:
                self._switchboard.reports.send(call.sid, url, form | {"Digits": "hangup"}, method=verb.method)
        return await self.fetch(call, url, method=verb.method, more=form | {"Digits": key or ""})

    def _keep_recording(self, call: Call, verb: Record, sheet: Sheet, length_s: int) -> Form:
        switchboard, account = self._switchboard, self._settings.account_sid
        sid = switchboard.new_sid("RE")
        switchboard.recordings[sid] = Recording(
            call_sid=call.sid, length_s=length_s, made_at=switchboard.clock.now()
        )
        while len(switchboard.recordings) > _RECORDINGS_MAX:
            switchboard.recordings.pop(next(iter(switchboard.recordings)))
        form = {
            "RecordingDuration": str(length_s),
            "RecordingSid": sid,
            "RecordingUrl": f"{self._settings.api_url}/2010-04-01/Accounts/{account}/Recordings/{sid}",
        }
        if verb.status_url:
            about = {
                "AccountSid": account,
                "CallSid": call.sid,
                "RecordingChannels": "1",
                "RecordingSource": "RecordVerb",
                "RecordingStatus": "completed",
            }
            url = resolved(sheet.url, verb.status_url)
            switchboard.reports.send(sid, url, about | form, method=verb.status_method)
        return form


def _answers(call: Call, verb: Verb) -> bool:
    """Whether this verb is the one with which a ringing inbound call is answered."""
    if call.direction is not Direction.INBOUND or call.status is not CallStatus.RINGING:
        return False
    if isinstance(verb, Dial):
        return verb.conference is not None or not verb.answers_on_bridge
    return not isinstance(verb, Reject | Redirect | Pause | Message)
