"""Identifiers 1, 2, 3 … for tests that want the same run twice."""

import itertools
import threading
import uuid


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
