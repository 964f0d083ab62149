"""Text messages of the simulated network, both ways, with their states (TESTBED 2.6).

Decides when a text is sent, delivered or given up. A handset that is off keeps it waiting at ``sent``, as
long as the validity period lasts: a silent end that real routes know too.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from telephony.simulator.background import Tasks
from telephony.simulator.calls import Call
from telephony.simulator.forms import Form, message_form
from telephony.simulator.phones import Phone, TextOnPhone
from telephony.simulator.switchboard import Switchboard
from telephony.simulator.twiml import Document, Message, Redirect, TwimlError
from telephony.simulator.twiml_reader import read_document
from telephony.simulator.webhooks_out import ReportProblem, WebhookFailedError, WebhookSender, resolved

MESSAGES_MAX = 2000
VALIDITY_DEFAULT_S = 36_000.0
_REDIRECTS_MAX = 10
_HANDSET_UNKNOWN = 30005
_VALIDITY_EXPIRED = 30036

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("\f^{}\\[~]|€")


@dataclass(slots=True, kw_only=True, eq=False)
class TextMessage:
    """One text in the network; ``on_phone`` is the line of it that a handset shows."""

    sid: str
    direction: str
    from_number: str
    to_number: str
    body: str
    status: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    error_code: int | None = None
    status_url: str = ""
    validity_s: float = VALIDITY_DEFAULT_S
    on_phone: TextOnPhone | None = None


def segments(body: str) -> int:
    """How many segments a text takes: 160 GSM-7 signs or 70 others in one, 153 or 67 each in several."""
    if all(sign in _GSM7 or sign in _GSM7_TWICE for sign in body):
        length = sum(2 if sign in _GSM7_TWICE else 1 for sign in body)
        single, several = 160, 153
    else:
        length = len(body.encode("utf-16-be")) // 2
        single, several = 70, 67
    return 1 if length <= single else -(-length // several)


class Texting:
    """Carries texts from the program to phones, from phones to the program, and between phones."""

    def __init__(
        self, *, switchboard: Switchboard, webhooks: WebhookSender, tasks: Tasks, report: ReportProblem
    ) -> None:
        self._switchboard = switchboard
        self._settings = switchboard.settings
        self._webhooks = webhooks
        self._tasks = tasks
        self._report = report
        self.messages: dict[str, TextMessage] = {}

    # --- from the program

    def send(
        self,
        *,
        to_number: str,
        from_number: str,
        body: str,
        status_url: str = "",
        validity_s: float = VALIDITY_DEFAULT_S,
        direction: str = "outbound-api",
    ) -> TextMessage:
        """Accept a text for delivery; it is queued when this returns."""
        message = self._register(
            prefix="SM",
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            body=body,
            status="queued",
        )
        message.status_url, message.validity_s = status_url, validity_s
        self._tasks.spawn(self._deliver(message))
        return message

    def send_from_call(self, call: Call, verb: Message, base_url: str | None) -> None:
        """The Message verb inside a call: a text to whom the call is with."""
        self.send(
            to_number=verb.to or call.from_number,
            from_number=verb.from_number or self._settings.service_number,
            body=verb.body,
            status_url=resolved(base_url, verb.status_url) if verb.status_url else "",
            direction="outbound-reply",
        )

    async def _deliver(self, message: TextMessage) -> None:
        await asyncio.sleep(self._settings.waited_s(self._settings.queue_s))
        message.sent_at = self._switchboard.clock.now()
        self._advance(message, "sent")
        await asyncio.sleep(self._settings.waited_s(self._settings.queue_s))
        phone = self._switchboard.phones.get(message.to_number)
        if phone is None:
            message.error_code = _HANDSET_UNKNOWN
            self._advance(message, "undelivered")
            return
        try:
            async with asyncio.timeout(self._settings.waited_s(message.validity_s)):
                await phone.power.wait()
        except TimeoutError:
            message.error_code = _VALIDITY_EXPIRED
            self._advance(message, "undelivered")
            return
        self._show(phone, message, is_incoming=True)
        self._advance(message, "delivered")

    def _advance(self, message: TextMessage, status: str) -> None:
        message.status = status
        message.updated_at = self._switchboard.clock.now()
        if message.on_phone is not None:
            message.on_phone.status = status
        if message.status_url:
            self._switchboard.reports.send(message.sid, message.status_url, self._status_form(message))
        self._switchboard.changes.touch()

    def _status_form(self, message: TextMessage) -> Form:
        form = self._form(message) | {"MessageStatus": message.status, "SmsStatus": message.status}
        if message.error_code is not None:
            form["ErrorCode"] = str(message.error_code)
        if message.status in {"delivered", "undelivered"}:
            form["RawDlrDoneDate"] = message.updated_at.strftime("%y%m%d%H%M")
        return form

    # --- from phones

    def write(self, phone: Phone, to_number: str, body: str) -> TextMessage:
        """Somebody sends a text from a handset: to the service, or to another handset."""
        message = self._register(
            prefix="SM",
            direction="inbound",
            from_number=phone.number,
            to_number=to_number,
            body=body,
            status="received",
        )
        self._show(phone, message, is_incoming=False)
        if to_number == self._settings.service_number:
            self._tasks.spawn(self._hand_in(message))
        else:
            self._tasks.spawn(self._deliver(message))
        return message

    async def _hand_in(self, message: TextMessage) -> None:
        """Bring a text to the program, and carry out what it answers; on a failure nothing more happens."""
        form = self._form(message) | {
            "Body": message.body,
            "NumMedia": "0",
            "NumSegments": str(segments(message.body)),
            "SmsMessageSid": message.sid,
            "SmsStatus": "received",
        }
        url, method = self._settings.sms_url, "POST"
        try:
            for _ in range(_REDIRECTS_MAX):
                answer = await self._webhooks.fetch(url, form, method=method)
                document = read_document(answer.body) if answer.body else Document(verbs=())
                for warning in document.warnings:
                    self._report(12200, answer.url, warning)
                onward = self._reply(message, document, answer.url)
                if onward is None:
                    break
                url, method = urljoin(answer.url, onward.url), onward.method
        except WebhookFailedError as fault:
            self._report(fault.code, fault.url, fault.reason)
            self._mark(message, "failed")
        except TwimlError as fault:
            self._report(fault.code, url, fault.reason)
            self._mark(message, "failed")
        else:
            self._mark(message, "delivered")

    def _reply(self, message: TextMessage, document: Document, base_url: str) -> Redirect | None:
        """Send the texts of a document; the redirect that ends it, if there is one."""
        for verb in document.verbs:
            if isinstance(verb, Redirect):
                return verb
            if not isinstance(verb, Message):
                self._report(12200, base_url, f"<{type(verb).__name__}> is not allowed in a text's answer")
            elif verb.body:
                self.send(
                    to_number=verb.to or message.from_number,
                    from_number=verb.from_number or message.to_number,
                    body=verb.body,
                    status_url=urljoin(base_url, verb.status_url) if verb.status_url else "",
                    direction="outbound-reply",
                )
        return None

    def _mark(self, message: TextMessage, status: str) -> None:
        """What the sender's handset shows; the text itself stays ``received``."""
        if message.on_phone is not None:
            message.on_phone.status = status
        self._switchboard.changes.touch()

    # --- both ways

    def _register(
        self, *, prefix: str, direction: str, from_number: str, to_number: str, body: str, status: str
    ) -> TextMessage:
        now = self._switchboard.clock.now()
        message = TextMessage(
            sid=self._switchboard.new_sid(prefix),
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            body=body,
            status=status,
            created_at=now,
            updated_at=now,
        )
        self.messages[message.sid] = message
        while len(self.messages) > MESSAGES_MAX:
            self.messages.pop(next(iter(self.messages)))
        return message

    def _show(self, phone: Phone, message: TextMessage, *, is_incoming: bool) -> None:
        shown = TextOnPhone(
            position=phone.next_position(),
            sid=message.sid,
            is_incoming=is_incoming,
            peer=message.from_number if is_incoming else message.to_number,
            body=message.body,
            status=message.status if is_incoming else "sent",
            sent_at=self._switchboard.clock.now(),
        )
        phone.texts.append(shown)
        if message.on_phone is None:
            message.on_phone = shown
        self._switchboard.changes.touch()

    def _form(self, message: TextMessage) -> Form:
        return message_form(
            account_sid=self._settings.account_sid,
            sid=message.sid,
            from_number=message.from_number,
            to_number=message.to_number,
        )
