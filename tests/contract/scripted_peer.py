"""A provider's API that does one thing, by script, to every request: answers, hangs, or breaks off."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from urllib.parse import parse_qs, urlsplit

from tests.fakes.listening import listening

HANG = "hang"
RESET = "reset"
CLOSE = "close"
DRIP = "drip"
DRIP_HEAD = "drip head"

_LONG_S = 10.0
"""Longer than any read waits."""

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n"
_DRIPS = {DRIP: _HEAD + b"\r\n", DRIP_HEAD: _HEAD + b"X-Long: "}
"""What comes at once; then a byte now and then, sooner than any read gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    form: dict[str, list[str]]
    query: dict[str, list[str]]
    authorization: str
    target: str
    """The whole of what was asked for, as it was said."""
    to_proxy: str
    """Who one says to be to a proxy."""


@dataclass(slots=True)
class ScriptedPeer:
    """What it does, and what it was asked."""

    base: str = ""
    does: str | tuple[int, str] = (500, "")
    asked: list[Asked] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    outlasted: bool = False
    """Whether somebody waited for as long as it hung."""


def _handler(peer: ScriptedPeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            where = urlsplit(self.path)
            peer.asked.append(
                Asked(
                    method=self.command,
                    path=where.path,
                    form=parse_qs(body, keep_blank_values=True),
                    query=parse_qs(where.query),
                    authorization=self.headers.get("Authorization") or "",
                    target=self.path,
                    to_proxy=self.headers.get("Proxy-Authorization") or "",
                )
            )
            if isinstance(peer.does, str):
                self._break(peer.does)
                return
            status, text = peer.does
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def _break(self, how: str) -> None:
            if how == HANG:
                peer.outlasted = not peer.released.wait(_LONG_S)
            if how in _DRIPS:
                _drip(peer, self.wfile, _DRIPS[how])
            if how == RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    return Handler


def _drip(peer: ScriptedPeer, out: BufferedIOBase, first: bytes) -> None:
    with suppress(OSError):
        out.write(first)
        while not peer.released.wait(0.1):
            out.write(b"x")


@contextmanager
def scripted_peer(*, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedPeer]:
    """A peer on this machine, until the end of the block; it speaks *tls* if that is given."""
    peer = ScriptedPeer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(peer))
    peer.base = f"http://127.0.0.1:{server.server_address[1]}"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        peer.base = peer.base.replace("http://127.0.0.1", "https://localhost")
    with listening(server):
        try:
            yield peer
        finally:
            peer.released.set()


def closed_port() -> str:
    """An address of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
