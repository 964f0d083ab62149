"""Putting a backup back: nothing that stands there is lost, and nothing is believed that was not checked.

Decides what may be overwritten and what must be true first. What stood there is set aside, never deleted;
what does not hold what its manifest says, or whose record is not intact, is not put in place.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from config.backing_up import (
    BESIDE,
    Manifest,
    Standing,
    findings_in,
    read_manifest,
    remove_with_its_parts,
    sha256_of,
    standing_of,
    sync,
)
from config.cli_start import sqlite_file
from dispatch.service.findings import Finding
from dispatch.service.outages import mark_restored
from models import copying, migrating
from models.copying import SET_ASIDE, CopyError
from models.incident import Incident
from models.session import ENDLESS, open_database
from models.traffic import Pulse
from models.unit_of_work import UnitOfWork

SERVER_IS_GONE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be put where. ``overwrites``: incidents that stand there may be set aside."""

    file: Path
    url: str
    facility: str
    now: datetime
    overwrites: bool = False
    even_damaged: bool = False

    @property
    def stamp(self) -> str:
        """Marks what is set aside."""
        return f"{self.now:%Y%m%dt%H%M%Sz}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What is in place now, and where that is which stood there."""

    standing: Standing
    schema_before: str
    has_manifest: bool
    set_aside: str | None
    findings: list[Finding] = field(default_factory=list)


class NotIntactError(Exception):
    """The record in the backup is not intact; nothing was changed."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep every finding."""
        super().__init__(f"the record in the backup is not intact: {len(findings)} findings")
        self.findings = findings


def restore(order: Order) -> Restored:
    """Put the backup in place, at the present schema.

    Raises:
        CopyError: it may not or cannot be done; what stood there stands there.
        NotIntactError: likewise, for the record's own sake.
    """
    try:
        kind = copying.kind_of(order.file)
    except OSError as error:
        raise CopyError(f"{order.file}: cannot be read: {error.strerror}") from error
    target = sqlite_file(order.url)
    if kind is None:
        raise CopyError(f"{order.file}: is no backup: neither an SQLite database nor a dump of pg_dump")
    if (kind == "sqlite") != (target is not None):
        other = "PostgreSQL" if kind == "sqlite" else "SQLite"
        raise CopyError(f"{order.file}: is a backup of {kind}, and cannot go into a database of {other}")
    manifest = read_manifest(order.file)
    if manifest is not None:
        _check_manifest(order, manifest)
    if target is not None:
        return _restore_sqlite(order, target, manifest)
    return _restore_postgres(order, manifest)


def _check_manifest(order: Order, manifest: Manifest) -> None:
    if manifest.facility != order.facility:
        raise CopyError(f"{order.file}: is of {manifest.facility}, and this is {order.facility}")
    if order.file.stat().st_size != manifest.size or sha256_of(order.file) != manifest.sha256:
        raise CopyError(f"{order.file}: is damaged: it does not have the checksum that its manifest names")


def _brought_up(order: Order, url: str, manifest: Manifest | None) -> Restored:
    """Check what was loaded at *url*, bring it to the present schema, and check its record.

    Raises:
        CopyError: something is missing, or its schema is not known here.
        NotIntactError: and this was not expected.
    """
    schema = migrating.current(url)
    if schema is None or schema not in migrating.known():
        raise CopyError(f"{order.file}: its schema {schema} is not known here; a newer program made it")
    standing = standing_of(url, order.facility)
    if manifest is not None and standing != manifest.standing:
        raise CopyError(f"{order.file}: holds {standing}, and its manifest says {manifest.standing}")
    migrating.upgrade(url)
    _mark_restored(url, manifest)
    findings = findings_in(url, order.facility)
    if findings and not order.even_damaged:
        raise NotIntactError(findings)
    return Restored(
        standing=standing,
        schema_before=schema,
        has_manifest=manifest is not None,
        set_aside=None,
        findings=findings,
    )


def _mark_restored(url: str, manifest: Manifest | None) -> None:
    """Nobody must take the time since the backup for a time in which nothing ran."""
    engine = open_database(url, pool_size=1, patience=ENDLESS)
    try:
        with UnitOfWork(engine).write() as session:
            made_at = None if manifest is None else datetime.fromisoformat(manifest.made_at)
            mark_restored(session, made_at=made_at)
    finally:
        engine.dispose()


def _refuse_if_in_use(connection: Connection, order: Order) -> None:
    """Refuse while a server lives there, or where incidents stand that nobody said may be set aside."""
    tables = inspect(connection).get_table_names()
    if "pulse" in tables:
        last_at = connection.scalar(select(func.max(Pulse.at)).where(Pulse.name.like("engine%")))
        if last_at is not None and abs(order.now - last_at) < SERVER_IS_GONE_AFTER:
            raise CopyError("a server runs on this database: stop it, wait a minute, and restore then")
    incidents = connection.scalar(select(func.count()).select_from(Incident)) if "incident" in tables else 0
    if incidents and not order.overwrites:
        raise CopyError(f"there are {incidents} incidents in this database; to set them aside say --yes")


# --- SQLite ---------------------------------------------------------------------------------------


def _restore_sqlite(order: Order, target: Path, manifest: Manifest | None) -> Restored:
    if target.exists():
        _look_at_sqlite(order, target)
    fresh = target.with_name(f".{target.name}.restoring")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_with_its_parts(fresh)
        fresh.touch(mode=0o600)
        copying.copy_sqlite(order.file, fresh)
        if damage := copying.damage_of_sqlite(fresh):
            raise CopyError(f"{order.file}: is damaged: {damage}")
        restored = _brought_up(order, f"sqlite:///{fresh}", manifest)
        copying.settle_sqlite(fresh)
        sync(fresh)
        if target.exists():
            # Copying and checking took its time: somebody may have started a server meanwhile.
            _look_at_sqlite(order, target)
        with copying.held_sqlite(target) if _is_sqlite(target) else nullcontext():
            aside = _set_aside(order, target) if target.exists() else None
            fresh.replace(target)
            sync(target.parent)
    except OSError as error:
        raise CopyError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        remove_with_its_parts(fresh)
    return replace(restored, set_aside=None if aside is None else str(aside))


def _is_sqlite(target: Path) -> bool:
    return target.exists() and copying.kind_of(target) == "sqlite"


def _look_at_sqlite(order: Order, target: Path) -> None:
    if target.stat().st_size and copying.kind_of(target) != "sqlite":
        # Not even opened: SQLite would throw away what stands beside it, and that may be all there is.
        _refuse_unless_told(order, target)
        return
    engine = open_database(order.url, pool_size=1, patience=ENDLESS)
    try:
        with engine.connect() as connection:
            _refuse_if_in_use(connection, order)
    except SQLAlchemyError:
        _refuse_unless_told(order, target)
        return
    finally:
        engine.dispose()
    try:
        # Only a file that nobody has open can be settled, and a settled one has nothing left beside it.
        copying.settle_sqlite(target)
    except CopyError as error:
        raise CopyError(f"{target}: is in use: stop what runs on it") from error


def _refuse_unless_told(order: Order, target: Path) -> None:
    if not order.overwrites:
        raise CopyError(f"{target}: cannot be read; to set it aside all the same say --yes")


def _set_aside(order: Order, target: Path) -> Path:
    """Keep what stands there under another name; at no instant is there no database."""
    aside = target.with_name(f"{target.name}.{SET_ASIDE}{order.stamp}")
    for end in BESIDE:
        beside = target.with_name(target.name + end)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + end))
    aside.hardlink_to(target)
    return aside


# --- PostgreSQL -----------------------------------------------------------------------------------

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_LOOKS = 20
_LOOKS_EVERY_S = 0.1


def _restore_postgres(order: Order, manifest: Manifest | None) -> Restored:
    engine = open_database(order.url, pool_size=1, patience=ENDLESS)
    try:
        with engine.connect() as connection:
            server = copying.server_version(connection)
            _refuse_if_in_use(connection, order)
            is_empty = not inspect(connection).get_table_names()
            _refuse_others(connection)
    finally:
        engine.dispose()
    copying.check_dump(order.file, server=server)
    with _schema_set_aside(order, is_empty=is_empty) as aside:
        copying.load_postgres(order.url, order.file, server=server)
        restored = _brought_up(order, order.url, manifest)
    return replace(restored, set_aside=aside)


def _refuse_others(connection: Connection) -> None:
    if others := connection.scalar(_OTHERS):
        raise CopyError(f"{others} other sessions use this database: stop what runs on it")


def _is_somebody_in(engine: Engine) -> bool:
    """Whether a session stays that is none of ours, which end as soon as the server has noticed."""
    pause = threading.Event()
    for _ in range(_LOOKS):
        # Each time in a transaction of its own: within one the server always says the same.
        with engine.connect() as connection:
            if not connection.scalar(_OTHERS):
                return False
        pause.wait(_LOOKS_EVERY_S)
    return True


@contextmanager
def _schema_set_aside(order: Order, *, is_empty: bool) -> Iterator[str | None]:
    """An empty schema in place of the one that stands there; back again when the block fails."""
    aside = f"{SET_ASIDE}{order.stamp}"
    engine = open_database(order.url, pool_size=1, patience=ENDLESS)
    try:
        if not is_empty:
            with engine.begin() as connection:
                # Looking at the dump took its time: somebody may have started a server meanwhile.
                _refuse_others(connection)
                _refuse_if_in_use(connection, order)
                connection.execute(text(f"ALTER SCHEMA public RENAME TO {aside}"))
                connection.execute(text("CREATE SCHEMA public"))
        try:
            yield None if is_empty else f"schema {aside}"
        except BaseException as failure:
            loaded = f"{aside}_failed"
            with engine.begin() as connection:
                connection.execute(text(f"ALTER SCHEMA public RENAME TO {loaded}"))
                again = "CREATE SCHEMA public" if is_empty else f"ALTER SCHEMA {aside} RENAME TO public"
                connection.execute(text(again))
            # Whoever comes from now on finds what stood there; only who came before knows what was loaded.
            if _is_somebody_in(engine):
                kept = f"somebody used the database meanwhile: what they wrote is in the schema {loaded}"
                raise CopyError(f"{failure}; {kept}") from failure
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {loaded} CASCADE"))
            raise
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise CopyError(f"the database refused: {cause}") from error
    finally:
        engine.dispose()
