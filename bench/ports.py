"""Ports for programs that are told theirs beforehand, such as a server whose own address is a setting."""

import secrets
import socket

_PORTS = range(20_000, 30_000)
"""Below the range from which the system gives ports to connections: none of those takes one meanwhile."""


def free_port() -> int:
    """A port on which nobody listens, drawn by lot: two who ask at once hardly get the same."""
    while True:
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
