"""A plain server of the standard library, in a thread beside the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

LOOKS_EVERY_S = 0.02
"""How soon it notices that it is to end."""


@contextmanager
def listening(server: BaseServer) -> Iterator[None]:
    """*server* answers while the block runs, and is closed after it."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": LOOKS_EVERY_S})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
