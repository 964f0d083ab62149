"""Every provider of ``telephony/providers``, as the contract tests make it.

A new provider needs one line here; a test fails until it has one.
"""

from collections.abc import Callable

from dispatch.ports import CallRequest, TelephonyProvider, TextRequest
from telephony.providers.twilio import TwilioProvider

SERVICE = "+62911000911"
ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "an-invented-auth-token"

Make = Callable[[str, float], TelephonyProvider]
"""From the base address of its API and the seconds that it may wait for an answer."""


def _twilio(api_url: str, read_timeout_s: float) -> TelephonyProvider:
    return TwilioProvider(
        name="twilio",
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        number=SERVICE,
        api_url=api_url,
        read_timeout_s=read_timeout_s,
    )


PROVIDERS: dict[str, Make] = {"twilio": _twilio}


def call_request(base: str, to_number: str) -> CallRequest:
    return CallRequest(
        to_number=to_number, answer_url=f"{base}/answer", status_url=f"{base}/status", ring_s=60
    )


def text_request(base: str, to_number: str, body: str = "DARURAT 123") -> TextRequest:
    return TextRequest(to_number=to_number, body=body, status_url=f"{base}/status", valid_s=600)
