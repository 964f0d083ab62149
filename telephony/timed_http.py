"""HTTP whose time for reading counts for the whole answer, and not for each byte of it.

The libraries' own limit begins anew with whatever arrives: a peer that sends a byte now and then would hold
its reader for ever. Decides nothing about what is asked or answered.
"""

import io
import socket
import time
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Until(io.RawIOBase):
    """What a socket gives, up to an instant."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, within_s: float) -> None:
        self._raw = raw
        self._sock = sock
        self._within_s = within_s
        self._until_s = time.monotonic() + within_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as the base class has it
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):
                # The connection may be used again, by a request with all its time.
                self._sock.settimeout(self._within_s)
            self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(sock, *arguments, **options)
        within_s = sock.gettimeout()
        if within_s is not None:
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_Until(raw, sock, within_s))


class _Plain(HTTPConnection):
    response_class = _TimedResponse


class _Encrypted(HTTPSConnection):
    response_class = _TimedResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class TimedAdapter(HTTPAdapter):
    """For ``requests``: the second of its two timeouts bounds the whole answer, behind a proxy as well."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        """Make the connections ours."""
        super().init_poolmanager(*arguments, **options)
        _use_ours(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - handed on
        """The same for those that go through a proxy."""
        manager = super().proxy_manager_for(*arguments, **options)
        _use_ours(manager)
        return manager


def _use_ours(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
