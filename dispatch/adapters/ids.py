"""Identifiers that sort by time, and secrets."""

import itertools
import secrets
import string
import threading
import time
import uuid

_ALPHABET = string.ascii_letters + string.digits


class RandomIds:
    """Identifiers in the layout of UUID version 7 (RFC 9562): milliseconds first, then randomness.

    New rows land at the end of an index, which keeps inserting cheap at a million incidents.
    """

    def new_id(self) -> str:
        """A new identifier; unique across processes."""
        milliseconds = time.time_ns() // 1_000_000
        value = (
            milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
        )
        return str(uuid.UUID(int=value))

    def salt(self) -> bytes:
        """Sixteen random bytes."""
        return secrets.token_bytes(16)

    def token(self) -> str:
        """Sixteen characters of letters and digits: 95 bits."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(16))


class CountingIds:
    """Identifiers 1, 2, 3 … for tests that want the same run twice."""

    def __init__(self) -> None:
        """Start at one."""
        self._next = itertools.count(1)
        self._lock = threading.Lock()

    def new_id(self) -> str:
        """The next number, dressed as an identifier."""
        with self._lock:
            return str(uuid.UUID(int=next(self._next)))

    def salt(self) -> bytes:
        """The next number as sixteen bytes."""
        with self._lock:
            return next(self._next).to_bytes(16, "big")

    def token(self) -> str:
        """The next number as sixteen digits."""
        with self._lock:
            return f"{next(self._next):016d}"
