"""The commands that keep running: ``siaga serve`` and ``siaga engine``.

The socket is open before anything else happens, and answers 503 until the application is there; so this
module imports only what that takes. Decides how web processes are started, replaced and stopped.
"""

import logging
import os
import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from config.cli_words import CommandRefusedError
from config.one_packet import OnePacket
from config.order import Order
from config.starting import Starting, not_yet

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)

HUNG_AFTER_S = 30
"""A web process that does not react for so long is replaced; a slow machine imports for a while."""

AGAIN_AFTER_S = 5.0
"""The pause before another try to replace a web process whose replacement could not start."""

GRACE_S = 10
"""How long requests under way may take to finish when the program is told to stop."""

BACKLOG = 2048
"""Connections that wait to be taken, also while no web process is there to take them."""

ORDER = "SERVE_ORDER"
"""How the first process tells its workers; not a setting, so it does not bear the settings' prefix."""


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8911,
    workers: Annotated[int, typer.Option(help="Web processes.", min=1, max=64)] = 1,
    engine: Annotated[
        bool, typer.Option("--engine/--no-engine", help="Also run the engine in this process.")
    ] = True,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Load the sample facility and show everything with invented people."),
    ] = False,
) -> None:
    """Answer calls, serve the pages and, unless told otherwise, run the engine."""
    order = Order(host=host, port=port, workers=workers, with_engine=engine, demo=demo)
    listener = _listen(host, port)
    if workers > 1:
        _serve_in_several(order, listener)
    else:
        _serve_here(order, listener)


def engine() -> None:
    """Run an engine alone: deadlines and deliveries."""
    from config.application import run_engine  # noqa: PLC0415 - see the module's first lines

    run_engine()


def _build(order: Order) -> "FastAPI":
    from config.application import build_application  # noqa: PLC0415 - in a thread, while 503 is answered

    return build_application(order)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CommandRefusedError(f"cannot listen on {host} port {port}: {reason}") from error
    listener.set_inheritable(True)
    return listener


def _serve_here(order: Order, listener: socket.socket) -> None:
    failures: list[BaseException] = []

    def failed(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    server = uvicorn.Server(_config(Starting(partial(_build, order), failed)))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        # How uvicorn ends after an orderly stop by Ctrl-C.
        return
    if failures:
        raise failures[0]


def _serve_in_several(order: Order, listener: socket.socket) -> None:
    greeter = Greeter(listener)
    greeter.start()
    from config.application import read  # noqa: PLC0415 - what is wrong in a file is said once, and here

    read(order)
    os.environ[ORDER] = order.as_text()
    config = _config("config.cli_web_process:application", order.workers)
    supervisor = _Supervisor(config, listener, greeter)
    supervisor.run()
    greeter.stop()
    if supervisor.gave_up:
        raise CommandRefusedError("a web process could not start; a line above says why")


class Greeter:
    """Says 503 in the name of all web processes until one of them takes calls.

    Those that start do not listen before they are ready, so that the one which replaces a dead one takes no
    call from those that live.
    """

    def __init__(self, listener: socket.socket) -> None:
        """Answer on *listener*, which stays open."""
        self._server = uvicorn.Server(_config(not_yet, lifespan="off"))
        # A socket of its own for the same queue: the server closes what it is given.
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener.dup()]}, name="greeter", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.should_exit = True
        self._thread.join(timeout=GRACE_S)

    @property
    def is_there(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive()


class _Supervisor(Multiprocess):
    """uvicorn's own, which starts and stops web processes; sends the greeter away in time.

    Replaces those that died or hang. One that cannot start is tried again for as long as another one takes
    calls: what broke since, a file half edited or a disk full, must not stop the one that works.
    """

    def __init__(self, config: uvicorn.Config, listener: socket.socket, greeter: Greeter) -> None:
        super().__init__(config, sockets=[listener])
        self._greeter = greeter
        self._again_at: dict[int, float] = {}
        self.gave_up = False
        """Whether one could not start and no other takes calls."""

    def keep_subprocess_alive(self) -> None:
        """Look after the web processes; called twice a second."""
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if not process.is_alive(timeout=HUNG_AFTER_S):
                process.kill()
                process.join()
                self._replace(place, process)
        if self._greeter.is_there and any(process.is_ready() for process in self.processes):
            self._greeter.stop()

    def _replace(self, place: int, dead: Process) -> None:
        if dead.exitcode == STARTUP_FAILURE:
            if not any(_takes_calls(process) for process in self.processes):
                self.gave_up = True
                self.should_exit.set()
                return
            if place not in self._again_at:
                self._again_at[place] = time.monotonic() + AGAIN_AFTER_S
                log.critical("serving.not_replaced")
            if time.monotonic() < self._again_at[place]:
                return
        else:
            log.info("Child process [%s] died", dead.pid)
        self._again_at.pop(place, None)
        self.processes[place] = Process(self.config, self.sockets)
        self.processes[place].start()


def _takes_calls(process: Process) -> bool:
    """Whether it is there and ready; one that ends while it is asked is not waited for."""
    until = time.monotonic() + HUNG_AFTER_S
    while process.process.is_alive() and time.monotonic() < until:
        if process.ping(timeout=1):
            return process.is_ready(timeout=1)
    return False


_LOOP_OF_SEVERAL: Literal["asyncio"] = "asyncio"
"""Python's own. uvloop asks for the interpreter anew for each event, and the threads beside it have it.

Several processes carried 3 to 6 % fewer calls with it, while one alone answers twenty callers 4 % sooner."""


def _config(app: ASGIApp | str, workers: int = 1, *, lifespan: Literal["on", "off"] = "on") -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        lifespan=lifespan,
        workers=workers,
        backlog=BACKLOG,
        http=OnePacket,
        loop="auto" if workers == 1 else _LOOP_OF_SEVERAL,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=HUNG_AFTER_S,
    )
