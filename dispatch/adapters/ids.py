"""Identifiers that sort by time, and secrets."""

import secrets
import string
import threading
import time

_ALPHABET = string.ascii_letters + string.digits


class RandomIds:
    """Identifiers in the layout of UUID version 7 (RFC 9562): milliseconds, a counter, then randomness.

    New rows land at the end of an index, which keeps inserting cheap at a million incidents, and what one
    process makes sorts in the order in which it was made: who is asked first is rung first.
    """

    def __init__(self) -> None:
        """Start before every instant."""
        self._lock = threading.Lock()
        self._latest = 0

    def new_id(self) -> str:
        """A new identifier; unique across processes, ascending within one."""
        with self._lock:
            # Milliseconds and twelve bits of counter; a full counter, or a clock set back, runs ahead.
            self._latest = max(time.time_ns() // 1_000_000 << 12, self._latest + 1)
            milliseconds, count = divmod(self._latest, 1 << 12)
        value = milliseconds << 80 | 0x7 << 76 | count << 64 | 0b10 << 62 | secrets.randbits(62)
        digits = f"{value:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def salt(self) -> bytes:
        """Sixteen random bytes."""
        return secrets.token_bytes(16)

    def token(self) -> str:
        """Sixteen characters of letters and digits: 95 bits."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(16))
