"""What the REST facade answers: resources, lists and errors in Twilio's shapes, and a recording's silence."""

import io
import wave
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from telephony.simulator.calls import Call, CallStatus
from telephony.simulator.forms import API_VERSION, rfc2822
from telephony.simulator.switchboard import Recording
from telephony.simulator.texting import TextMessage, segments

Resource = dict[str, object]
_PAGE_SIZE_MAX = 1000
_SAMPLES_PER_S = 8000

MEANINGS = {
    20003: "Authentication Error - invalid username",
    20404: "The requested resource was not found",
    21201: "No 'To' number is specified",
    21205: "Url parameter is required, or Twiml",
    21210: "'From' phone number not verified",
    21211: "Invalid 'To' Phone Number",
    21213: "'From' phone number is required",
    21218: "Invalid Status or StatusCallbackEvent parameter",
    21220: "Invalid call state: the call is not in progress",
    21602: "Message body is required",
    21603: "A 'From' phone number is required",
    21604: "A 'To' phone number is required",
    21606: "The 'From' phone number is not a valid, message-capable number of this account",
    21609: "Invalid 'StatusCallback' URL",
    21617: "The concatenated message body exceeds the 1600 character limit",
    32018: "The Twiml parameter exceeds the limit of 4000 characters",
}


class RestRefusedError(Exception):
    """A request is refused with one of Twilio's codes."""

    def __init__(self, code: int, detail: str = "", *, http_status: int = 400) -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail
        self.http_status = http_status

    def as_json(self) -> Resource:
        """The error as Twilio writes it."""
        meaning = MEANINGS[self.code]
        return {
            "code": self.code,
            "message": f"{meaning}: {self.detail}" if self.detail else meaning,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.http_status,
        }


def account_uri(account_sid: str) -> str:
    """Path of everything that belongs to the account."""
    return f"/{API_VERSION}/Accounts/{account_sid}"


def call_json(call: Call, account_sid: str) -> Resource:
    """A call resource; an inbound call rings for a moment only, and is shown so."""
    uri = f"{account_uri(account_sid)}/Calls/{call.sid}"
    status = CallStatus.QUEUED if call.status is CallStatus.INITIATED else call.status
    return {
        "account_sid": account_sid,
        "annotation": None,
        "answered_by": None,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": rfc2822(call.created_at),
        "date_updated": rfc2822(call.ended_at or call.answered_at or call.created_at),
        "direction": call.direction.value,
        "duration": str(call.duration_s) if call.is_over else None,
        "end_time": rfc2822(call.ended_at),
        "forwarded_from": None,
        "from": call.from_number,
        "from_formatted": call.from_number,
        "group_sid": None,
        "parent_call_sid": call.parent_sid,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid,
        "start_time": rfc2822(call.answered_at or call.ended_at),
        "status": status.value,
        "subresource_uris": {
            "recordings": f"{uri}/Recordings.json",
            "notifications": f"{uri}/Notifications.json",
        },
        "to": call.to_number,
        "to_formatted": call.to_number,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def message_json(message: TextMessage, account_sid: str) -> Resource:
    """A message resource."""
    uri = f"{account_uri(account_sid)}/Messages/{message.sid}"
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": rfc2822(message.created_at),
        "date_sent": rfc2822(message.sent_at),
        "date_updated": rfc2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": None,
        "from": message.from_number,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(segments(message.body)),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to_number,
        "uri": f"{uri}.json",
    }


def recording_json(sid: str, recording: Recording, account_sid: str) -> Resource:
    """A recording resource."""
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "call_sid": recording.call_sid,
        "channels": 1,
        "conference_sid": None,
        "date_created": rfc2822(recording.made_at),
        "date_updated": rfc2822(recording.made_at),
        "duration": str(recording.length_s),
        "error_code": None,
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "source": "RecordVerb",
        "start_time": rfc2822(recording.made_at),
        "status": "completed",
        "subresource_uris": {},
        "track": None,
        "uri": f"{account_uri(account_sid)}/Recordings/{sid}.json",
    }


def account_json(account_sid: str) -> Resource:
    """The account resource."""
    return {
        "auth_token": None,
        "date_created": None,
        "date_updated": None,
        "friendly_name": "Siaga 911 phone simulator",
        "owner_account_sid": account_sid,
        "sid": account_sid,
        "status": "active",
        "subresource_uris": {},
        "type": "Full",
        "uri": f"{account_uri(account_sid)}.json",
    }


def list_json(
    name: str, items: Sequence[Resource], *, account_sid: str, asked: Mapping[str, str], under: str = ""
) -> Resource:
    """One page of a list, newest first, with the addresses of its neighbours."""
    size = min(_PAGE_SIZE_MAX, max(1, _whole(asked.get("PageSize", ""), 50)))
    page = _whole(asked.get("Page", ""), 0)
    start = page * size
    chosen = list(items[start : start + size])
    path = f"{account_uri(account_sid)}{under}/{name.capitalize()}.json"

    def uri(number: int) -> str:
        return f"{path}?{urlencode({**asked, 'Page': number, 'PageSize': size})}"

    return {
        name: chosen,
        "end": start + max(0, len(chosen) - 1),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if start + size < len(items) else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page else None,
        "start": start,
        "uri": uri(page),
    }


def silence(length_s: int) -> bytes:
    """A recording in which nobody speaks: WAV, mono, eight bits at 8 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_SAMPLES_PER_S)
        file.writeframes(b"\x80" * (_SAMPLES_PER_S * min(length_s, 60)))
    return out.getvalue()


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default
