"""Identifiers that sort by time, and secrets."""

import secrets
import string
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
