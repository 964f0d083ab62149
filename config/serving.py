"""The commands that keep running: ``siaga serve`` and ``siaga engine``."""

import os
import signal
import threading
from functools import partial
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from config.cli_start import CommandRefusedError, say, secrets_of
from config.demo import DemoLogin, load_demo_settings, load_sample
from config.facility import FacilityConfig, load_facility
from config.logging import configure_logging
from config.opening import check_database, refuse_unfit
from config.policy import load_policy
from config.settings import Settings, load_settings
from config.web import build_app
from config.wiring import build_program
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from models import migrating
from models.session import open_database
from models.unit_of_work import UnitOfWork

GRACE_S = 10
"""How long requests under way may take to finish when the program is told to stop."""

_WITHOUT_ENGINE = "SERVE_WITHOUT_ENGINE"
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
    settings = load_demo_settings(os.environ, port=port) if demo else load_settings(os.environ)
    configure_logging(settings.log_format, secrets=secrets_of(settings))
    facility = load_facility(settings.facility_file)
    if workers > 1 and "simulator" in settings.telephony:
        raise CommandRefusedError("--workers: the simulated phones live in one process; use --workers 1")
    logins = _prepare(settings, facility, demo=demo)
    if demo:
        _welcome(settings, facility, logins)
    if workers > 1:
        os.environ[_WITHOUT_ENGINE] = "" if engine else "1"
        _run("config.serving:application", host=host, port=port, workers=workers)
        return
    program = build_program(
        settings,
        facility,
        load_policy(settings.policy_file),
        with_engine=engine,
        local_url=f"http://{_reachable(host)}:{port}",
    )
    _run(build_app(program), host=host, port=port, workers=1)


def application() -> FastAPI:
    """The application of one of several web processes, which reads the settings for itself."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_format, secrets=secrets_of(settings))
    program = build_program(
        settings,
        load_facility(settings.facility_file),
        load_policy(settings.policy_file),
        with_engine=not os.environ.get(_WITHOUT_ENGINE),
    )
    return build_app(program)


def _run(app: FastAPI | str, *, host: str, port: int, workers: int) -> None:
    uvicorn.run(
        app,
        factory=isinstance(app, str),
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


def engine() -> None:
    """Run an engine alone: deadlines and deliveries."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_format, secrets=secrets_of(settings))
    facility = load_facility(settings.facility_file)
    _prepare(settings, facility, demo=False)
    program = build_program(settings, facility, load_policy(settings.policy_file))
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    program.start()
    stopping.wait()
    program.stop()


def _prepare(settings: Settings, facility: FacilityConfig, *, demo: bool) -> tuple[DemoLogin, ...]:
    if not demo:
        refuse_unfit(partial(check_database, settings.database_url, facility))
        return ()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrating.upgrade(settings.database_url)
    uow = UnitOfWork(open_database(settings.database_url, pool_size=2))
    try:
        return load_sample(uow=uow, ids=RandomIds(), clock=SystemClock(), facility=facility)
    finally:
        uow.engine.dispose()


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - recognised, not bound


def _welcome(settings: Settings, facility: FacilityConfig, logins: tuple[DemoLogin, ...]) -> None:
    say(f"\n  Siaga 911 · {facility.name} · demo\n")
    say(f"  Papan kejadian    {settings.public_url}/board")
    say(f"  Telepon simulasi  {settings.public_url}/simulator")
    say("\n  Masuk dengan:")
    for login in logins:
        say(f"    {login.username:<12} {login.password}")
    say("\n  Ctrl-C mengakhiri. Semua orang dan nomor di sini rekaan.\n")
