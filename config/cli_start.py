"""What a command of the terminal begins with: settings, files, database, and how it says no.

Decides nothing about the work itself.
"""

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from config.accounts import Accounts
from config.cli_words import CommandRefusedError
from config.demo import load_command_settings
from config.facility import FacilityConfig, load_facility
from config.logging import configure_logging
from config.policy import load_policy
from config.settings import Settings
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from dispatch.domain.policy import Policy
from dispatch.service.csv_rows import SKILLS
from dispatch.service.facilities import register_facility
from dispatch.service.importing import Importer
from dispatch.service.metrics import Metrics
from dispatch.service.services import Services
from models import migrating
from models.record import Audit
from models.session import COMMAND, open_database
from models.unit_of_work import UnitOfWork

ACTOR = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a command works with."""

    settings: Settings
    facility: FacilityConfig
    policy: Policy
    uow: UnitOfWork
    clock: SystemClock
    ids: RandomIds

    @property
    def importer(self) -> Importer:
        """For imports in the name of whoever sits at the terminal."""
        return Importer(
            uow=self.uow,
            ids=self.ids,
            clock=self.clock,
            facility_id=self.facility.code,
            actor=ACTOR,
            area=self.facility.area,
            skills=(*SKILLS, *self.facility.skills),
        )

    @property
    def services(self) -> Services:
        """For what reads and writes without making personal links: those need the key of the web process."""
        return Services(
            uow=self.uow,
            clock=self.clock,
            ids=self.ids,
            metrics=Metrics(),
            facility_id=self.facility.code,
            zone=self.facility.zone,
            policy=self.policy,
            link_key=b"",
        )

    def note(
        self, action: str, subject: str, data: Mapping[str, object] | None = None, *, actor: str = ACTOR
    ) -> None:
        """Leave a line in the audit trail: what was done or read here, and whose terminal it was."""
        with self.uow.write() as session:
            session.add(
                Audit(
                    id=self.ids.new_id(),
                    facility_id=self.facility.code,
                    at=self.clock.now(),
                    actor=actor[:80],
                    action=action,
                    subject=subject[:80],
                    data={"account": account(), **(data or {})},
                )
            )

    @property
    def accounts(self) -> Accounts:
        """For users, in the same name."""
        return Accounts(
            uow=self.uow, ids=self.ids, clock=self.clock, facility_id=self.facility.code, actor=ACTOR
        )


def account() -> str:
    """Whose terminal it is, as far as the system knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # An account without a name, as in a container.
        return str(os.getuid())


def read_settings() -> Settings:
    """The settings of this environment, with logging set up accordingly.

    Raises:
        SettingsError: one of them is bad.
    """
    settings = load_command_settings(os.environ)
    configure_logging(settings.log_format, secrets=secrets_of(settings))
    return settings


def secrets_of(settings: Settings) -> list[str]:
    """What must never be in a log line."""
    account = settings.account
    password = make_url(settings.database_url).password
    return [
        settings.secret_key.get_secret_value(),
        account.auth_token.get_secret_value(),
        *([settings.heartbeat_url.get_secret_value()] if settings.heartbeat_url else []),
        *([settings.smtp_url.get_secret_value()] if settings.smtp_url else []),
        *([str(password)] if password else []),
    ]


@contextmanager
def start(*, writes: bool = False) -> Iterator[Started]:
    """Read everything and open the database, whose schema must be current; closed at the end of the block.

    With *writes* the facility's own row is made sure of first.

    Raises:
        SettingsError: a setting is bad.
        FileRefusedError: the policy or the facility file is bad.
        CommandRefusedError: there is no database, or it needs ``siaga migrate``.
    """
    settings = read_settings()
    facility = load_facility(settings.facility_file)
    policy = load_policy(settings.policy_file)
    require_current_schema(settings.database_url)
    uow = UnitOfWork(open_database(settings.database_url, pool_size=2, patience=COMMAND))
    try:
        if writes:
            keep_facility(uow, facility)
        yield Started(
            settings=settings,
            facility=facility,
            policy=policy,
            uow=uow,
            clock=SystemClock(),
            ids=RandomIds(),
        )
    finally:
        uow.engine.dispose()


def keep_facility(uow: UnitOfWork, facility: FacilityConfig) -> None:
    """Write the facility's row as its file says."""
    register_facility(
        uow=uow, clock=SystemClock(), code=facility.code, name=facility.name, timezone=facility.timezone
    )


def require_current_schema(url: str) -> None:
    """Refuse a database that is not there or not at this program's schema; looking makes no file."""
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise CommandRefusedError(f"there is no database {str(file)!r} yet; run: siaga migrate")
    current = migrating.current(url)
    if current != migrating.HEAD:
        state = f"at revision {current}" if current else "empty"
        raise CommandRefusedError(f"the database is {state}, this program needs another; run: siaga migrate")


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for a server."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(parsed.database) if is_file and parsed.database else None
