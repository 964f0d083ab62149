"""A call of ours, from the moment it is picked up: the alert, its key, its minutes, its end.

The delivery's identifier in the address says what is being answered.
"""

from contextlib import suppress
from datetime import datetime

from dispatch.domain.commands import Action, ActOnIncident
from dispatch.domain.effects import Purpose
from dispatch.domain.errors import AlreadyThereError, DispatchError
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import AssignmentStatus, Source
from dispatch.service import alert_calls, delivery_reports, intake, progress
from dispatch.service.alert_calls import AnsweredCall
from telephony.context import TelephonyContext
from telephony.documents import Documents, text_reply
from telephony.forms import Form, whole_number

_KEYS = {
    "1": Action.ACCEPT,
    "2": Action.DECLINE,
    "3": Action.EN_ROUTE,
    "4": Action.ON_SCENE,
    "5": Action.AVAILABLE,
    "6": Action.HELP,
    "7": Action.STAGE,
    "8": Action.LEAVE_SCENE,
}

_MINUTES_DIGITS = 3


class AlertFlow:
    """Answers the webhooks about calls and texts that the program itself started."""

    def __init__(self, context: TelephonyContext, documents: Documents) -> None:
        """Render with *documents*."""
        self._services = context.services
        self._prompts = context.prompts
        self._documents = documents

    def answer(self, form: Form, _at: datetime, delivery_id: str) -> str:
        """Somebody picked up."""
        call = alert_calls.answered(self._services, delivery_id, in_turn=True)
        if call is None or call.picked_up_sid != form.get("CallSid", ""):
            # Its callback comes later, or never.
            self._note_progress(form, delivery_id, alert_calls.PICKED_UP)
            call = alert_calls.answered(self._services, delivery_id, in_turn=True)
        if call is None:
            return self._documents.goodbye(self._prompts.already_taken())
        if call.purpose is Purpose.CONNECT:
            return self._connect(call)
        if call.purpose is Purpose.CALL_BACK:
            return self._called_back(call)
        return self._alert(call, delivery_id)

    def key(self, form: Form, at: datetime, delivery_id: str) -> str:
        """The worker pressed a key; ``110`` is 1 and ten minutes."""
        call = alert_calls.answered(self._services, delivery_id)
        if call is None or call.staff_code is None:
            return self._documents.goodbye(self._prompts.already_taken())
        digits = form.get("Digits", "").strip().rstrip("#")
        action = _KEYS.get(digits[:1])
        if action is None:
            return self._alert(call, delivery_id)
        minutes = _minutes(digits[1:]) if action is Action.ACCEPT else None
        try:
            incident = self._act(call, action, minutes, at, delivery_id)
        except AlreadyThereError:
            incident = call.incident
        except DispatchError:
            words = self._prompts.already_taken() if call.incident.is_closed else self._prompts.refused()
            return self._documents.goodbye(words)
        if action is Action.ACCEPT:
            return self._accepted(call, incident, delivery_id)
        words = self._prompts.declined() if action is Action.DECLINE else self._prompts.done()
        return self._documents.goodbye(words)

    def minutes(self, form: Form, at: datetime, delivery_id: str) -> str:
        """The minutes to arrival, typed after the acceptance; then into the room."""
        call = alert_calls.answered(self._services, delivery_id)
        if call is None or call.assignment is None:
            return self._documents.goodbye(self._prompts.already_taken())
        minutes = _minutes(form.get("Digits", "").strip().rstrip("#"))
        if minutes is not None and call.assignment.is_engaged:
            # Closed in this very moment: the minutes do not matter any more, and the talk goes on.
            with suppress(DispatchError):
                self._act(call, Action.ETA, minutes, at, delivery_id)
        return self._documents.join(
            call.incident.id, self._prompts.done(), join=call.caller_can_join, ends_room=_ends_room(call)
        )

    def hold(self, _form: Form, _at: datetime, incident_id: str) -> str:
        """What a worker hears who is in the room before the caller."""
        return self._documents.hold(incident_id)

    def hold_words(self) -> str:
        """The same when anything is wrong: a failing document would disconnect them."""
        return self._documents.hold("unknown")

    def trouble(self) -> str:
        """What a worker hears when nothing can be recorded at the moment."""
        return self._documents.goodbye(self._prompts.trouble())

    def status(self, form: Form, _at: datetime, delivery_id: str, channel: str) -> str:
        """A status callback of one of our calls or texts."""
        field = "CallStatus" if channel == "voice" else "MessageStatus"
        self._note_progress(form, delivery_id, form.get(field, ""))
        return text_reply(None)

    def _note_progress(self, form: Form, delivery_id: str, status: str) -> None:
        delivery_reports.callback(
            self._services,
            delivery_id,
            provider_sid=form.get("CallSid") or form.get("MessageSid"),
            status=status,
            sequence=whole_number(form, "SequenceNumber"),
            error_code=form.get("ErrorCode") or _ending(form, status),
        )

    def _alert(self, call: AnsweredCall, delivery_id: str) -> str:
        incident, mine = call.incident, call.assignment
        if mine is not None and mine.is_engaged:
            # They accepted elsewhere while this call was still ringing.
            return self._connect(call)
        taken = mine is None or mine.status is AssignmentStatus.STOOD_DOWN or incident.is_closed
        if taken:
            return self._documents.goodbye(self._prompts.already_taken())
        words = self._prompts.alert(
            short_number=incident.short_number,
            priority=incident.priority,
            category=incident.category,
            place=incident.location.text or incident.location.place,
        )
        return self._documents.alert(delivery_id, words)

    def _act(
        self, call: AnsweredCall, action: Action, minutes: int | None, at: datetime, delivery_id: str
    ) -> Incident:
        key = f"keypad:{delivery_id}:{action}:{at.isoformat()}"
        mine = call.assignment
        if action is Action.ON_SCENE and mine is not None and mine.status is AssignmentStatus.TRANSPORTING:
            action = Action.ARRIVE_FACILITY
        return progress.act_once(
            self._services,
            ActOnIncident(
                incident_id=call.incident.id,
                action=action,
                actor=f"staff:{call.staff_code}",
                source=Source.KEYPAD,
                staff_code=call.staff_code,
                minutes=minutes,
                occurred_at=at,
            ),
            key=key,
            place=call.place,
        )

    def _accepted(self, call: AnsweredCall, incident: Incident, delivery_id: str) -> str:
        mine = incident.assignment(call.staff_code or "")
        words = self._prompts.accepted(
            primary=mine is not None and mine.is_primary, caller_waits=incident.live_call is not None
        )
        return self._documents.accepted(
            delivery_id, incident.id, words, join=call.caller_can_join, ends_room=_ends_room(call)
        )

    def _connect(self, call: AnsweredCall) -> str:
        if not call.caller_waits or call.staff_code is None:
            return self._documents.goodbye(self._prompts.caller_gone())
        alert_calls.begin_joining(self._services, call.incident.id, call.staff_code)
        return self._documents.join(
            call.incident.id, self._prompts.connecting(), join=True, ends_room=_ends_room(call)
        )

    def _called_back(self, call: AnsweredCall) -> str:
        if call.call_id is None or call.incident.is_closed:
            return self._documents.goodbye(self._prompts.closed())
        intake.return_call(self._services, call.incident.id, call.call_id)
        timeout_s = call.incident.policy.caller.menu_timeout_s
        return self._documents.greeting(call.incident.id, menu_timeout_s=timeout_s, called_back=True)


def _ending(form: Form, status: str) -> str | None:
    """Why a call did not come about: the network tells a wrong number from a weak signal."""
    code = form.get("SipResponseCode", "").strip()
    return f"sip-{code}" if status == "failed" and code.isdigit() else None


def _minutes(digits: str) -> int | None:
    """Minutes to arrival as they were typed, or None when it is nothing of the kind."""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MINUTES_DIGITS else None


def _ends_room(call: AnsweredCall) -> bool:
    """A responder's hanging up ends the talk; a call taker's leaves the caller to who comes next."""
    return call.assignment is not None and call.assignment.role.can_be_primary
