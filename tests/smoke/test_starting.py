"""The real server from its first instant: its socket is open and says 503 until calls are taken."""

import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.fakes.stand_in import ACCOUNT_SID, AUTH_TOKEN, SERVICE_NUMBER
from tests.smoke.served import PROBE_S, READY_WITHIN_S, Served

REAL_PHONES = {
    "SIAGA_SECRET_KEY": "a-key-of-the-tests",
    "SIAGA_TELEPHONY": "twilio",
    "SIAGA_TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "SIAGA_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "SIAGA_TWILIO_NUMBER": SERVICE_NUMBER,
    "SIAGA_TWILIO_API_URL": "http://127.0.0.1:9",
}


@pytest.fixture
def served(tmp_path: Path, sqlite_database_url: str) -> Iterator[Served]:
    """A server that is not started yet, on a migrated database."""
    served = Served(tmp_path, {**REAL_PHONES, "SIAGA_DATABASE_URL": sqlite_database_url})
    yield served
    served.kill()


def first_answer(served: Served, path: str) -> httpx.Response:
    """The first answer after the start, whatever it says."""
    with httpx.Client(base_url=served.url, trust_env=False, timeout=READY_WITHIN_S) as web:
        for _ in range(int(READY_WITHIN_S / PROBE_S)):
            try:
                return web.get(path)
            except httpx.TransportError:
                assert not served.has_ended_within(PROBE_S)
    raise AssertionError("the server never answered")


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two processes"])
def test_it_says_503_from_the_first_instant_and_then_takes_calls(
    served: Served, tmp_path: Path, options: Sequence[str]
) -> None:
    # Nobody can write before the test lets go, and a program that starts has something to write.
    with closing(sqlite3.connect(tmp_path / "siaga.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        served.launch(*options)
        answer = first_answer(served, "/telephony/voice")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert list(first_answer(served, "/readyz").json()["reasons"]) == ["starting"]
        assert first_answer(served, "/healthz").status_code == 200
        database.execute("ROLLBACK")
    assert served.becomes_ready()
    assert first_answer(served, "/telephony/voice").status_code in (403, 405)


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two processes"])
def test_what_is_wrong_with_a_setting_is_the_last_line_and_ends_it(
    served: Served, tmp_path: Path, options: Sequence[str]
) -> None:
    served.environ["SIAGA_LOG_FORMAT"] = "poem"
    served.launch(*options)
    assert served.has_ended_within(READY_WITHIN_S)
    assert served.ended_by == 1
    assert served.log_lines()[-1].startswith("SIAGA_LOG_FORMAT: ")


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two processes"])
def test_what_only_a_web_process_notices_ends_it_as_well(
    served: Served, tmp_path: Path, options: Sequence[str]
) -> None:
    (tmp_path / "siaga.db").unlink()
    served.launch(*options)
    assert served.has_ended_within(READY_WITHIN_S)
    assert served.ended_by == 1
    said = served.log_lines()
    assert [line for line in said if line.endswith("run: siaga migrate")]
    assert "migrate" in said[-1] or "a web process could not start" in said[-1]


def test_a_port_that_is_taken_is_said_in_one_line(served: Served) -> None:
    with socket.create_server(("127.0.0.1", served.port)):
        served.launch()
        assert served.has_ended_within(READY_WITHIN_S)
    assert served.ended_by == 1
    assert served.log_lines() == [f"cannot listen on 127.0.0.1 port {served.port}: Address already in use"]


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two processes"])
def test_it_stops_in_order(served: Served, options: Sequence[str]) -> None:
    served.start(*options)
    served.stop()
    assert served.errors() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port))
