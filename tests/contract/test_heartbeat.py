"""The sign of life as it goes out: one GET with nothing in it, and failures without the address."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dispatch.adapters.heartbeat import HttpHeartbeat
from dispatch.ports import HeartbeatError
from models.session import open_database
from models.unit_of_work import NetworkInTransactionError, UnitOfWork
from tests.fakes.telephony import WAIT_S


class Watcher:
    """Somebody outside who is asked; keeps the requests and answers with one status."""

    def __init__(self, status: int) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        watcher = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                watcher.asked.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ping/a-secret"

    @contextmanager
    def at_work(self) -> Iterator["Watcher"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        yield self
        self._server.shutdown()
        self._server.server_close()
        thread.join(WAIT_S)


def test_one_get_with_nothing_in_it() -> None:
    with Watcher(200).at_work() as watcher:
        HttpHeartbeat(watcher.url).beat()
    [(path, headers, body)] = watcher.asked
    assert (path, body) == ("/ping/a-secret", b"")
    assert headers["User-Agent"] == "siaga911"
    assert set(headers) == {"Host", "Accept", "Accept-Encoding", "Connection", "User-Agent"}


def test_an_answer_that_says_no_is_a_reason() -> None:
    with Watcher(404).at_work() as watcher, pytest.raises(HeartbeatError, match="status 404"):
        HttpHeartbeat(watcher.url).beat()


def test_nobody_there_is_a_reason_without_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/ping/a-secret"
        with pytest.raises(HeartbeatError) as raised:
            HttpHeartbeat(url).beat()
    assert "secret" not in str(raised.value)


def test_an_address_that_is_none_is_a_reason_without_the_address() -> None:
    with pytest.raises(HeartbeatError, match="InvalidURL") as raised:
        HttpHeartbeat("http://127.0.0.1:abc/ping/a-secret").beat()
    assert "secret" not in str(raised.value)


def test_a_watcher_who_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(HeartbeatError, match="ReadTimeout"):
            HttpHeartbeat(url, answer_s=0.1).beat()


def test_never_while_a_transaction_is_open(sqlite_database_url: str) -> None:
    uow = UnitOfWork(open_database(sqlite_database_url))
    with uow.read(), pytest.raises(NetworkInTransactionError):
        HttpHeartbeat("http://127.0.0.1:9/").beat()
    uow.engine.dispose()
