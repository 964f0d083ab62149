"""Paging by key: a page starts after the last row of the one before, however many rows have arrived since.

A cursor is the instant and the identifier of that row, made opaque so that nobody builds one by hand.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime

DEFAULT_LIMIT = 50
LIMIT_MAX = 500


class CursorError(ValueError):
    """This text is no cursor of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The last row of a page, newest first."""

    at: datetime
    id: str


def encode(position: Position) -> str:
    """*position* as text that can stand in an address."""
    written = json.dumps([position.at.astimezone(UTC).isoformat(), position.id]).encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def decode(text: str) -> Position:
    """The inverse of :func:`encode`.

    Raises:
        CursorError: it was not made here.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        at, row_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        instant = datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise CursorError("is no cursor of this listing") from error
    if not isinstance(row_id, str) or "\0" in row_id:
        raise CursorError("is no cursor of this listing")
    return Position(at=instant, id=row_id)
