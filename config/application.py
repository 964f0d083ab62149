"""What the commands that keep running are made of: the application of a web process, and an engine alone.

Reads the settings and files, makes sure of the database, and puts the program together. Everything that takes
time to import hangs on this module, which is therefore imported when the socket is open (ADR 0022).
"""

import os
import signal
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from config.cli_start import secrets_of
from config.cli_words import CommandRefusedError, say
from config.demo import (
    DemoLogin,
    DemoRefusedError,
    load_demo_settings,
    load_sample,
    require_own_database,
)
from config.ending import end_if_stop_hangs
from config.facility import FacilityConfig, load_facility
from config.logging import configure_logging
from config.opening import check_database, refuse_unfit
from config.order import Order
from config.policy import load_policy
from config.settings import Settings, load_settings
from config.web import build_app
from config.wiring import build_program
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from dispatch.domain.policy import Policy
from dispatch.service.csv_files import ImportRefusedError
from models import migrating
from models.session import COMMAND, open_database
from models.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the environment and its files say."""

    settings: Settings
    facility: FacilityConfig
    policy: Policy


def read(order: Order | None = None) -> Given:
    """Read everything, with logging set up accordingly; the database is not asked.

    Raises:
        SettingsError: a setting is bad.
        FileRefusedError: the policy or the facility file is bad.
        CommandRefusedError: *order* does not go together with the settings.
    """
    demo = order is not None and order.demo
    settings = (
        load_demo_settings(os.environ, port=order.port) if order and demo else load_settings(os.environ)
    )
    configure_logging(settings.log_format, secrets=secrets_of(settings))
    if order is not None and order.workers > 1 and (demo or "simulator" in settings.telephony):
        raise CommandRefusedError("--workers: the simulated phones live in one process; use --workers 1")
    return Given(
        settings=settings,
        facility=load_facility(settings.facility_file),
        policy=load_policy(settings.policy_file),
    )


def build_application(order: Order) -> FastAPI:
    """The application of one web process; its program starts and stops with it."""
    given = read(order)
    logins = _prepare(given, demo=order.demo)
    program = build_program(
        given.settings,
        given.facility,
        given.policy,
        with_engine=order.with_engine,
        local_url=order.local_url if order.workers == 1 else None,
        ends_itself=True,
    )
    app = build_app(program, on_stop=end_if_stop_hangs)
    if order.demo:
        _welcome(given, logins)
    return app


def run_engine() -> None:
    """An engine alone, until it is asked to stop."""
    given = read()
    _prepare(given, demo=False)
    program = build_program(given.settings, given.facility, given.policy, ends_itself=True)
    bell = _rings_when_told_to_stop()
    program.start()
    os.read(bell, 1)
    end_if_stop_hangs()
    program.stop()


def _rings_when_told_to_stop() -> int:
    """A file in which there is something to read as soon as SIGINT or SIGTERM has come.

    The interpreter writes there at once, whatever its threads are doing. A handler runs between two steps of
    this thread: had it just lain down to wait for that, it would hear nothing until it got up.
    """
    bell, cord = os.pipe()
    os.set_blocking(cord, False)
    signal.set_wakeup_fd(cord, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return bell


def _prepare(given: Given, *, demo: bool) -> tuple[DemoLogin, ...]:
    settings, facility = given.settings, given.facility
    if not demo:
        refuse_unfit(partial(check_database, settings.database_url, facility))
        return ()
    uow = UnitOfWork(open_database(settings.database_url, pool_size=2, patience=COMMAND))
    try:
        # Before the schema is touched: a real installation may stand at an older one.
        require_own_database(uow)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        migrating.upgrade(settings.database_url)
        return load_sample(uow=uow, ids=RandomIds(), clock=SystemClock(), facility=facility)
    except DemoRefusedError as error:
        raise CommandRefusedError(str(error)) from error
    except ImportRefusedError as error:
        raise CommandRefusedError(
            f"the demo's people do not fit those who are here; name an empty database: {error}"
        ) from error
    finally:
        uow.engine.dispose()


def _welcome(given: Given, logins: tuple[DemoLogin, ...]) -> None:
    settings = given.settings
    say(f"\n  Siaga 911 · {given.facility.name} · demo\n")
    say(f"  Papan kejadian    {settings.public_url}/board")
    say(f"  Telepon simulasi  {settings.public_url}/simulator")
    say("\n  Masuk dengan:")
    for login in logins:
        say(f"    {login.username:<12} {login.password}")
    say("\n  Ctrl-C mengakhiri. Semua orang dan nomor di sini rekaan.\n")
