"""The parameters of every webhook, as Twilio documents them (TESTBED 2.3, 2.4, 2.5, 2.6).

Nothing more is sent than the documents name, so that a program that works here relies on nothing that is
not there.
"""

from datetime import datetime
from email.utils import format_datetime

from telephony.simulator.calls import Call, CallStatus, Direction

API_VERSION = "2010-04-01"
Form = dict[str, str]


def rfc2822(instant: datetime | None) -> str | None:
    """An instant as Twilio writes it: ``Mon, 23 Nov 2026 12:00:00 +0000``."""
    return None if instant is None else format_datetime(instant)


def voice_form(call: Call, account_sid: str) -> Form:
    """What every request for a document carries."""
    form = {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "CallSid": call.sid,
        "CallStatus": call.status.value,
        "Called": call.to_number,
        "Caller": call.from_number,
        "Direction": call.direction.value,
        "From": call.from_number,
        "To": call.to_number,
    }
    if call.parent_sid is not None:
        form["ParentCallSid"] = call.parent_sid
    return form


def status_form(call: Call, account_sid: str, *, sequence: int, at: datetime) -> Form:
    """What a call's status callback carries; durations only at its end."""
    form = voice_form(call, account_sid) | {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(at),
    }
    if call.is_over:
        form["CallDuration"] = str(call.duration_s)
        form["Duration"] = str(-(-call.duration_s // 60))
        if call.sip_response_code is not None:
            form["SipResponseCode"] = call.sip_response_code
    return form


def dial_form(outcome: CallStatus, child: Call, *, is_bridged: bool) -> Form:
    """What the ``action`` of a Dial learns of the phone that was rung."""
    form = {
        "DialBridged": "true" if is_bridged else "false",
        "DialCallSid": child.sid,
        "DialCallStatus": outcome.value,
    }
    if is_bridged:
        form["DialCallDuration"] = str(child.duration_s)
    return form


def message_form(*, account_sid: str, sid: str, from_number: str, to_number: str) -> Form:
    """What every request about a text message carries."""
    return {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "From": from_number,
        "MessageSid": sid,
        "SmsSid": sid,
        "To": to_number,
    }


def first_status(direction: Direction) -> CallStatus:
    """The state in which a leg is born."""
    return CallStatus.RINGING if direction is Direction.INBOUND else CallStatus.QUEUED
