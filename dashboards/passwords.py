"""Passwords: hashing them, and comparing in the same time whether the user exists or not."""

import threading
from functools import cache

from pwdlib import PasswordHash

# Argon2 takes a core for tens of milliseconds: a flood of log-ins must leave the machine to the telephone.
_AT_ONCE = threading.BoundedSemaphore(2)
_hasher = PasswordHash.recommended()


def hash_password(password: str) -> str:
    """The argon2 hash to keep in the user's row."""
    with _AT_ONCE:
        return _hasher.hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Whether *password* is right; None stands for an unknown user and takes just as long."""
    with _AT_ONCE:
        nobody = _hash_of_nobody()
        matches = _hasher.verify(password, password_hash or nobody)
    return matches and password_hash is not None


@cache
def _hash_of_nobody() -> str:
    # With the first log-in, not with the start: the telephone waits for that one.
    return _hasher.hash("nobody has this password")
