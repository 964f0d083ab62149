"""The simulated telephone network as a whole: what people do with phones, what REST requests ask for.

Decides how a call of either kind runs from its first document to its end, including the fallback when a
document cannot be had. The parts (switchboard, rooms, interpreter, texts) are put together here. One
network lives on one event loop; it is not for threads.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from telephony.simulator.background import Changes, Tasks
from telephony.simulator.calls import Call, CallbackPlan, CallStatus, Direction, Fallback
from telephony.simulator.conferences import Rooms
from telephony.simulator.dialling import Dialler
from telephony.simulator.interpreter import CallEndedError, Interpreter, Sheet
from telephony.simulator.phones import LineKind, Phone, PhoneState
from telephony.simulator.settings import Clock, NewId, PhoneSpec, SimulatorSettings
from telephony.simulator.switchboard import Problems, Reports, Switchboard
from telephony.simulator.texting import Texting, TextMessage
from telephony.simulator.twiml import TwimlError
from telephony.simulator.webhooks_out import WebhookFailedError, WebhookSender

WITHHELD_NUMBER = "+266696687"
"""What a withheld number arrives as: ANONYMOUS on a keypad."""

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
BODY_MAX = 1600
PHONES_MAX = 60
_KEYS = frozenset("0123456789*#")

Opening = Callable[[], Awaitable[Sheet]]
"""Gets the first document of a conversation."""


class PhoneRefusedError(Exception):
    """A phone cannot do now what was asked of it; the code is for programs, the page has words for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrder:
    """A REST request for an outbound call: a document's address, or the document itself."""

    to_number: str
    from_number: str
    url: str | None
    method: str
    document: str | None
    plan: CallbackPlan | None
    fallback: Fallback | None
    timeout_s: float


class Network:
    """Phones, calls and texts.

    Every method that changes something returns at once; the rest happens beside it.
    """

    def __init__(
        self, *, settings: SimulatorSettings, clock: Clock, new_id: NewId, client: httpx.AsyncClient
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.changes = Changes()
        self._problems = Problems(clock, self.changes)
        self._tasks = Tasks()
        report = self._problems.report
        webhooks = WebhookSender(client=client, auth_token=settings.auth_token, new_id=new_id, report=report)
        reports = Reports(webhooks, self._tasks)
        self.switchboard = Switchboard(
            settings=settings, clock=clock, new_id=new_id, reports=reports, changes=self.changes
        )
        self.texting = Texting(
            switchboard=self.switchboard, webhooks=webhooks, tasks=self._tasks, report=report
        )
        self._interpreter = Interpreter(
            switchboard=self.switchboard,
            webhooks=webhooks,
            report=report,
            send_text=self.texting.send_from_call,
        )
        self._interpreter.dial = Dialler(
            switchboard=self.switchboard,
            rooms=Rooms(self.switchboard),
            interpreter=self._interpreter,
            webhooks=webhooks,
            tasks=self._tasks,
            report=report,
        ).dial

    @property
    def problems(self) -> Problems:
        """What the network found wrong in the program's answers."""
        return self._problems

    async def stop(self) -> None:
        """End everything that is going on."""
        await self._tasks.stop()

    # --- what people do

    def dial(self, phone: Phone, *, is_withheld: bool = False) -> Call:
        """Ring the emergency number."""
        self._require_on(phone)
        if phone.call_sid is not None:
            raise PhoneRefusedError("phone_busy")
        settings = self.settings
        document = settings.fallback_twiml
        call = self.switchboard.open_call(
            direction=Direction.INBOUND,
            from_number=WITHHELD_NUMBER if is_withheld else phone.number,
            to_number=settings.service_number,
            plan=CallbackPlan(url=settings.voice_status_url) if settings.voice_status_url else None,
            fallback=Fallback(document=document) if document is not None else None,
        )
        self.switchboard.seize(call, phone, PhoneState.DIALLING)
        self.switchboard.hear(call, LineKind.NOTE, "dialled")
        call.script = self._tasks.spawn(
            self._converse(call, lambda: self._interpreter.fetch(call, settings.voice_url))
        )
        return call

    def answer(self, phone: Phone) -> None:
        """Pick up the ringing phone."""
        call = self._call_on(phone, PhoneState.RINGING)
        self.switchboard.hear(call, LineKind.NOTE, "answered")
        self.switchboard.answer(call)

    def decline(self, phone: Phone) -> None:
        """Refuse the ringing call: the other side hears that this phone is busy."""
        call = self._call_on(phone, PhoneState.RINGING)
        self.switchboard.finish(call, CallStatus.BUSY, sip="486")

    def hang_up(self, phone: Phone) -> None:
        """End the call that this phone is in or is dialling; a ringing one is declined."""
        if phone.state is PhoneState.RINGING:
            self.decline(phone)
            return
        call = self._call_on(phone, PhoneState.IN_CALL, PhoneState.DIALLING)
        self.switchboard.finish(call, CallStatus.NO_ANSWER)

    def press(self, phone: Phone, keys: str) -> bool:
        """Press keys during a call; false when the last of them was heard by nobody."""
        if not keys or not _KEYS.issuperset(keys):
            raise PhoneRefusedError("no_such_key")
        call = self._call_on(phone, PhoneState.IN_CALL)
        heard = False
        for key in keys:
            self.switchboard.hear(call, LineKind.KEY, key)
            heard = call.keypad.press(key)
        return heard

    def text(self, phone: Phone, body: str, *, to_number: str | None = None) -> TextMessage:
        """Send a text, by default to the emergency number."""
        self._require_on(phone)
        target = to_number or self.settings.service_number
        if target != self.settings.service_number and target not in self.switchboard.phones:
            raise PhoneRefusedError("no_such_number")
        if not body.strip():
            raise PhoneRefusedError("empty_text")
        return self.texting.write(phone, target, body)

    def switch(self, phone: Phone, *, is_on: bool) -> None:
        """Switch a phone on or off.

        What it is doing ends with it, and waiting texts come when it is on again.
        """
        if is_on:
            phone.power.set()
        else:
            phone.power.clear()
            call = self.switchboard.calls.get(phone.call_sid or "")
            if call is not None:
                self.switchboard.finish(call, CallStatus.NO_ANSWER, sip="480")
        self.changes.touch()

    def add_phone(self, label: str, role: str) -> Phone:
        """One more phone with an invented number."""
        phones = self.switchboard.phones
        if len(phones) >= PHONES_MAX:
            raise PhoneRefusedError("too_many_phones")
        number = next(
            number
            for position in range(1, PHONES_MAX + 1)
            if (number := f"+62811000009{position:02d}") not in phones
        )
        return self.switchboard.add_phone(PhoneSpec(number=number, label=label, role=role))

    # --- what REST requests ask for

    def place(self, order: CallOrder) -> Call:
        """Begin an outbound call; it is queued when this returns."""
        call = self.switchboard.open_call(
            direction=Direction.OUTBOUND_API,
            from_number=order.from_number,
            to_number=order.to_number,
            plan=order.plan,
            fallback=order.fallback,
        )
        call.script = self._tasks.spawn(self._ring_out(call, order))
        return call

    async def redirect(
        self, call: Call, *, url: str | None, method: str = "POST", document: str | None = None
    ) -> None:
        """Take a live call away from what it is doing and go on with another document."""
        former = call.script
        call.taken_away.set()
        call.taken_away = asyncio.Event()
        if former is not None and not former.done():
            former.cancel()
            await asyncio.wait({former})
        call.script = self._tasks.spawn(
            self._converse(call, lambda: self._first_sheet(call, url, method, document))
        )

    def end(self, call: Call) -> None:
        """Hang up a call from the network's side; one not yet answered is canceled."""
        self.switchboard.finish(call, CallStatus.CANCELED)

    # --- how a call runs

    async def _ring_out(self, call: Call, order: CallOrder) -> None:
        if await self.switchboard.ring(call, order.timeout_s):
            await self._converse(
                call, lambda: self._first_sheet(call, order.url, order.method, order.document)
            )

    async def _first_sheet(self, call: Call, url: str | None, method: str, document: str | None) -> Sheet:
        if url is not None:
            return await self._interpreter.fetch(call, url, method=method)
        return self._interpreter.inline((document or "").encode())

    async def _converse(self, call: Call, opening: Opening) -> None:
        """One call from its first document to its end.

        A fault leads to the fallback, and that failing to an apology.
        """
        status = CallStatus.COMPLETED
        try:
            await self._interpreter.run(call, await opening())
        except CallEndedError as end:
            status = end.status
        except (WebhookFailedError, TwimlError) as fault:
            status = await self._fall_back(call, fault)
        if status is CallStatus.COMPLETED:
            self.switchboard.answer(call)
        self.switchboard.finish(call, status)

    async def _fall_back(self, call: Call, fault: WebhookFailedError | TwimlError) -> CallStatus:
        self._note(fault)
        fallback, call.fallback = call.fallback, None
        if fallback is not None:
            try:
                await self._interpreter.run(call, await self._fallback_sheet(call, fallback, fault))
                return CallStatus.COMPLETED
            except CallEndedError as end:
                return end.status
            except (WebhookFailedError, TwimlError) as second:
                self._note(second)
        self.switchboard.answer(call)
        self.switchboard.hear(call, LineKind.SAY, APOLOGY)
        await asyncio.sleep(self.settings.spoken_s(APOLOGY))
        return CallStatus.COMPLETED

    async def _fallback_sheet(
        self, call: Call, fallback: Fallback, fault: WebhookFailedError | TwimlError
    ) -> Sheet:
        if fallback.url is None:
            return self._interpreter.inline((fallback.document or "").encode())
        about = {"ErrorCode": str(fault.code)}
        if isinstance(fault, WebhookFailedError):
            about["ErrorUrl"] = fault.url
        return await self._interpreter.fetch(call, fallback.url, method=fallback.method, more=about)

    def _note(self, fault: WebhookFailedError | TwimlError) -> None:
        url = fault.url if isinstance(fault, WebhookFailedError) else ""
        self._problems.report(fault.code, url, fault.reason)

    # --- refusals

    def _call_on(self, phone: Phone, *states: PhoneState) -> Call:
        call = self.switchboard.calls.get(phone.call_sid or "")
        if call is None or phone.state not in states:
            raise PhoneRefusedError("not_in_that_state")
        return call

    def _require_on(self, phone: Phone) -> None:
        if not phone.is_on:
            raise PhoneRefusedError("phone_off")
