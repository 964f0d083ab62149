"""The Merkle tree of RFC 9162, whose root stands for every one of its leaves.

Decides how leaves become one hash. Reads the leaves once, in order, and holds one hash for each level of the
tree: a million of them need no more memory than a thousand.
"""

import hashlib
from collections.abc import Iterable

_LEAF = b"\x00"
_NODE = b"\x01"
"""So that no leaf can be passed off as an inner node, or the other way round (RFC 9162, 2.1.1)."""


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree's hash over *leaves*; that of no leaves is the hash of nothing."""
    whole: list[tuple[int, bytes]] = []
    """The complete subtrees so far, the largest first: (number of leaves, hash)."""
    for leaf in leaves:
        size, digest = 1, hashlib.sha256(_LEAF + leaf).digest()
        while whole and whole[-1][0] == size:
            size, digest = 2 * size, _joined(whole.pop()[1], digest)
        whole.append((size, digest))
    if not whole:
        return hashlib.sha256().digest()
    _, digest = whole.pop()
    while whole:
        digest = _joined(whole.pop()[1], digest)
    return digest


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
