"""The composition root: everything is made here once, and handed to whoever needs it.

Reads nothing from the environment; it is given settings, facility and policy. To change who fills a port,
change this file.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from config.backup_job import LOOKS_EVERY_S as BACKUP_LOOKS_EVERY_S
from config.backup_job import BackupJob
from config.ending import end_if_only_the_loop_hangs
from config.facility import FacilityConfig
from config.opening import Opening, check_database
from config.report_job import LOOKS_EVERY_S as REPORTS_LOOK_EVERY_S
from config.report_job import ReportJob
from config.settings import Settings
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from dispatch.adapters.seal_key import FileSealKeys
from dispatch.domain.policy import Policy
from dispatch.ports import Heartbeat, TelephonyProvider
from dispatch.service import reconcile
from dispatch.service.engine import Engine
from dispatch.service.engine_lease import EngineLease
from dispatch.service.invariants import CHECKS
from dispatch.service.metrics import Metrics
from dispatch.service.metronome import Metronome, guarded
from dispatch.service.retention import LOOKS_EVERY_S as RETENTION_LOOKS_EVERY_S
from dispatch.service.retention import Retention
from dispatch.service.sealing import LOOKS_EVERY_S as SEALS_EVERY_S
from dispatch.service.sealing import Sealer
from dispatch.service.sending import Sender
from dispatch.service.services import Services
from dispatch.service.surveying import LOOKS_EVERY_S as SURVEY_LOOKS_EVERY_S
from dispatch.service.surveying import Surveyor
from dispatch.service.watchdog import EVERY_S as WATCHDOG_EVERY_S
from dispatch.service.watchdog import Watchdog
from models.personal import CALLS, INCIDENTS
from models.session import CALLERS, DESK, is_database_away, open_database
from models.signals import Listener, Notifier
from models.unit_of_work import UnitOfWork
from telephony.addresses import PublicAddresses
from telephony.context import DutyPhones, TelephonyContext
from telephony.journal import Journal
from telephony.journal_checks import journal_checks
from telephony.prompts import Prompts
from telephony.providers.twilio import CONNECT_TIMEOUT_S, TwilioProvider
from telephony.standby import Standby
from telephony.wording import IndonesianWording

if TYPE_CHECKING:
    from telephony.simulator.build import Simulator

CALLS_POOL = 28
"""Connections for webhooks: one for each of their threads, and four for the journal and ``/readyz``.

Each is opened when it is first needed and then kept: a new one costs as much as a whole call.
"""

ENGINE_POOL = 18
"""One for each sender, one for the rounds, seven for the chores beside them."""

DESK_POOL = 8
"""For pages, the interface, and what can wait; whoever comes ninth is asked to come again."""

DUTY_PHONES_EVERY_S = 30.0
JOURNAL_EVERY_S = 5.0

SEALS_FIRST_AFTER_S = 15.0
"""After the start: days that were missed are sealed before the watchdog first asks for them."""

RECONCILE_FIRST_AFTER_S = 5.0
"""After the start; by then the simulator, whose log this process itself serves, answers too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The whole program, ready to be served."""

    settings: Settings
    facility: FacilityConfig
    services: Services
    """For calls; those below have connections of their own, which these cannot run out of."""
    at_work: Services
    """For the engine and its chores."""
    desk: Services
    """For pages, the interface, and chores that can wait."""
    telephony: TelephonyContext
    engine: Engine | None
    chores: Metronome
    """What a web process without the engine does by itself; idle where the engine runs."""
    watchdog: Watchdog
    backups: BackupJob
    reports: ReportJob
    sealer: Sealer
    surveyor: Surveyor
    retention: Retention
    providers: Sequence[TelephonyProvider]
    standby: Standby
    simulator: "Simulator | None"
    signals: Listener | Notifier | None
    """How this process hears of the others' commits, or tells them of its own; SQLite has only the tick."""
    opening: Opening

    def start(self) -> None:
        """Start what runs by itself as soon as the database is fit for it; whom to ring is known before."""
        self.standby.recall()
        self.opening.start(self.begin)

    def begin(self) -> None:
        """The database is there: start the engine, or the chores that go on without one."""
        self.standby.refresh()
        every = self.chores.every if self.engine is None else self.engine.every
        every(DUTY_PHONES_EVERY_S, self.standby.refresh, "duty_phones")
        every(JOURNAL_EVERY_S, self.standby.drain, "journal")
        every(WATCHDOG_EVERY_S, self.watch, "watchdog")
        every(BACKUP_LOOKS_EVERY_S, self.backups.run_if_due, "backup")
        every(REPORTS_LOOK_EVERY_S, self.reports.run_if_due, "report")
        if self.engine is None:
            self.chores.start()
        else:
            self.engine.every(
                reconcile.EVERY_S, self.reconcile, "reconcile", first_after_s=RECONCILE_FIRST_AFTER_S
            )
            if self.facility.survey.ask:
                self.engine.every(SURVEY_LOOKS_EVERY_S, self.ask, "survey")
            self.engine.when_back("journal")
            self.engine.every(SEALS_EVERY_S, self.seal, "seal", first_after_s=SEALS_FIRST_AFTER_S)
            self.engine.every(RETENTION_LOOKS_EVERY_S, self.erase_due, "retention")
            self.engine.start()
        if self.signals is not None:
            self.signals.start()
        # After the engine, which must not wait for it, and before what is live is served, if it is quick.
        guarded(self.standby.drain, "journal")()

    def stop(self) -> None:
        """Stop in order: first what runs by itself, then the connections to the database."""
        self.opening.stop()
        self.backups.stop()
        self.reports.stop()
        self.retention.stop()
        if self.signals is not None:
            self.signals.stop()
        if self.engine is not None:
            self.engine.stop()
        if self.chores.running:
            self.chores.stop()
        for services in (self.services, self.at_work, self.desk):
            services.uow.engine.dispose()

    def watch(self) -> None:
        """Ask whether all is well, wherever the engine runs: a dead one is seen by those that live."""
        self.watchdog.round()

    def reconcile(self) -> None:
        """Look in the providers' logs for what never reached us; after the journal, which knows it better."""
        if self.engine is not None and not self.engine.is_active:
            return
        self.standby.drain()
        reconcile.reconcile(self.at_work, self.providers)

    def seal(self) -> None:
        """Seal the days that have ended."""
        if self.engine is not None and self.engine.is_active:
            self.sealer.look()

    def ask(self) -> None:
        """Ask callers whose emergency is over whether they were satisfied."""
        if self.engine is not None and self.engine.is_active:
            self.surveyor.look()

    def erase_due(self) -> None:
        """Erase what the facility keeps no longer, and what was laid aside of it in the journal."""
        if self.engine is not None and self.engine.is_active:
            self.retention.look()
            before = self.retention.cutoffs().of((CALLS, INCIDENTS))
            if before is not None:
                self.telephony.journal.forget(lambda _line, at: at is not None and at < before)


def build_program(
    settings: Settings,
    facility: FacilityConfig,
    policy: Policy,
    *,
    with_engine: bool = True,
    local_url: str | None = None,
    ends_itself: bool = False,
) -> Program:
    """Put everything together; nothing runs yet.

    *local_url* is where this process itself listens: the simulator's provider calls it there. With
    *ends_itself* the process ends when its engine hangs, for a supervisor starts it again.
    """
    url = settings.database_url
    uow = UnitOfWork(open_database(url, pool_size=CALLS_POOL, overflow=0, patience=CALLERS))
    services = Services(
        uow=uow,
        clock=SystemClock(),
        ids=RandomIds(),
        metrics=Metrics(),
        facility_id=facility.code,
        zone=facility.zone,
        policy=policy,
        link_key=derived_key(settings, "personal links"),
        providers=settings.telephony,
        calls_per_second=settings.calls_per_second,
        request_s=CONNECT_TIMEOUT_S + settings.twilio_timeout_s,
    )
    at_work = _beside(services, open_database(url, pool_size=ENGINE_POOL, overflow=0))
    desk = _beside(services, open_database(url, pool_size=DESK_POOL, overflow=0, patience=DESK))
    account = settings.account
    telephony = TelephonyContext(
        services=services,
        addresses=PublicAddresses(settings.public_url),
        prompts=prompts_of(facility),
        phones=DutyPhones(static=facility.duty_phones, handoff=facility.handoff_phone),
        journal=Journal(settings.data_dir / "journal"),
        provider=settings.telephony[0],
        auth_tokens={settings.telephony[0]: account.auth_token.get_secret_value()},
        service_number=account.number,
    )
    standby = Standby(telephony, settings.data_dir)
    providers = _providers(settings, local_url or settings.public_url)
    engine = None
    if with_engine:
        end = partial(end_if_only_the_loop_hangs, at_work.uow.engine, settings.data_dir)
        on_hang = end if ends_itself else _go_on
        engine = _engine(at_work, providers, telephony.addresses, on_hang)
    return Program(
        settings=settings,
        facility=facility,
        services=services,
        at_work=at_work,
        desk=desk,
        telephony=telephony,
        engine=engine,
        chores=Metronome(),
        watchdog=Watchdog(at_work, _heartbeat(settings), (*CHECKS, *journal_checks(telephony.journal))),
        backups=BackupJob(at_work, settings),
        reports=ReportJob(at_work, settings),
        sealer=Sealer(desk, FileSealKeys(settings.data_dir), witnesses=facility.witnesses),
        surveyor=Surveyor(at_work, facility.survey, facility_name=facility.name),
        retention=Retention(desk, facility.retention),
        providers=providers,
        standby=standby,
        opening=Opening(partial(check_database, settings.database_url, facility)),
        simulator=_simulator(settings, telephony, standby),
        signals=_signals(uow, engine),
    )


def _beside(services: Services, database: Database) -> Services:
    """The same tools with connections of their own, in *database*."""
    return replace(services, uow=UnitOfWork(database, beside=services.uow))


def _go_on() -> None:
    """Nobody would start it again."""


def _engine(
    services: Services,
    providers: Sequence[TelephonyProvider],
    addresses: PublicAddresses,
    on_hang: Callable[[], None],
) -> Engine:
    return Engine(
        services,
        Sender(services, providers, wording=IndonesianWording(), addresses=addresses),
        # PostgreSQL lets any number of engines share the work (ADR 0021).
        lease=EngineLease(services) if services.uow.is_sqlite else None,
        on_hang=on_hang,
    )


def _signals(uow: UnitOfWork, engine: Engine | None) -> Listener | Notifier | None:
    """Let commits of this process wake the engines: its own at once, others by PostgreSQL's notices."""
    if engine is not None:
        uow.on_commit(engine.wake)
        return None if uow.is_sqlite else Listener(uow.engine, engine.wake)
    if uow.is_sqlite:
        return None
    notifier = Notifier(uow.engine)
    uow.on_commit(notifier.notify)
    return notifier


def prompts_of(facility: FacilityConfig) -> Prompts:
    """The spoken sentences in the facility's name."""
    return Prompts(
        service_name=facility.service_name,
        handoff_phone=facility.handoff_phone,
        handoff_name=facility.handoff_name,
        announce_recording=facility.announce_recording,
    )


def derived_key(settings: Settings, purpose: str) -> bytes:
    """A key of its own for each *purpose*, so that one secret never serves two ends."""
    secret = settings.secret_key.get_secret_value().encode()
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def _providers(settings: Settings, local_url: str) -> list[TelephonyProvider]:
    account = settings.account
    addresses = {"twilio": settings.twilio_api_url, "simulator": f"{local_url}/simulator/api"}
    return [
        TwilioProvider(
            name=name,
            account_sid=account.account_sid,
            auth_token=account.auth_token.get_secret_value(),
            number=account.number,
            api_url=addresses[name],
            read_timeout_s=settings.twilio_timeout_s,
        )
        for name in settings.telephony
    ]


def _heartbeat(settings: Settings) -> Heartbeat | None:
    if settings.heartbeat_url is None:
        return None
    from dispatch.adapters.heartbeat import HttpHeartbeat  # noqa: PLC0415 - only who asks for it waits for it

    return HttpHeartbeat(settings.heartbeat_url.get_secret_value())


def _simulator(settings: Settings, telephony: TelephonyContext, standby: Standby) -> "Simulator | None":
    if "simulator" not in settings.telephony:
        return None
    # Only where it is wanted: a server that starts for real phones has a caller waiting.
    from config.simulating import build_town  # noqa: PLC0415 - see above

    try:
        # Its fallback document is fixed when it is built, and must ring those who are on duty by then.
        standby.refresh()
        return build_town(settings, telephony)
    except SQLAlchemyError as error:
        if not is_database_away(error):
            raise
        standby.recall()
        return build_town(settings, telephony, with_staff=False)
