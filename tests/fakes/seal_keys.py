"""The key of seals in memory, for tests: one that is the same in every run."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dispatch.adapters.seal_key import FileSealKey


class FakeSealKeys:
    """Has no key until one is made."""

    place = "memory"

    def __init__(self, seed: int = 1) -> None:
        self._seed = bytes([seed]) * 32
        self.key: FileSealKey | None = None

    def load(self) -> FileSealKey | None:
        return self.key

    def create(self) -> FileSealKey:
        self.key = self.key or FileSealKey(Ed25519PrivateKey.from_private_bytes(self._seed))
        return self.key
