"""One life of the server: everything that a process has in memory, built on what is on the disk.

The parts are the real ones, put together as ``config.wiring`` does it; requests are answered as the webhook
boundary does it (``telephony.webhooks``), only in this one thread. When it crashes, another life begins.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from dispatch.domain.policy import Policy
from dispatch.ports import IdSource, TelephonyProvider
from dispatch.service import reconcile
from dispatch.service.engine import Engine as DispatchEngine
from dispatch.service.metrics import Metrics
from dispatch.service.outages import Heart
from dispatch.service.sending import Sender
from dispatch.service.services import Services
from models.session import open_database
from telephony.addresses import PublicAddresses
from telephony.context import DutyPhones, TelephonyContext
from telephony.journal import Journal
from telephony.prompts import Prompts
from telephony.webhooks import _routes, apply_kept
from telephony.wording import IndonesianWording
from tests.simulation.agenda import MachineClock
from tests.simulation.shaky_database import ShakyUnitOfWork
from tests.simulation.weather import Weather

FACILITY = "KWK"
ZONE = ZoneInfo("Asia/Jayapura")
ORIGIN = "https://siaga.test"
HANDOFF = "+628114982800"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What outlives a process: the disk, the clock, the files with the policy, the telephone companies."""

    folder: Path
    clock: MachineClock
    ids: IdSource
    plan: Policy
    weather: Weather
    companies: Sequence[TelephonyProvider]
    calls_per_second: float
    steady: Callable[[], float]
    """Seconds since the machine was started, whatever its clock is set to."""
    engine: Engine
    """SQLAlchemy's: it outlives a process only because compiling every statement anew costs a test's time."""


class Program:
    """A running server."""

    def __init__(self, house: House, *, records: bool) -> None:
        self.uow = ShakyUnitOfWork(house.engine, house.weather)
        self.has_work = True
        """Whether something was committed since the engine last looked: what wakes it in the real process."""
        self.has_kept = True
        """Whether a request may wait in the journal; a new life does not know, and looks."""
        self.uow.on_commit(self._wake)
        self.services = Services(
            uow=self.uow,
            clock=house.clock,
            ids=house.ids,
            metrics=Metrics(),
            facility_id=FACILITY,
            zone=ZONE,
            policy=house.plan,
            link_key=b"a key for simulations",
            providers=tuple(company.name for company in house.companies),
            calls_per_second=house.calls_per_second,
        )
        self._context = TelephonyContext(
            services=self.services,
            addresses=PublicAddresses(ORIGIN),
            prompts=Prompts(service_name="Puskesmas", handoff_phone=HANDOFF, announce_recording=records),
            phones=DutyPhones(static=("+628115550001",), handoff=HANDOFF),
            journal=Journal(house.folder / "journal"),
            provider="satu",
            service_number="+628115550000",
        )
        self._companies = house.companies
        self._routes = _routes(self._context)
        self._apply = apply_kept(self._context)
        sender = Sender(
            self.services, house.companies, wording=IndonesianWording(), addresses=self._context.addresses
        )
        self.engine = DispatchEngine(self.services, sender, steady=house.steady)
        self._heart = Heart(self.services, steady=house.steady)

    def answer(self, path: str, form: Mapping[str, str]) -> str:
        """What the webhook at *path* answers: the document, or the fallback while the request is kept."""
        at = self.services.clock.now()
        found = ((route, route.parameters(path)) for route in self._routes)
        route, parameters = next((route, known) for route, known in found if known is not None)
        failures = self.uow.failures
        try:
            return route.answer(form, at, **parameters)
        except Exception:
            if self.uow.failures == failures:
                raise
            if route.is_kept:
                self._context.journal.keep(kind=route.kind, path=path, form=form, at=at)
                self.has_kept = True
            return route.broken()

    def work(self) -> int:
        """One round of the engine, as its thread does it: a failure ends the round and not the engine."""
        failures = self.uow.failures
        self.has_work = False
        try:
            return self.engine.run_once()
        except Exception:
            if self.uow.failures == failures:
                raise
            return 0

    def apply_journal(self) -> None:
        """What ``config.wiring`` does every five seconds."""
        failures = self.uow.failures
        try:
            self._context.journal.drain(self._apply)
            self.has_kept = False
        except Exception:
            if self.uow.failures == failures:
                raise

    def reconcile(self) -> None:
        """What ``config.wiring`` does every minute."""
        failures = self.uow.failures
        self.apply_journal()
        try:
            reconcile.reconcile(self.services, self._companies)
        except Exception:
            if self.uow.failures == failures:
                raise

    def beat(self) -> bool:
        """What the engine does every five seconds; whether the sign was left."""
        failures = self.uow.failures
        try:
            self._heart.beat()
        except Exception:
            if self.uow.failures == failures:
                raise
            return False
        return True

    def end(self) -> None:
        """Let go of the database, as the system does for a process that died."""
        self.uow.engine.dispose()

    def _wake(self) -> None:
        self.has_work = True


def open_spared(database: Path) -> Engine:
    """The product's own database, except that it does not wait for the disk."""
    engine = open_database(f"sqlite:///{database}", pool_size=2)
    event.listen(engine, "connect", _spare_the_disk)
    return engine


def _spare_the_disk(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # Processes die here, the power never fails: that is tested where a disk can be taken away.
    connection.execute("PRAGMA synchronous = OFF")
