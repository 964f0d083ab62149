"""One of several web processes of ``siaga serve --workers``, as uvicorn's supervisor starts it."""

import multiprocessing
import os
import signal
import threading

import typer
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from config.application import build_application
from config.cli_failures import line_of
from config.order import Order
from config.serving import ORDER


def application() -> FastAPI:
    """The application; a process that cannot make it ends in the way that its supervisor does not repeat."""
    _end_with_supervisor()
    try:
        return build_application(Order.from_text(os.environ[ORDER]))
    except Exception as error:  # noqa: BLE001 - the edge: a person gets one line, the log gets everything
        typer.echo(line_of(error), err=True)
        raise SystemExit(STARTUP_FAILURE) from None


def _end_with_supervisor() -> None:
    """Stop in order when the process that would replace us is gone: nobody else could stop us any more."""
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None

    def watch() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
