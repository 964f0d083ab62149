"""The Dial verb: rings phones and connects the first to answer, or joins a conference (TESTBED 2.5, Dial).

Decides who is connected with whom and what the verb's ``action`` learns of it.
"""

import asyncio

from telephony.simulator.background import Tasks
from telephony.simulator.calls import Call, CallbackPlan, CallStatus, Direction
from telephony.simulator.conferences import Participant, Room, Rooms
from telephony.simulator.forms import Form, dial_form, voice_form
from telephony.simulator.interpreter import WAITING, WHISPER, CallEndedError, Interpreter, Sheet
from telephony.simulator.phones import LineKind
from telephony.simulator.switchboard import Switchboard
from telephony.simulator.twiml import Conference, Dial, Number, TwimlError
from telephony.simulator.webhooks_out import ReportProblem, WebhookFailedError, WebhookSender, resolved


class Dialler:
    """Executes Dial for the interpreter."""

    def __init__(
        self,
        *,
        switchboard: Switchboard,
        rooms: Rooms,
        interpreter: Interpreter,
        webhooks: WebhookSender,
        tasks: Tasks,
        report: ReportProblem,
    ) -> None:
        self._switchboard = switchboard
        self._rooms = rooms
        self._interpreter = interpreter
        self._webhooks = webhooks
        self._tasks = tasks
        self._report = report

    async def dial(self, call: Call, verb: Dial, sheet: Sheet) -> Sheet | None:
        """Connect, wait until that is over, and ask ``action`` for what comes next, if there is one."""
        if verb.conference is None and not verb.numbers:
            return None
        action = resolved(sheet.url, verb.action) if verb.action else ""
        outcome: Form = {"DialCallStatus": "answered" if verb.conference else "canceled"}
        try:
            if verb.conference is not None:
                await self._join(call, verb.conference, sheet)
            else:
                outcome = await self._ring_numbers(call, verb, sheet)
        except asyncio.CancelledError:
            if call.is_over and action:
                self._tell_after_hang_up(call, action, verb.method, outcome)
            raise
        if not action:
            return None
        return await self._interpreter.fetch(call, action, method=verb.method, more=outcome)

    def _tell_after_hang_up(self, call: Call, url: str, method: str, outcome: Form) -> None:
        """Who hung up hears nothing more, but the program learns how the Dial ended."""
        form = voice_form(call, self._switchboard.settings.account_sid) | outcome
        self._tasks.spawn(self._webhooks.notify(url, form, method=method))

    # --- conference

    async def _join(self, call: Call, noun: Conference, sheet: Sheet) -> None:
        status_url = resolved(sheet.url, noun.status_url) if noun.status_url else ""
        room, participant = self._rooms.enter(call, noun, status_url)
        try:
            if await self._wait_for_start(room, participant, sheet):
                await participant.gone.wait()
        finally:
            self._rooms.leave(room, participant)

    async def _wait_for_start(self, room: Room, participant: Participant, sheet: Sheet) -> bool:
        """Hear the waiting document until talk begins; false when the wait ended in any other way."""
        everything: list[asyncio.Future[bool]] = [
            asyncio.ensure_future(room.started.wait()),
            asyncio.ensure_future(participant.gone.wait()),
            asyncio.ensure_future(self._hear_waiting(participant, sheet, room)),
        ]
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            return room.started.is_set() and not participant.gone.is_set()
        finally:
            for future in everything:
                future.cancel()

    async def _hear_waiting(self, participant: Participant, sheet: Sheet, room: Room) -> bool:
        """The waiting document does not repeat by itself.

        When it cannot be had, the participant is dropped.
        """
        call, noun = participant.call, participant.noun
        if room.started.is_set():
            return True
        if noun.wait_url is None:
            self._switchboard.hear(call, LineKind.PLAY, "music")
        elif noun.wait_url:
            try:
                url = resolved(sheet.url, noun.wait_url)
                first = await self._interpreter.fetch(call, url, method=noun.wait_method)
                await self._interpreter.run(call, first, allowed=WAITING)
            except WebhookFailedError as fault:
                self._report(fault.code, fault.url, fault.reason)
                return False
            except TwimlError as fault:
                self._report(fault.code, noun.wait_url, fault.reason)
                return False
        await room.started.wait()
        return True

    # --- numbers

    async def _ring_numbers(self, call: Call, verb: Dial, sheet: Sheet) -> Form:
        legs = [self._open_leg(call, verb, noun, sheet) for noun in verb.numbers]
        taken: asyncio.Event | None = None
        try:
            self._switchboard.hear(call, LineKind.NOTE, "ringback")
            index = await self._first_to_answer(legs, verb.timeout_s)
            if index is None:
                return dial_form(_worst(legs), legs[-1], is_bridged=False)
            leg, noun = legs[index], verb.numbers[index]
            for other in legs:
                if other is not leg:
                    self._switchboard.finish(other, CallStatus.CANCELED)
            if noun.url:
                await self._whisper(leg, noun, sheet)
            if leg.is_over:
                return dial_form(CallStatus.NO_ANSWER, leg, is_bridged=False)
            taken = leg.taken_away
            await self._bridge(call, leg, taken)
            return dial_form(CallStatus.COMPLETED, leg, is_bridged=True)
        finally:
            self._switchboard.connect(call, ())
            for leg in legs:
                if taken is None or not taken.is_set():
                    self._switchboard.finish(leg, CallStatus.CANCELED)

    def _open_leg(self, call: Call, verb: Dial, noun: Number, sheet: Sheet) -> Call:
        plan = None
        if noun.status_url:
            plan = CallbackPlan(
                url=resolved(sheet.url, noun.status_url),
                method=noun.status_method,
                events=noun.status_events,
            )
        return self._switchboard.open_call(
            direction=Direction.OUTBOUND_DIAL,
            from_number=verb.caller_id or call.from_number,
            to_number=noun.number,
            plan=plan,
            parent_sid=call.sid,
        )

    async def _first_to_answer(self, legs: list[Call], timeout_s: float) -> int | None:
        """Ring all at once; the position of the first that is picked up, None when none was."""
        pending: set[asyncio.Task[None]] = set()
        for leg in legs:
            leg.script = self._tasks.spawn(self._ring(leg, timeout_s))
            pending.add(leg.script)
        while pending:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for index, leg in enumerate(legs):
                if leg.status is CallStatus.IN_PROGRESS:
                    return index
        return None

    async def _ring(self, leg: Call, timeout_s: float) -> None:
        await self._switchboard.ring(leg, timeout_s)

    async def _whisper(self, leg: Call, noun: Number, sheet: Sheet) -> None:
        """What the called person hears before being connected; a Hangup in it declines."""
        leg.script = self._tasks.spawn(self._run_whisper(leg, noun, sheet))
        await asyncio.wait({leg.script})

    async def _run_whisper(self, leg: Call, noun: Number, sheet: Sheet) -> None:
        try:
            url = resolved(sheet.url, noun.url)
            first = await self._interpreter.fetch(leg, url, method=noun.method)
            await self._interpreter.run(leg, first, allowed=WHISPER)
        except CallEndedError as end:
            self._switchboard.finish(leg, end.status)
        except WebhookFailedError as fault:
            self._report(fault.code, fault.url, fault.reason)
            self._switchboard.finish(leg, CallStatus.FAILED)
        except TwimlError as fault:
            self._report(fault.code, noun.url, fault.reason)
            self._switchboard.finish(leg, CallStatus.FAILED)

    async def _bridge(self, call: Call, leg: Call, taken: asyncio.Event) -> None:
        """Both talk until the called one hangs up or is taken elsewhere."""
        self._switchboard.answer(call)
        self._switchboard.connect(call, (leg,))
        self._switchboard.connect(leg, (call,))
        over = asyncio.ensure_future(leg.over.wait())
        away = asyncio.ensure_future(taken.wait())
        try:
            await asyncio.wait({over, away}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            away.cancel()


def _worst(legs: list[Call]) -> CallStatus:
    """How a Dial ended in which nobody answered: what the likeliest person to ask again said."""
    endings = {leg.status for leg in legs}
    for status in (CallStatus.NO_ANSWER, CallStatus.BUSY, CallStatus.FAILED):
        if status in endings:
            return status
    return CallStatus.NO_ANSWER
