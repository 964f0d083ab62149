"""Keeps tests on this machine: a socket to any other, or a name's look-up, is refused and fails the test.

An audit hook sees every socket of this process, whichever library opens it. Child processes have their own.
"""

import ipaddress
import sys

LOCAL_NAMES = ("localhost", "")
WATCHED = ("socket.connect", "socket.sendto", "socket.getaddrinfo")

refused: list[str] = []


class NetworkUseError(RuntimeError):
    """A test tried to leave this machine."""


def is_local(host: object) -> bool:
    """Whether ``host`` names this machine; None and the empty name mean a wildcard of its own."""
    if host is None:
        return True
    name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    if name in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event not in WATCHED:
        return
    # connect and sendto carry (socket, address); getaddrinfo starts with the host. Unix addresses are paths.
    target = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    if isinstance(target, tuple):
        target = target[0]
    elif event != "socket.getaddrinfo":
        return
    if is_local(target):
        return
    refused.append(f"{event} {target!r}")
    message = f"Tests stay on this machine; refused: {event} {target!r}"
    raise NetworkUseError(message)


def install() -> None:
    """Start watching, for as long as this process lives: an audit hook cannot be taken away."""
    sys.addaudithook(_watch)
