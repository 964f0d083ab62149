"""The provider's requests as bytes: the fields that Twilio sends, signed as Twilio signs.

Decides what a webhook looks like on the wire; sends nothing. The signature is computed here and not by the
provider's library, because the generator shares its cores with the server that it measures.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

TOKEN = "bench-token-not-a-secret"  # noqa: S105 - belongs to the stand-in alone
ACCOUNT = "AC" + "0" * 32
SERVICE_NUMBER = "+62911000911"

_SENT_AT = "Mon, 23 Nov 2026 03:04:05 +0000"
_NOWHERE = {f"{who}{what}": "" for who in ("From", "To") for what in ("City", "State", "Zip")}


def signature(url: str, form: Mapping[str, str]) -> str:
    """Twilio's: HMAC-SHA1 over the address and the sorted fields."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def post(url: str, form: Mapping[str, str]) -> bytes:
    """A whole signed request to *url*, over a connection that stays open."""
    _, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    body = urlencode(form).encode()
    head = (
        f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        f"X-Twilio-Signature: {signature(url, form)}\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def caller_number(number: int) -> str:
    """The *number*-th resident's; no two are alike."""
    return f"+62853{number:08d}"


def incoming(sid: str, caller: str, status: str = "ringing", **more: str) -> dict[str, str]:
    """The fields of a request about the caller's call."""
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "CallSid": sid,
        "CallStatus": status,
        "Called": SERVICE_NUMBER,
        "Caller": caller,
        "CallerCountry": "ID",
        "Direction": "inbound",
        "From": caller,
        "FromCountry": "ID",
        "To": SERVICE_NUMBER,
        "ToCountry": "ID",
        **_NOWHERE,
        **more,
    }


def outgoing(sid: str, to_number: str, status: str, **more: str) -> dict[str, str]:
    """The fields of a request about a call that the service asked for."""
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "CallSid": sid,
        "CallStatus": status,
        "Called": to_number,
        "Caller": SERVICE_NUMBER,
        "Direction": "outbound-api",
        "From": SERVICE_NUMBER,
        "To": to_number,
        **more,
    }


def progress(sid: str, to_number: str, status: str, sequence: int) -> dict[str, str]:
    """A status callback of such a call."""
    return outgoing(
        sid,
        to_number,
        status,
        CallbackSource="call-progress-events",
        SequenceNumber=str(sequence),
        Timestamp=_SENT_AT,
    )


def text_status(sid: str, to_number: str, status: str) -> dict[str, str]:
    """A status callback of a text that the service sent."""
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "From": SERVICE_NUMBER,
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsSid": sid,
        "SmsStatus": status,
        "To": to_number,
    }


def text_in(sid: str, sender: str, words: str) -> dict[str, str]:
    """A text that somebody sends to the service."""
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": words,
        "From": sender,
        "FromCountry": "ID",
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": SERVICE_NUMBER,
        "ToCountry": "ID",
        **_NOWHERE,
    }


def room_event(sid: str, event: str, sequence: int) -> dict[str, str]:
    """Somebody's leg joins (``participant-join``) or leaves (``participant-leave``) a room."""
    return {
        "AccountSid": ACCOUNT,
        "ConferenceSid": "CF" + sid[2:],
        "FriendlyName": "room",
        "SequenceNumber": str(sequence),
        "Timestamp": _SENT_AT,
        "StatusCallbackEvent": event,
        "CallSid": sid,
        "Muted": "false",
        "Hold": "false",
        "Coaching": "false",
        "EndConferenceOnExit": "false",
        "StartConferenceOnEnter": "false",
    }


def recording(sid: str) -> dict[str, str]:
    """The room's recording is complete."""
    return {
        "AccountSid": ACCOUNT,
        "ConferenceSid": "CF" + sid[2:],
        "RecordingSid": "RE" + sid[2:],
        "RecordingUrl": f"https://api.example/Recordings/RE{sid[2:]}",
        "RecordingStatus": "completed",
        "RecordingDuration": "63",
        "RecordingChannels": "1",
        "RecordingStartTime": _SENT_AT,
        "RecordingSource": "Conference",
        "RecordingTrack": "both",
    }
