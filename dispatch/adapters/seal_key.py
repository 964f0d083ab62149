"""The key that seals are signed with: one file in the data directory, for its owner's eyes alone.

Made once and never changed by the program. It is in no log and in no backup of the database; who has it can
sign, so a copy belongs in a safe and nowhere else.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from dispatch.ports import SealKeyError

NAME = "seal-key.pem"


class FileSealKey:
    """A key in memory, which signs; its text never shows it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        """Keep it."""
        self._private = private

    @property
    def public(self) -> bytes:
        """The 32 bytes that everybody may know."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of *message*, 64 bytes."""
        return self._private.sign(message)


class FileSealKeys:
    """The key file of one installation."""

    def __init__(self, folder: Path) -> None:
        """*folder* is the data directory."""
        self._file = folder / NAME

    @property
    def place(self) -> str:
        """Where the key is, for a person."""
        return str(self._file)

    def load(self) -> FileSealKey | None:
        """The key, or None when none was made yet.

        Raises:
            SealKeyError: the file is no key of ours, cannot be read, or is open to others.
        """
        try:
            with self._file.open("rb") as file:
                open_to_others = os.fstat(file.fileno()).st_mode & 0o077
                content = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SealKeyError(f"{self._file}: cannot be read: {error.strerror}") from error
        if open_to_others:
            raise SealKeyError(f"{self._file}: others may read it too; run: chmod 600 {self._file}")
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError) as error:
            raise SealKeyError(f"{self._file}: is no key that seals are signed with") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SealKeyError(f"{self._file}: is no Ed25519 key")
        return FileSealKey(key)

    def create(self) -> FileSealKey:
        """Make the key, or take the one that another process has made in this instant.

        Raises:
            SealKeyError: it cannot be written.
        """
        content = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        try:
            self._write(content)
        except OSError as error:
            raise SealKeyError(f"{self._file}: cannot be written: {error.strerror}") from error
        key = self.load()
        assert key is not None
        return key

    def _write(self, content: bytes) -> None:
        """Put *content* there whole and durably, unless something is there."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_name(f".{NAME}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                # Unlike a renaming, this never takes the place of a key that is there.
                self._file.hardlink_to(partial)
            folder = os.open(self._file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        finally:
            partial.unlink(missing_ok=True)
