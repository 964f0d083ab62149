"""How the provider's client reaches the network: little for each request, and all of it in time.

The libraries' own limit for reading begins anew with whatever arrives: a peer that sends a byte now and then
would hold its reader for ever. Here it counts for the whole answer. Decides nothing about what is asked or
answered.
"""

import io
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import make_headers
from urllib3.util.ssl_ import create_urllib3_context


class NoWayError(Exception):
    """This machine's settings name a proxy or certificates that cannot be used; nothing was sent."""


class TimedHttp(HttpClient):  # type: ignore[misc] # the library says nothing of its types
    """One host, asked with forms and answering with JSON.

    Takes the place of the client's own way by ``requests``, which made more of each request than sending it
    took: a fifth of what an alert cost the engine (ADR 0049). Which proxy and which certificates this machine
    wants ``requests`` still says, once.
    """

    def __init__(self, url: str, *, connect_s: float, read_s: float, connections: int) -> None:
        """Reach the host of *url*, within so many seconds each; nothing is connected yet."""
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._url, self._connections = url, connections
        # As it is written: the client puts its addresses together from that.
        self._host = _host_of(url)
        self._timeout = Timeout(connect=connect_s, read=read_s)
        # Now, and not on the way of the first alert; what is wrong with it is said of each request.
        with suppress(NoWayError):
            _ = self._way

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: object = None,  # noqa: ARG002 - as the client calls it; ours is for every request
        allow_redirects: bool = False,  # noqa: ARG002 - likewise: nothing is followed
    ) -> Response:
        """The answer, whatever its status.

        Raises:
            ValueError: *uri* leads to another host, which must not learn who we are.
            urllib3.exceptions.HTTPError: there is no answer.
            NoWayError: the settings of this machine lead nowhere.
        """
        path = uri.removeprefix(self._host)
        if not path.startswith("/") or path == uri:
            raise ValueError("an address of another host")
        if asked := _form(params):
            path = f"{path}{'&' if '?' in path else '?'}{asked}"
        pool, told = self._way
        answer = pool.urlopen(
            method,
            f"{told}{path}",
            body=_form(data) or None,
            headers={
                **(headers or {}),
                **make_headers(basic_auth=":".join(auth) if auth else None, accept_encoding=True),
            },
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
        )
        return Response(answer.status, answer.data.decode("utf-8", "replace"), answer.headers)

    @cached_property
    def _way(self) -> tuple[HTTPConnectionPool, str]:
        """The connections, and the host as a proxy must be told it with each request; empty without one."""
        adapter = _TimedAdapter(pool_maxsize=self._connections)
        try:
            here = requests.Session().merge_environment_settings(self._url, {}, None, None, None)
            one = requests.Request("GET", self._url).prepare()
            pool = adapter.get_connection_with_tls_context(one, here["verify"], proxies=here["proxies"])
            adapter.cert_verify(pool, self._url, here["verify"], None)
            if isinstance(pool, HTTPSConnectionPool):
                _vouched_for_once(pool)
            address = adapter.request_url(one, here["proxies"])
        except (OSError, ValueError) as error:
            # Not its words: an address may bear the name and the secret of whoever may use the proxy.
            raise NoWayError(type(error).__name__) from None
        return pool, "" if address.startswith("/") else _host_of(address)


def _vouched_for_once(pool: HTTPSConnectionPool) -> None:
    """Read the certificates now: each connection of *pool* would for itself, 15 ms before its first alert.

    Raises:
        OSError: they cannot be read, or are none.
    """
    context = create_urllib3_context()
    # Who they are is shown once: what fails while an answer is read says nothing of whether it left.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_verify_locations(pool.ca_certs, pool.ca_cert_dir)
    pool.conn_kw["ssl_context"] = context
    pool.ca_certs = pool.ca_cert_dir = None


def _host_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _form(fields: Mapping[str, object] | None) -> str:
    return urlencode({name: value for name, value in (fields or {}).items() if value is not None}, doseq=True)


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


class _TimedAdapter(HTTPAdapter):
    """Whose connections have their time for the whole answer, behind a proxy as well."""

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
