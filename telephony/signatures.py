"""Whether a webhook really comes from the provider.

The check is the provider's own (``twilio.request_validator``), against the public address from the
settings and never against what a proxy says it was (TESTBED 2.2). An empty key verifies nothing.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from twilio.request_validator import RequestValidator, compare

BODY_LIMIT = 256 * 1024
"""Bytes; Twilio's own requests stay far below, a text has at most 1,600 characters."""


class ForgedError(Exception):
    """The request is not the provider's; ``reason`` is for the counter: missing, wrong or too_large."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


async def signed_form(request: Request, *, public_url: str, auth_tokens: Mapping[str, str]) -> dict[str, str]:
    """The form of a genuine request; of a repeated field the last value.

    Raises:
        ForgedError: the signature is missing or wrong, or the body is absurdly large.
    """
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signature:
        raise ForgedError("missing")
    body = await _body(request)
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    raw_path = request.scope.get("raw_path") or request.url.path.encode()
    url = public_url + raw_path.split(b"?")[0].decode("latin-1")
    if request.url.query:
        url = f"{url}?{request.url.query}"
    once = dict(fields)
    form = once if len(once) == len(fields) else ImmutableMultiDict(fields)
    for token in auth_tokens.values():
        if token and _is_signed(RequestValidator(token), url, form, signature):
            return {_storable(name): _storable(value) for name, value in fields}
    raise ForgedError("wrong")


def _is_signed(validator: RequestValidator, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether the provider signed this; the configured address is the likely one, and half the work."""
    if compare(validator.compute_signature(url, form), signature):
        return True
    return bool(validator.validate(url, form, signature))


def _storable(text: str) -> str:
    """The text with a visible sign for the one character that PostgreSQL cannot keep."""
    return text.replace("\0", "\ufffd")


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise ForgedError("too_large")
        chunks.append(chunk)
    return b"".join(chunks)
