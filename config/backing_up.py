"""Making a backup: a whole copy, checked by the record's own chain, with a note of what it holds beside it.

Decides the names, what the note (the manifest) says and what is checked. A copy has its name only once it is
complete and on the disk; what is half done is called ``….partial``.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from config.cli_start import sqlite_file
from dispatch.domain import rotation
from dispatch.service.findings import Finding
from dispatch.service.verifying import verify
from models import copying, migrating
from models.copying import CopyError, MayNotCreateError
from models.incident import Call, Incident
from models.record import Event
from models.session import ENDLESS, open_database
from models.unit_of_work import UnitOfWork

FORMAT = 1
RESERVE_BYTES = 1_000_000_000
"""What a backup leaves free on its disk, which may be the one that takes the calls: at 15 kB an incident room
for 66,000 of them, 44 minutes of 25 calls a second; and five times what ``siaga doctor`` calls wrong."""

_RUN_LASTS = timedelta(hours=12)
SUFFIXES = {"sqlite": ".db", "postgresql": ".dump"}
BESIDE = ("-wal", "-shm", "-journal")
"""How the files end that SQLite keeps beside a database."""

_STAMP = "%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How much a database holds, and the last line of its record: enough to see that nothing is missing."""

    incidents: int
    events: int
    calls: int
    last_recorded_at: str | None
    last_hash: str | None

    def __str__(self) -> str:
        """For a person."""
        last = f"; last line {self.last_recorded_at}" if self.last_recorded_at else ""
        return f"{self.incidents} incidents, {self.events} events, {self.calls} calls{last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of a backup, in a file beside it; ``checked`` is ``chain``, ``contents`` or ``no``."""

    facility: str
    made_at: str
    kind: str
    schema: str
    size: int
    sha256: str
    checked: str
    findings: int
    standing: Standing
    format: int = FORMAT


@dataclass(slots=True)
class Made:
    """A backup that has its name."""

    file: Path
    manifest: Manifest
    findings: list[Finding] = field(default_factory=list)


def free_bytes(folder: Path) -> int:
    """What is left for us on the disk of *folder*."""
    return shutil.disk_usage(folder).free


def back_up(
    url: str,
    facility: str,
    file: Path,
    *,
    now: datetime,
    checks: bool = True,
    free: Callable[[Path], int] = free_bytes,
) -> Made:
    """Copy the database at *url*, in use or not, into the new *file*; check it, and write its manifest.

    Raises:
        CopyError: it cannot be made; nothing is left behind.
    """
    if file.exists():
        raise CopyError(f"{file}: is there already; a backup is never overwritten")
    schema = migrating.current(url)
    if schema is None:
        raise CopyError("the database is empty: there is nothing to copy; run: siaga migrate")
    source = sqlite_file(url)
    with _partial(file) as partial:
        _refuse_without_room(file.parent, free(file.parent), _size_at_most(url, source))
        findings: list[Finding] = []
        if source is not None:
            kind, checked = "sqlite", "no"
            copying.copy_sqlite(source, partial)
            standing = standing_of(f"sqlite:///{partial}", facility)
            if checks:
                if damage := copying.damage_of_sqlite(partial):
                    raise CopyError(f"{source}: the database is damaged: {damage}")
                checked = "contents"
                if schema == migrating.HEAD:
                    checked, findings = "chain", findings_in(f"sqlite:///{partial}", facility)
            copying.settle_sqlite(partial)
        else:
            kind = "postgresql"
            standing, checked, findings = _dump(url, facility, partial, checks=checks)
        manifest = Manifest(
            facility=facility,
            made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            kind=kind,
            schema=schema,
            size=partial.stat().st_size,
            sha256=sha256_of(partial),
            checked=checked,
            findings=len(findings),
            standing=standing,
        )
        _write_durably(manifest_of(file), json.dumps(asdict(manifest), indent=1) + "\n")
        sync(partial)
        partial.replace(file)
        sync(file.parent)
    return Made(file=file, manifest=manifest, findings=findings)


def _refuse_without_room(folder: Path, free: int, size: int) -> None:
    if free < size + RESERVE_BYTES:
        raise CopyError(
            f"{folder}: too little room: {_megabytes(free)} free, and a backup needs {_megabytes(size)} "
            f"and leaves {_megabytes(RESERVE_BYTES)} for the calls"
        )


def _megabytes(size: int) -> str:
    return f"{math.ceil(size / 1_000_000)} MB"


def _size_at_most(url: str, source: Path | None) -> int:
    """What a copy takes up at most: an SQLite file with what still stands beside it, or a whole database."""
    if source is not None:
        parts = (source.with_name(source.name + end) for end in ("", "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())
    engine = open_database(url, pool_size=1, patience=ENDLESS)
    try:
        with engine.connect() as connection:
            return copying.size_of_postgres(connection)
    finally:
        engine.dispose()


def _dump(url: str, facility: str, partial: Path, *, checks: bool) -> tuple[Standing, str, list[Finding]]:
    """A dump, what it holds, how it was checked and what was found."""
    engine = open_database(url, pool_size=1, patience=ENDLESS)
    try:
        with copying.one_state(engine) as (connection, state):
            server = copying.server_version(connection)
            copying.dump_postgres(url, partial, state=state, server=server)
            standing = _standing(connection, facility)
    finally:
        engine.dispose()
    if not checks:
        return standing, "no", []
    copying.check_dump(partial, server=server)
    try:
        with copying.scratch_beside(url) as scratch:
            copying.load_postgres(scratch, partial, server=server)
            if standing_of(scratch, facility) != standing:
                raise CopyError("the copy does not hold what the database held: it was thrown away")
            migrating.upgrade(scratch)
            return standing, "chain", findings_in(scratch, facility)
    except MayNotCreateError:
        return standing, "contents", []


def standing_of(url: str, facility: str) -> Standing:
    """What the database at *url* holds, of whatever schema."""
    engine = open_database(url, pool_size=1, patience=ENDLESS)
    try:
        with engine.connect() as connection:
            return _standing(connection, facility)
    finally:
        engine.dispose()


def _standing(connection: Connection, facility: str) -> Standing:
    counts = [
        connection.scalar(select(func.count()).select_from(table)) or 0 for table in (Incident, Event, Call)
    ]
    last = connection.execute(
        select(Event.recorded_at, Event.hash)
        .where(Event.facility_id == facility)
        .order_by(Event.recorded_at.desc(), Event.incident_id.desc(), Event.sequence.desc())
        .limit(1)
    ).first()
    return Standing(
        incidents=counts[0],
        events=counts[1],
        calls=counts[2],
        last_recorded_at=None if last is None else last.recorded_at.isoformat(),
        last_hash=None if last is None else last.hash,
    )


def findings_in(url: str, facility: str) -> list[Finding]:
    """What ``siaga verify`` says of the database at *url*."""
    engine = open_database(url, pool_size=2, patience=ENDLESS)
    try:
        return list(verify(UnitOfWork(engine), facility))
    finally:
        engine.dispose()


# --- files ----------------------------------------------------------------------------------------


def manifest_of(file: Path) -> Path:
    """Where the manifest of a backup stands."""
    return file.with_name(f"{file.name}.json")


def read_manifest(file: Path) -> Manifest | None:
    """The manifest beside *file*, or None when there is none.

    Raises:
        CopyError: it cannot be understood.
    """
    path = manifest_of(file)
    try:
        content = cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
        standing = Standing(**cast("dict[str, int]", content.pop("standing")))  # type: ignore[arg-type] # as written
        return Manifest(standing=standing, **content)  # type: ignore[arg-type] # as written by back_up
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CopyError(f"{path}: is no manifest of a backup") from error


def name_for(facility: str, kind: str, now: datetime) -> str:
    """The name of a backup made *now*."""
    return f"{facility}-{now.astimezone(UTC):{_STAMP}}{SUFFIXES[kind]}"


def rotate(folder: Path, facility: str, *, days: int, zone: ZoneInfo) -> list[Path]:
    """Delete the backups in *folder* that rotation does not keep, and say which.

    With them goes what a killed run left half done before the newest of them was made.
    """
    made = {at: path for path in folder.iterdir() if (at := _made_at(path.name, facility)) is not None}
    gone = sorted(set(made) - rotation.kept(made, days=days, zone=zone))
    for path in folder.glob(f".{facility}-*{_PARTIAL}"):
        begun_at = _made_at(path.name.removeprefix(".").removesuffix(_PARTIAL), facility)
        if begun_at is not None and begun_at < max(made) - _RUN_LASTS:
            remove_with_its_parts(path)
    for at in gone:
        made[at].unlink()
        manifest_of(made[at]).unlink(missing_ok=True)
    return [made[at] for at in gone]


def _made_at(name: str, facility: str) -> datetime | None:
    """When a backup that bears a name of ours was made; None for every other file."""
    stem, dot, suffix = name.rpartition(".")
    if dot + suffix not in SUFFIXES.values() or not stem.startswith(f"{facility}-"):
        return None
    try:
        return datetime.strptime(stem.removeprefix(f"{facility}-"), _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def sha256_of(file: Path) -> str:
    """The checksum of a file of any size."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until what *path* holds, a file or the names in a folder, is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _partial(file: Path) -> Iterator[Path]:
    """An empty file beside *file* for us alone, gone at the end unless it got its name."""
    partial = file.with_name(f".{file.name}{_PARTIAL}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600, exist_ok=False)
        try:
            yield partial
        finally:
            remove_with_its_parts(partial)
    except OSError as error:
        raise CopyError(f"{file}: cannot be written: {error.strerror}") from error


def remove_with_its_parts(file: Path) -> None:
    """Delete an SQLite file, or what is left of one, and all that SQLite keeps beside it."""
    for end in ("", *BESIDE):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _write_durably(path: Path, content: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(content, encoding="utf-8")
    sync(partial)
    partial.replace(path)
