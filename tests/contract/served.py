"""A web application behind a real socket of this machine, for tests that speak HTTP as a provider does."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


class _ReadyServer(uvicorn.Server):
    """Says when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()


@contextmanager
def serving(build: Callable[[str], FastAPI]) -> Iterator[str]:
    """Serve what ``build`` makes for its own address; gives that address, and stops at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        build(base), log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    server = _ReadyServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert server.ready.wait(10), "the server did not start"
        yield base
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
