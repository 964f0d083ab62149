"""The caller's way through a call, and a text's: each method answers one webhook.

A method carries out its command first and renders only what is committed. It may raise: the boundary in
``webhooks`` then connects the caller to a person.
"""

from dataclasses import replace
from datetime import datetime

from dispatch.domain.commands import ChooseFromMenu, EndCall, ReceiveCall, ReceiveText
from dispatch.domain.errors import IncidentNotFoundError
from dispatch.domain.phones import normalise
from dispatch.service import alert_calls, intake, texting
from telephony.context import TelephonyContext
from telephony.documents import Documents, text_reply
from telephony.forms import Form, required, whole_number
from telephony.replies import reply_to

_ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
_WRONG_NUMBER = "9"


class CallerFlow:
    """Answers the webhooks about callers."""

    def __init__(self, context: TelephonyContext) -> None:
        """Use the facility's words and numbers from *context*."""
        self._context = context
        self._services = context.services
        self._prompts = context.prompts
        self.documents = Documents(context.addresses, context.prompts, context.phones.handoff)

    def fallback(self) -> str:
        """Connects the caller to whoever is on duty by now, without a database."""
        return self.documents.fallback(self._context.phones.numbers(self._services.clock.now()))

    def ring(self, form: Form, at: datetime) -> str:
        """A call comes in: the incident is committed before the first word."""
        state = intake.receive_call(
            self._services,
            ReceiveCall(
                provider=self._context.provider,
                provider_sid=required(form, "CallSid"),
                caller_number=normalise(form.get("From", "")),
                received_at=at,
                body=dict(form),
            ),
        )
        if state.is_closed:
            return self.documents.goodbye(self._prompts.closed())
        if state.menu_digit is not None:
            return self.documents.waiting_room(state.incident_id, state.menu_digit)
        timeout_s = self._services.policy.caller.menu_timeout_s
        return self.documents.greeting(state.incident_id, menu_timeout_s=timeout_s)

    def menu(self, form: Form, at: datetime) -> str:
        """The caller pressed a key."""
        digit = form.get("Digits", "").strip()[:1]
        command = ChooseFromMenu(provider_sid=required(form, "CallSid"), digit=digit, occurred_at=at)
        state = intake.choose_from_menu(self._services, command)
        if state is None:
            # Not a call of ours: a caller is on the line all the same.
            return self.fallback()
        if digit == _WRONG_NUMBER:
            return self.documents.goodbye(self._prompts.wrong_number())
        if state.is_closed:
            return self.documents.goodbye(self._prompts.closed())
        return self.documents.waiting_room(state.incident_id, digit)

    def after_room(self, form: Form, _at: datetime) -> str:
        """The room ended while the caller is still on the line."""
        state = intake.call_state(self._services, required(form, "CallSid"))
        if state is None:
            return self.fallback()
        if state.is_closed:
            return self.documents.goodbye(self._prompts.closed())
        if state.has_primary:
            return self.documents.goodbye(self._prompts.on_the_way())
        return self.documents.waiting_room(state.incident_id, state.menu_digit)

    def status(self, form: Form, at: datetime) -> str:
        """The number's status callback: only the end of a call means something."""
        status = form.get("CallStatus", "")
        if status in _ENDED:
            command = EndCall(provider_sid=required(form, "CallSid"), provider_status=status, occurred_at=at)
            intake.end_call(self._services, command)
        return text_reply(None)

    def wait(self, _form: Form, _at: datetime, incident_id: str) -> str:
        """What the room says to whoever waits in it."""
        try:
            state = intake.incident_state(self._services, incident_id)
        except IncidentNotFoundError:
            # A room of before the database was restored, perhaps: whoever waits in it goes on waiting.
            return self.wait_words()
        return self.documents.wait(incident_id, accepted=state.has_primary)

    def wait_words(self) -> str:
        """The same when nothing can be looked up: a failing document would disconnect the caller."""
        return self.documents.wait("unknown", accepted=False)

    def room_event(self, form: Form, at: datetime, incident_id: str) -> str:
        """Somebody entered or left a room; who comes second, worker or caller, makes the call answered."""
        if form.get("StatusCallbackEvent") == "participant-join":
            meeting = alert_calls.enter_room(self._services, incident_id, required(form, "CallSid"))
            if meeting is not None:
                intake.join_caller(self._services, replace(meeting, occurred_at=at))
        return text_reply(None)

    def recording(self, form: Form, _at: datetime, incident_id: str) -> str:
        """A recording of the room is complete at the provider."""
        alert_calls.keep_recording(
            self._services,
            incident_id,
            recording_sid=required(form, "RecordingSid"),
            duration_s=whole_number(form, "RecordingDuration") or 0,
        )
        return text_reply(None)

    def release(self, _form: Form, _at: datetime) -> str:
        """The caller's incident was closed while they waited."""
        return self.release_words()

    def release_words(self) -> str:
        """The last words in that case."""
        return self.documents.goodbye(self._prompts.closed())

    def text(self, form: Form, at: datetime) -> str:
        """A text comes in: a worker's command, or a resident's emergency."""
        sid = form.get("MessageSid") or required(form, "SmsSid")
        raw_sender = form.get("From", "").strip()
        answer = texting.receive_text(
            self._services,
            ReceiveText(
                provider=self._context.provider,
                provider_sid=sid,
                sender=normalise(raw_sender),
                raw_sender=raw_sender,
                text=form.get("Body", ""),
                received_at=at,
                body=dict(form),
            ),
            reply_to,
        )
        return text_reply(answer if isinstance(answer, str) else reply_to(answer))
