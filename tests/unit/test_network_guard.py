"""The guard that keeps tests on this machine."""

import socket

import pytest

from tests import network_guard


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "0.0.0.0", "", None, b"localhost"]
)
def test_this_machine_is_local(host: object) -> None:
    assert network_guard.is_local(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "example.org", b"example.org"])
def test_others_are_not(host: object) -> None:
    assert not network_guard.is_local(host)


def test_a_connection_outwards_is_refused_and_noted() -> None:
    with socket.socket() as outgoing, pytest.raises(network_guard.NetworkUseError):
        outgoing.connect(("192.0.2.1", 80))
    assert network_guard.refused == ["socket.connect '192.0.2.1'"]
    network_guard.refused.clear()


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(network_guard.NetworkUseError):
        socket.create_connection(("example.org", 80), timeout=1)
    network_guard.refused.clear()


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]):
        assert network_guard.refused == []
