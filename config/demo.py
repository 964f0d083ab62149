"""The demonstration: settings that need nothing, and a sample facility with people, places and a roster.

Decides what exists only for showing: a key kept beside the data, invented people, log-ins with known
passwords. Never used by a real installation; ``siaga serve --demo`` is the only way in.
"""

import csv
import io
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from config.accounts import Accounts
from config.facility import FacilityConfig
from config.files import DEFAULTS
from config.sample_roster import planned
from config.settings import SecretKeyMissingError, Settings, SettingsError, load_settings, variable
from dispatch.domain.vocabulary import UserRole
from dispatch.ports import Clock, IdSource
from dispatch.service.csv_rows import ROSTER_COLUMNS
from dispatch.service.facilities import register_facility
from dispatch.service.importing import Importer, import_places, import_roster, import_staff
from models.access import User
from models.facility import Staff
from models.record import Audit
from models.unit_of_work import UnitOfWork

DAYS_BEFORE = timedelta(days=1)
DAYS_AHEAD = timedelta(days=14)

_ACTOR = "demo"
_KEY_FILE = "demo-secret"
_TELEPHONY = ("simulator",)
_SECRET = variable("secret_key")
_PUBLIC_URL = variable("public_url")
_PEOPLE_COME_BY = ("staff.imported", "user.added")
"""What the audit trail calls the acts by which people get into a database."""


class DemoRefusedError(Exception):
    """The demonstration has no business in this database; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLogin:
    """A log-in of the demonstration, printed at its start."""

    username: str
    password: str
    role: UserRole


LOGINS = tuple(
    DemoLogin(username=str(role), password=f"contoh-{role}", role=role)
    for role in (UserRole.ADMIN, UserRole.DISPATCHER, UserRole.MANAGER, UserRole.AUDITOR)
)


def load_demo_settings(environ: Mapping[str, str], *, port: int) -> Settings:
    """The settings of the demonstration: what *environ* leaves out is filled in.

    The secret key is made once and kept beside the data; the public address is this machine's own *port*.

    Raises:
        SettingsError: as :func:`config.settings.load_settings`, except for a missing key; or real telephony
            is set, where the first tap of whoever tries it out would ring real people.
    """
    # Looked at before the key is made: a refused demonstration leaves nothing behind.
    if load_settings({_SECRET: secrets.token_hex(32), **environ}).telephony != _TELEPHONY:
        raise SettingsError(
            variable("telephony"),
            "the demo rings simulated phones alone; leave it out, or start siaga serve without --demo",
        )
    settings = _with_secret(environ, _kept_secret)
    if "public_url" in settings.model_fields_set:
        return settings
    local = {_PUBLIC_URL: f"http://127.0.0.1:{port}", _SECRET: settings.secret_key.get_secret_value()}
    return load_settings({**environ, **local})


def load_command_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of a command that serves nobody: beside a demonstration's data its key is used.

    So ``siaga report`` and the like work in the folder of a demonstration without any preparation.

    Raises:
        SettingsError: as :func:`config.settings.load_settings`.
    """
    return _with_secret(environ, _found_secret)


def require_own_database(uow: UnitOfWork) -> None:
    """Make sure that a database is empty of people or was begun by a demonstration; changes nothing.

    People whom somebody added to a demonstration later do not make it a real installation: who tries the
    program out may try that, too. Works with the tables of any earlier version, as nothing is migrated yet.

    Raises:
        DemoRefusedError: it holds people whom no demonstration brought.
    """
    with uow.read() as session:
        if not _holds_people(session):
            return
        first = session.scalar(
            select(Audit.actor).where(Audit.action.in_(_PEOPLE_COME_BY)).order_by(Audit.at, Audit.id).limit(1)
        )
    if first != _ACTOR:
        raise DemoRefusedError(
            f"{variable('database_url')}: this database holds staff or users who are not the demo's; "
            "nothing was changed; name an empty one for the demo, or start siaga serve without --demo"
        )


def _holds_people(session: Session) -> bool:
    tables = inspect(session.connection())
    return any(
        tables.has_table(table.__tablename__) and session.scalar(select(table.id).limit(1)) is not None
        for table in (Staff, User)
    )


def load_sample(
    *, uow: UnitOfWork, ids: IdSource, clock: Clock, facility: FacilityConfig
) -> tuple[DemoLogin, ...]:
    """Fill the database with the sample facility: places, people, a roster around today, log-ins.

    Safe to repeat: what is there stays, and days that the roster lacks are added.
    """
    register_facility(
        uow=uow, clock=clock, code=facility.code, name=facility.name, timezone=facility.timezone
    )
    importer = Importer(
        uow=uow, ids=ids, clock=clock, facility_id=facility.code, actor=_ACTOR, area=facility.area
    )
    import_places((DEFAULTS / "places.csv").read_bytes(), file="places.csv", importer=importer)
    import_staff((DEFAULTS / "staff.csv").read_bytes(), file="staff.csv", importer=importer)
    today = clock.now().astimezone(facility.zone).date()
    content = sample_roster(today - DAYS_BEFORE, today + DAYS_AHEAD)
    import_roster(content, file="roster.csv", importer=importer, zone=facility.zone)
    accounts = Accounts(uow=uow, ids=ids, clock=clock, facility_id=facility.code, actor=_ACTOR)
    for login in LOGINS:
        if not accounts.has_user(login.username):
            accounts.add_user(login.username, login.password, login.role)
    return LOGINS


def sample_roster(first: date, last: date) -> bytes:
    """The planned shifts of the days from *first* to *last* as a roster file of CONTRACT 6."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(ROSTER_COLUMNS)
    for shift in planned(first, last):
        starts, ends = (at.isoformat(timespec="minutes") for at in (shift.starts, shift.ends))
        writer.writerow((shift.staff_code, starts, ends, shift.tier))
    return written.getvalue().encode()


def _with_secret(environ: Mapping[str, str], secret_in: Callable[[Path], str | None]) -> Settings:
    """The settings; where no key is set, the one that *secret_in* has for the data folder."""
    try:
        return load_settings(environ)
    except SecretKeyMissingError:
        # Any key will do for finding out where the data is.
        data_dir = load_settings({**environ, _SECRET: secrets.token_hex(32)}).data_dir
        secret = secret_in(data_dir)
        if secret is None:
            raise
        return load_settings({**environ, _SECRET: secret})


def _found_secret(data_dir: Path) -> str | None:
    try:
        return (data_dir / _KEY_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _kept_secret(data_dir: Path) -> str | None:
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(data_dir / _KEY_FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode=0o600)
    except FileExistsError:
        return _found_secret(data_dir)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        opened.write(secrets.token_hex(32))
    return _found_secret(data_dir)
