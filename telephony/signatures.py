"""Whether a webhook really comes from the provider.

The check is the provider's own (``twilio.request_validator``), against the public address from the
settings and never against what a proxy says it was (TESTBED 2.2). An empty key verifies nothing.
"""

import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope
from twilio.request_validator import RequestValidator, compare

BODY_LIMIT = 256 * 1024
"""Bytes; Twilio's own requests stay far below, a text has at most 1,600 characters."""


_HEADER = b"x-twilio-signature"
"""As servers write the names of headers (ASGI)."""


_NUL = re.compile(rb"\0|%00")


class ForgedError(Exception):
    """The request is not the provider's; ``reason`` is for the counter: missing, wrong or too_large."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


async def signed_form(
    scope: Scope, receive: Receive, *, public_url: str, auth_tokens: Mapping[str, str]
) -> dict[str, str]:
    """The form of a genuine request; of a repeated field the last value.

    Raises:
        ForgedError: the signature is missing or wrong, or the body is absurdly large.
        ClientDisconnect: whoever asked has gone before everything was said.
    """
    # As the server gives it: headers and address as pages get them are made anew for each request.
    signature = next((value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER), "")
    if not signature:
        raise ForgedError("missing")
    body = await _body(receive)
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    url = public_url + raw_path.split(b"?")[0].decode("latin-1")
    if query := scope["query_string"]:
        url = f"{url}?{query.decode('latin-1')}"
    form = _Fields()
    for name, value in fields:
        form.setdefault(name, []).append(value)
    for token in auth_tokens.values():
        if token and _is_signed(_validator(token), url, form, signature):
            once = dict(fields)
            if _NUL.search(body):
                return {_storable(name): _storable(value) for name, value in once.items()}
            return once
    raise ForgedError("wrong")


class _Fields(dict[str, list[str]]):
    """The values of each field, as the provider's library asks for them first.

    A plain mapping it asks in vain twice for each field, which takes longer than all the rest of the check.
    """

    getall = dict.__getitem__


@cache
def _validator(token: str) -> RequestValidator:
    return RequestValidator(token)


def _is_signed(validator: RequestValidator, url: str, form: _Fields, signature: str) -> bool:
    """Whether the provider signed this; the configured address is the likely one, and half the work."""
    if compare(validator.compute_signature(url, form), signature):
        return True
    return bool(validator.validate(url, form, signature))


def _storable(text: str) -> str:
    """The text with a visible sign for the one character that PostgreSQL cannot keep."""
    return text.replace("\0", "\ufffd")


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT:
            raise ForgedError("too_large")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)
