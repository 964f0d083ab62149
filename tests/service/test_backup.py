"""Backup and restore, as the drill has it: made while calls come in, put back elsewhere, nothing missing."""

import itertools
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, make_url, select, text, update
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import OperationalError

from config import backing_up
from config.backing_up import Made, back_up, manifest_of, name_for, rotate, standing_of
from config.cli_start import sqlite_file
from config.restoring import NotIntactError, Order, Restored, restore
from dispatch.domain.vocabulary import OutageCause
from dispatch.service.outages import Heart
from models import copying
from models.copying import CopyError, held_sqlite, settle_sqlite
from models.incident import Incident
from models.migrating import HEAD, current, downgrade
from models.session import open_database
from models.traffic import Outage, Pulse
from tests.databases import PostgresDatabases, sqlite_url
from tests.world import FACILITY, ZONE, World

NOW = datetime(2026, 11, 23, 17, 15, tzinfo=UTC)
HOUR_S = 3600.0


@pytest.fixture
def elsewhere(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database of the same kind on another machine, so to speak."""
    if database_url.startswith("sqlite"):
        yield sqlite_url(tmp_path / "elsewhere")
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
    with databases.database(migrated=False) as url:
        yield url


@pytest.fixture
def worlds(database_url: str) -> Iterator[Callable[[str], World]]:
    with ExitStack() as stack:

        def open_world(url: str) -> World:
            world = World(url)
            stack.callback(world.close)
            return world

        yield open_world


@pytest.fixture
def file(tmp_path: Path, database_url: str) -> Path:
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    return tmp_path / "backups" / name_for(FACILITY, kind, NOW)


def some_calls(world: World, count: int = 3) -> None:
    for number in range(count):
        world.resident(f"+6281199990{number:02}").rings(f"CA-{number}")
    world.works()


def backed_up(url: str, file: Path) -> Made:
    return back_up(url, FACILITY, file, now=NOW)


def put_back(file: Path, url: str, **options: bool) -> Restored:
    return restore(Order(file=file, url=url, facility=FACILITY, now=NOW, **options))


def refusal(file: Path, url: str, **options: bool) -> str:
    with pytest.raises(CopyError) as raised:
        put_back(file, url, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- the drill ------------------------------------------------------------------------------------


def test_nothing_answered_before_a_backup_is_missing_from_it(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    acknowledged: list[str] = []
    going_on, enough = threading.Event(), threading.Event()

    def calls_come_in() -> None:
        number = 0
        while not enough.is_set():
            sid = f"CA-during-{number}"
            world.resident(f"+62811999{number:05}").rings(sid)
            acknowledged.append(sid)
            number += 1
            if number == 5:
                going_on.set()

    caller = threading.Thread(target=calls_come_in)
    caller.start()
    assert going_on.wait(20)
    before = list(acknowledged)
    made = backed_up(database_url, file)
    during = len(acknowledged) - len(before)
    enough.set()
    caller.join(20)

    assert during > 0, "calls were taken while the backup was made"
    assert (made.manifest.checked, made.findings) == ("chain", [])
    restored = put_back(file, elsewhere)
    assert restored.standing == made.manifest.standing
    again = world.restarted_on(elsewhere)
    assert again.findings() == []
    assert set(before) <= {call.provider_sid for call in again.calls()}


def test_the_restored_service_takes_the_next_call(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    backed_up(database_url, file)
    put_back(file, elsewhere)
    again = world.restarted_on(elsewhere)
    state = again.resident("+628119998888").rings("CA-next")
    assert state.short_number == 103
    again.works()
    assert again.findings() == []


def outages_of(world: World) -> list[tuple[str, datetime, datetime]]:
    with world.uow.read() as session:
        rows = session.scalars(select(Outage).order_by(Outage.from_at)).all()
    return [(row.cause, row.from_at, row.until_at) for row in rows]


def restored_after(
    hours: float, url: str, elsewhere: str, world: World, file: Path, *, has_manifest: bool = True
) -> tuple[World, datetime, datetime]:
    """The health centre on another machine, from a backup that is so many hours old: it, then and now."""
    made_at = world.clock.now()
    back_up(url, FACILITY, file, now=made_at)
    if not has_manifest:
        manifest_of(file).unlink()
    world.hand.advance(hours * HOUR_S)
    world.uow.engine.dispose()
    restore(Order(file=file, url=elsewhere, facility=FACILITY, now=world.clock.now(), overwrites=True))
    again = world.restarted_on(elsewhere)
    again.hand.advance(120)
    return again, made_at, again.clock.now()


@pytest.mark.parametrize("has_manifest", [True, False])
def test_what_was_done_after_the_backup_is_lost_and_is_no_silence(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path, has_manifest: bool
) -> None:
    world = worlds(database_url)
    Heart(world.services).beat()
    again, made_at, now = restored_after(12, database_url, elsewhere, world, file, has_manifest=has_manifest)
    Heart(again.services).beat()
    assert outages_of(again) == [(OutageCause.RESTORED, made_at, now)]
    again.hand.advance(HOUR_S)
    Heart(again.services).beat()
    assert [cause for cause, _, _ in outages_of(again)] == [OutageCause.RESTORED, OutageCause.SILENT]


def test_what_had_stopped_before_the_backup_was_stopped_until_then(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    Heart(world.services).beat()
    Heart(world.services).rest()
    stopped_at = world.clock.now()
    world.hand.advance(HOUR_S)
    again, made_at, now = restored_after(2, database_url, elsewhere, world, file)
    Heart(again.services).beat()
    assert outages_of(again) == [
        (OutageCause.STOPPED, stopped_at, made_at),
        (OutageCause.RESTORED, made_at, now),
    ]


def test_what_is_put_back_twice_was_lost_since_the_first_backup(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    """Nothing ran in between, so nothing that was done is on record since then."""
    world = worlds(database_url)
    Heart(world.services).beat()
    again, made_at, _ = restored_after(2, database_url, elsewhere, world, file)
    second = file.with_name("second" + file.suffix)
    again, _, now = restored_after(1, elsewhere, elsewhere, again, second)
    Heart(again.services).beat()
    assert outages_of(again) == [(OutageCause.RESTORED, made_at, now)]


def test_the_manifest_says_what_is_in_it(
    database_url: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    made = backed_up(database_url, file)
    written = json.loads(manifest_of(file).read_text(encoding="utf-8"))
    assert written["standing"]["incidents"] == 3
    assert written["standing"]["calls"] == 3
    assert written["standing"]["events"] == sum(incident.event_count for incident in world.incidents())
    assert written["sha256"] == backing_up.sha256_of(file)
    assert (written["schema"], written["facility"]) == (HEAD, FACILITY)
    assert "+62" not in manifest_of(file).read_text(encoding="utf-8")
    assert backing_up.read_manifest(file) == made.manifest
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name, manifest_of(file).name]


def test_a_backup_is_never_overwritten(database_url: str, file: Path) -> None:
    backed_up(database_url, file)
    with pytest.raises(CopyError, match="is there already"):
        backed_up(database_url, file)


@pytest.mark.parametrize(("room_in_sizes", "is_made"), [(0, False), (0.5, False), (2, True)])
def test_a_backup_never_fills_the_disk_that_takes_the_calls(
    database_url: str, file: Path, room_in_sizes: float, is_made: bool
) -> None:
    source = sqlite_file(database_url)
    size = backing_up._size_at_most(database_url, source)
    assert size > 100_000
    free = backing_up.RESERVE_BYTES + int(room_in_sizes * size)

    def tried() -> Made:
        return back_up(database_url, FACILITY, file, now=NOW, free=lambda _folder: free)

    if is_made:
        assert tried().file == file
        return
    with pytest.raises(CopyError, match=f"too little room: {math.ceil(free / 1e6)} MB free, and a backup"):
        tried()
    assert list(file.parent.iterdir()) == []


def test_an_older_schema_is_brought_up(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    some_calls(worlds(database_url))
    downgrade(database_url, "0001")
    made = backed_up(database_url, file)
    # A dump is brought up where it is tried out; a file is left as it is.
    checked = "contents" if database_url.startswith("sqlite") else "chain"
    assert (made.manifest.schema, made.manifest.checked, made.manifest.findings) == ("0001", checked, 0)
    restored = put_back(file, elsewhere)
    assert (restored.schema_before, current(elsewhere)) == ("0001", HEAD)
    assert worlds_findings(elsewhere) == []


def worlds_findings(url: str) -> list[object]:
    return list(backing_up.findings_in(url, FACILITY))


# --- what is not believed -------------------------------------------------------------------------


def test_one_changed_byte_is_noticed(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    some_calls(worlds(database_url))
    backed_up(database_url, file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert "checksum" in refusal(file, elsewhere)
    assert is_untouched(elsewhere)


def is_untouched(url: str) -> bool:
    """Whether nothing was put there."""
    if url.startswith("sqlite"):
        folder = Path(make_url(url).database or "").parent
        return not folder.exists() or not list(folder.iterdir())
    return current(url) is None


def test_a_file_that_was_cut_off_without_its_manifest_is_noticed(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    some_calls(worlds(database_url))
    backed_up(database_url, file)
    manifest_of(file).unlink()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert refusal(file, elsewhere)
    assert is_untouched(elsewhere)


def test_without_a_manifest_the_chain_is_all_there_is(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    some_calls(worlds(database_url))
    backed_up(database_url, file)
    manifest_of(file).unlink()
    restored = put_back(file, elsewhere)
    assert (restored.has_manifest, restored.findings) == (False, [])


def test_a_manifest_that_promises_more_is_noticed(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    some_calls(worlds(database_url))
    backed_up(database_url, file)
    content = json.loads(manifest_of(file).read_text(encoding="utf-8"))
    content["standing"]["incidents"] += 1
    manifest_of(file).write_text(json.dumps(content), encoding="utf-8")
    assert "its manifest says 4 incidents" in refusal(file, elsewhere)
    assert is_untouched(elsewhere)


@pytest.mark.parametrize("content", ["", "not JSON", "{}", "[]", '{"standing": {}}'])
def test_a_manifest_that_is_none(sqlite_database_url: str, tmp_path: Path, content: str) -> None:
    file = tmp_path / "copy.db"
    backed_up(sqlite_database_url, file)
    manifest_of(file).write_text(content, encoding="utf-8")
    assert "is no manifest" in refusal(file, sqlite_url(tmp_path, "other.db"))


def test_another_facilitys_backup(sqlite_database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    back_up(sqlite_database_url, "ABC", file, now=NOW)
    assert "is of ABC, and this is KWK" in refusal(file, sqlite_url(tmp_path, "other.db"))


def test_a_file_that_is_no_backup(sqlite_database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("dear all", encoding="utf-8")
    assert "is no backup" in refusal(other, sqlite_database_url)
    assert "No such file" in refusal(tmp_path / "nowhere.db", sqlite_database_url)


def test_a_backup_of_the_other_database(sqlite_database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    backed_up(sqlite_database_url, file)
    away = "postgresql+psycopg://u:very-secret@127.0.0.1:9/x"
    assert "cannot go into a database of PostgreSQL" in refusal(file, away)


def test_a_record_that_is_not_intact_is_kept_and_said_and_not_put_back(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    with world.uow.write() as session:
        session.execute(update(Incident).values(priority="green"))
    made = backed_up(database_url, file)
    assert made.manifest.findings == len(made.findings) == 3
    with pytest.raises(NotIntactError) as raised:
        put_back(file, elsewhere)
    assert len(raised.value.findings) == 3
    assert is_untouched(elsewhere)
    restored = put_back(file, elsewhere, even_damaged=True)
    assert len(restored.findings) == 3
    assert len(worlds_findings(elsewhere)) == 3


# --- what stands there ----------------------------------------------------------------------------


def test_incidents_that_stand_there_are_set_aside_only_when_told(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    backed_up(database_url, file)
    some_calls_more = world.resident("+628119997777").rings("CA-later")
    world.close()
    assert "there are 4 incidents" in refusal(file, database_url)
    assert standing_of(database_url, FACILITY).incidents == 4

    restored = put_back(file, database_url, overwrites=True)
    assert standing_of(database_url, FACILITY).incidents == 3
    assert worlds_findings(database_url) == []
    assert restored.set_aside is not None
    if database_url.startswith("sqlite"):
        kept = standing_of(f"sqlite:///{restored.set_aside}", FACILITY)
        assert kept.incidents == 4
    else:
        with create_engine(database_url, poolclass=NullPool).connect() as connection:
            schema = restored.set_aside.removeprefix("schema ")
            assert connection.scalar(text(f"SELECT count(*) FROM {schema}.incident")) == 4
    assert some_calls_more.short_number == 103


def test_what_was_set_aside_is_not_in_the_next_backup(
    database_url: str, elsewhere: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    backed_up(database_url, file)
    world.close()
    put_back(file, database_url, overwrites=True)
    again = file.with_name("again" + file.suffix)
    made = backed_up(database_url, again)
    assert made.manifest.standing.incidents == 3
    put_back(again, elsewhere)
    assert standing_of(elsewhere, FACILITY) == made.manifest.standing
    if elsewhere.startswith("postgresql"):
        with create_engine(elsewhere, poolclass=NullPool).connect() as connection:
            assert not [name for name in inspect(connection).get_schema_names() if "restore" in name]


def test_a_restore_that_fails_leaves_what_stood_there(
    database_url: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    backed_up(database_url, file)
    content = json.loads(manifest_of(file).read_text(encoding="utf-8"))
    content["standing"]["events"] += 1
    manifest_of(file).write_text(json.dumps(content), encoding="utf-8")
    world.resident("+628119997777").rings("CA-later")
    world.close()
    refusal(file, database_url, overwrites=True)
    assert standing_of(database_url, FACILITY).incidents == 4
    assert worlds_findings(database_url) == []
    if database_url.startswith("postgresql"):
        with create_engine(database_url, poolclass=NullPool).connect() as connection:
            assert not [name for name in inspect(connection).get_schema_names() if "restore" in name]


def test_a_running_server_is_not_pulled_from_under(
    database_url: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    some_calls(world)
    backed_up(database_url, file)
    with world.uow.write() as session:
        session.add(Pulse(name="engine", at=NOW - timedelta(seconds=30), details={}))
    world.close()
    assert "a server runs on this database" in refusal(file, database_url, overwrites=True)


def test_a_database_that_somebody_has_open_is_in_use(
    database_url: str, worlds: Callable[[str], World], file: Path
) -> None:
    world = worlds(database_url)
    backed_up(database_url, file)
    with world.uow.read() as session:
        session.execute(text("SELECT 1 FROM incident"))
        said = refusal(file, database_url, overwrites=True)
    assert "stop what runs on it" in said


def test_a_server_that_starts_while_the_backup_is_checked_keeps_its_database(
    database_url: str, worlds: Callable[[str], World], file: Path
) -> None:
    """It comes after the first look: when the copy is opened, or just before the schema is replaced."""
    world = worlds(database_url)
    some_calls(world)
    backed_up(database_url, file)
    world.uow.engine.dispose()
    server, counted, started = open_database(database_url, pool_size=1), itertools.count(1), ExitStack()
    running: list[bool] = []

    def starts(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        is_copy = str(connection.engine.url.database).endswith(".restoring")
        is_second_look = "pg_stat_activity" in statement and next(counted) == 2
        if (is_copy or is_second_look) and not running:
            running.append(True)
            started.enter_context(server.connect()).execute(text("SELECT count(*) FROM incident"))

    listen(Engine, "before_cursor_execute", starts)
    try:
        assert "stop what runs on it" in refusal(file, database_url, overwrites=True)
    finally:
        remove(Engine, "before_cursor_execute", starts)
        started.close()
        server.dispose()
    assert len(world.incidents()) == 3
    world.uow.engine.dispose()
    put_back(file, database_url, overwrites=True)


def test_nobody_reads_or_writes_in_a_file_that_is_being_replaced(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    target = tmp_path / "siaga.db"
    settle_sqlite(target)
    engine = create_engine(sqlite_database_url, poolclass=NullPool, connect_args={"timeout": 0.1})
    with held_sqlite(target), engine.connect() as late, pytest.raises(OperationalError, match="locked"):
        late.execute(text("SELECT count(*) FROM incident"))
    with engine.connect() as busy:
        busy.exec_driver_sql("BEGIN")
        busy.execute(text("SELECT count(*) FROM incident"))
        with pytest.raises(CopyError, match="stop what runs on it"), held_sqlite(target):
            raise AssertionError("it is in use")


def test_a_ruined_database_is_set_aside_with_all_its_parts(sqlite_database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    backed_up(sqlite_database_url, file)
    ruined = tmp_path / "siaga.db"
    ruined.write_bytes(b"no database at all" * 500)
    (tmp_path / "siaga.db-wal").write_bytes(b"stale")
    assert "say --yes" in refusal(file, sqlite_database_url)
    restored = put_back(file, sqlite_database_url, overwrites=True)
    assert restored.set_aside is not None
    assert Path(restored.set_aside).read_bytes().startswith(b"no database")
    assert Path(restored.set_aside + "-wal").read_bytes() == b"stale"
    assert worlds_findings(sqlite_database_url) == []


# --- PostgreSQL's own tools -----------------------------------------------------------------------


def test_a_user_who_may_not_create_databases_gets_a_backup_that_says_so(
    postgresql_database_url: str, tmp_path: Path
) -> None:
    some = World(postgresql_database_url)
    some_calls(some)
    some.close()
    role = f"plain_{make_url(postgresql_database_url).database}"
    server = create_engine(postgresql_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data"))
    plain = make_url(postgresql_database_url).set(username=role).render_as_string(hide_password=False)
    try:
        made = backed_up(plain, tmp_path / "copy.dump")
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP ROLE {role}"))
    assert made.manifest.checked == "contents"
    assert made.manifest.standing.incidents == 3


def test_no_scratch_database_stays_behind(postgresql_database_url: str, tmp_path: Path) -> None:
    backed_up(postgresql_database_url, tmp_path / "copy.dump")
    with create_engine(postgresql_database_url, poolclass=NullPool).connect() as connection:
        left = connection.scalars(text("SELECT datname FROM pg_database WHERE datname LIKE 'siaga_check_%'"))
        assert list(left) == []


def test_tools_that_are_too_old_are_named(tmp_path: Path) -> None:
    with pytest.raises(CopyError, match="no pg_restore of version 999 or newer here; install"):
        copying.check_dump(tmp_path / "copy.dump", server=999)


def test_the_password_is_on_no_command_line(tmp_path: Path) -> None:
    program = tmp_path / "says"
    program.write_text('#!/bin/sh\necho "$@" "password=$PGPASSWORD" >&2\nexit 1\n', encoding="utf-8")
    program.chmod(0o700)
    url = "postgresql+psycopg://siaga:very%20secret@db.example:5433/log?sslmode=require"
    with pytest.raises(CopyError) as raised:
        copying.run_tool(program, "--list", url=url)
    said = str(raised.value)
    arguments, _, password = said.partition(" password=")
    assert password == "very secret"
    assert "secret" not in arguments
    for word in ("host=db.example", "port=5433", "dbname=log", "user=siaga", "sslmode=require", "--list"):
        assert word in arguments


# --- rotation -------------------------------------------------------------------------------------


def test_rotation_touches_only_its_own(tmp_path: Path) -> None:
    names = [name_for(FACILITY, "sqlite", NOW - timedelta(days=back)) for back in range(40)]
    others = ["notes.txt", "KWK-holiday.db", name_for("ABC", "sqlite", NOW - timedelta(days=30)), "siaga.db"]
    half = [f".{name_for(FACILITY, 'sqlite', at)}.partial" for at in (NOW - timedelta(days=2), NOW)]
    for name in (*names, *(f"{name}.json" for name in names), *others, *half):
        (tmp_path / name).touch()
    gone = rotate(tmp_path, FACILITY, days=7, zone=ZONE)
    left = {path.name for path in tmp_path.iterdir()}
    assert set(names[:7]) <= left
    assert set(others) <= left
    assert half[1] in left
    assert half[0] not in left
    assert {path.name for path in gone} == set(names) - left
    assert {f"{path.name}.json" for path in gone}.isdisjoint(left)
