"""Moves legs through their states: opens, rings, answers and ends them, and reports each step (TESTBED 2.4).

Decides what becomes of a leg when a phone rings out, is busy, off or unknown. Never reads TwiML.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from telephony.simulator.background import Changes, Tasks
from telephony.simulator.calls import Call, CallbackPlan, CallStatus, Direction, Fallback
from telephony.simulator.forms import Form, first_status, status_form
from telephony.simulator.phones import LineKind, Phone, PhoneState
from telephony.simulator.settings import Clock, NewId, PhoneSpec, SimulatorSettings
from telephony.simulator.webhooks_out import WebhookSender

CALLS_MAX = 2000
PROBLEMS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fault of the program as the network saw it: Twilio's error code, the address, what happened."""

    code: int
    url: str
    reason: str
    noticed_at: datetime


class Reports:
    """Status reports that belong together, sent one after the other in the order in which they happened."""

    def __init__(self, webhooks: WebhookSender, tasks: Tasks) -> None:
        self._webhooks = webhooks
        self._tasks = tasks
        self._last: dict[str, asyncio.Task[None]] = {}

    def send(self, about_sid: str, url: str, form: Form, *, method: str = "POST") -> None:
        """Send after all earlier reports about the same thing; returns at once."""
        task = self._tasks.spawn(self._after(self._last.get(about_sid), url, form, method))
        self._last[about_sid] = task
        task.add_done_callback(lambda done: self._forget(about_sid, done))

    async def _after(self, earlier: asyncio.Task[None] | None, url: str, form: Form, method: str) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})
        await self._webhooks.notify(url, form, method=method)

    def _forget(self, about_sid: str, done: asyncio.Task[None]) -> None:
        if self._last.get(about_sid) is done:
            del self._last[about_sid]


class Problems:
    """The last faults that the network noticed in the program's answers.

    What Twilio's debugger would list.
    """

    def __init__(self, clock: Clock, changes: Changes) -> None:
        self._clock = clock
        self._changes = changes
        self.noticed: deque[Problem] = deque(maxlen=PROBLEMS_MAX)

    def report(self, code: int, url: str, reason: str) -> None:
        """Note a fault."""
        self.noticed.append(Problem(code=code, url=url, reason=reason, noticed_at=self._clock.now()))
        self._changes.touch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded of a call."""

    call_sid: str
    length_s: int
    made_at: datetime


class Switchboard:
    """All phones and all legs. Lives on one event loop; between two awaits nothing else moves."""

    def __init__(
        self,
        *,
        settings: SimulatorSettings,
        clock: Clock,
        new_id: NewId,
        reports: Reports,
        changes: Changes,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.reports = reports
        self.changes = changes
        self.phones: dict[str, Phone] = {}
        self.calls: dict[str, Call] = {}
        self.recordings: dict[str, Recording] = {}
        """By SID."""
        self._new_id = new_id
        for spec in settings.phones:
            self.add_phone(spec)

    def add_phone(self, spec: PhoneSpec) -> Phone:
        """Put one more handset into the network, switched on."""
        phone = Phone(number=spec.number, label=spec.label, role=spec.role)
        phone.power.set()
        self.phones[spec.number] = phone
        self.changes.touch()
        return phone

    def new_sid(self, prefix: str) -> str:
        """A new SID: two letters and 32 hexadecimal digits."""
        return prefix + self._new_id()

    def open_call(
        self,
        *,
        direction: Direction,
        from_number: str,
        to_number: str,
        plan: CallbackPlan | None,
        fallback: Fallback | None = None,
        parent_sid: str | None = None,
    ) -> Call:
        """A new leg in its first state.

        The handset is the caller's when inbound, the called one's otherwise.
        """
        call = Call(
            sid=self.new_sid("CA"),
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            phone=None if direction is Direction.INBOUND else self.phones.get(to_number),
            created_at=self.clock.now(),
            parent_sid=parent_sid,
            plan=plan,
            fallback=fallback,
            status=first_status(direction),
        )
        self.calls[call.sid] = call
        self._forget_old_calls()
        self.changes.touch()
        return call

    def seize(self, call: Call, phone: Phone, state: PhoneState) -> None:
        """A handset becomes busy with this leg."""
        call.phone = phone
        phone.call_sid = call.sid
        phone.state = state
        self.changes.touch()

    async def ring(self, call: Call, timeout_s: float) -> bool:
        """Walk an outbound leg from queued to answered; false when it ended in any other way."""
        await asyncio.sleep(self.settings.waited_s(self.settings.queue_s))
        if call.is_over:
            return False
        self.advance(call, CallStatus.INITIATED)
        phone = call.phone
        if phone is None:
            self.finish(call, CallStatus.FAILED, sip="404")
            return False
        await asyncio.sleep(self.settings.waited_s(self.settings.queue_s))
        if call.is_over:
            return False
        if not phone.is_on:
            self.finish(call, CallStatus.NO_ANSWER, sip="480")
            return False
        if phone.call_sid is not None:
            self.finish(call, CallStatus.BUSY, sip="486")
            return False
        self.seize(call, phone, PhoneState.RINGING)
        self.hear(call, LineKind.NOTE, "ringing")
        self.advance(call, CallStatus.RINGING)
        return await self._picked_up(call, timeout_s)

    async def _picked_up(self, call: Call, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(self.settings.waited_s(timeout_s)):
                await call.picked_up.wait()
        except TimeoutError:
            self.finish(call, CallStatus.NO_ANSWER, sip="487")
        return not call.is_over

    def answer(self, call: Call) -> None:
        """The leg is answered: from now on it is talked, and counted."""
        if call.is_over or call.status is CallStatus.IN_PROGRESS:
            return
        call.answered_at = self.clock.now()
        if call.phone is not None:
            call.phone.state = PhoneState.IN_CALL
        self.advance(call, CallStatus.IN_PROGRESS)
        call.picked_up.set()

    def finish(self, call: Call, status: CallStatus, *, sip: str | None = None) -> None:
        """End a leg once; an answered one always ends as completed.

        Its script is stopped, its phone is free.
        """
        if call.is_over:
            return
        call.ended_at = self.clock.now()
        call.sip_response_code = sip
        call.over.set()
        call.picked_up.set()
        call.partners = ()
        self.advance(call, CallStatus.COMPLETED if call.answered_at is not None else status)
        self._free(call)
        script = call.script
        if script is not None and script is not asyncio.current_task():
            script.cancel()

    def advance(self, call: Call, status: CallStatus) -> None:
        """Enter a state and report it where the plan of this leg asks for it."""
        call.status = status
        if call.plan is not None and call.plan.wants(status):
            form = status_form(
                call, self.settings.account_sid, sequence=call.callbacks_sent, at=self.clock.now()
            )
            call.callbacks_sent += 1
            self.reports.send(call.sid, call.plan.url, form, method=call.plan.method)
        self.changes.touch()

    def hear(self, call: Call, kind: LineKind, text: str) -> None:
        """Something is heard or noted on the handset of this leg."""
        if call.phone is not None:
            call.phone.hear(call_sid=call.sid, kind=kind, text=text, at=self.clock.now())
            self.changes.touch()

    def connect(self, call: Call, partners: tuple[Call, ...]) -> None:
        """Who this leg talks to from now on."""
        if call.partners != partners:
            call.partners = partners
            self.changes.touch()

    def _free(self, call: Call) -> None:
        phone = call.phone
        if phone is not None and phone.call_sid == call.sid:
            phone.hear(
                call_sid=call.sid, kind=LineKind.NOTE, text=f"ended_{call.status.value}", at=self.clock.now()
            )
            phone.call_sid = None
            phone.state = PhoneState.IDLE
        self.changes.touch()

    def _forget_old_calls(self) -> None:
        """Keep the history bounded: the oldest ended calls go first."""
        excess = len(self.calls) - CALLS_MAX
        if excess > 0:
            for sid in [sid for sid, call in self.calls.items() if call.is_over][:excess]:
                del self.calls[sid]
