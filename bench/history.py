"""Years of work in a database, made in minutes: a few real incidents, multiplied inside the database.

The originals are lived by the real program over HTTP. Each copy gets identifiers, numbers and times of its
own; its rows are as many and as large as the original's, and every trigger and constraint stays. What a copy
does not have is a chain of its own: its lines carry the hashes of the original, of the right length, and do
not verify. Nothing that is measured reads them.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Table,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from bench.sites import Generator, Site
from models.base import Base, UtcDateTime
from models.facility import Facility, IncidentCounter
from models.migrating import MIGRATIONS
from models.tables import Assignment, Call, Delivery, Event, Inbox, Incident, Link, PrivateValue

VERSION = 5
"""To be raised when the copies become others, so that no database of before is taken for one of now."""

WHOLE_LIVES, WRONG_NUMBERS = 10, 40
"""The originals, fewer where few copies are wanted; most emergency calls are none (DOMAIN 1.5)."""

ON_DUTY = 4
"""While the originals are lived, as in a real health centre; the list is frozen into each incident."""

APART = timedelta(days=365) / 100_000
"""From one copy to the next: a hundred thousand a year, as in a busy regency, as many years as it takes."""

COPIED: tuple[type[Base], ...] = (Incident, Event, PrivateValue, Call, Assignment, Delivery, Link, Inbox)

_FIRST_COPY = 1000
"""The first short number of a copy in each year; the originals stay below."""


def key() -> str:
    """Changes with the schema and with this generator."""
    schema = b"".join(file.read_bytes() for file in sorted((MIGRATIONS / "versions").glob("*.py")))
    return f"{sha256(schema).hexdigest()[:8]}_v{VERSION}"


def fill(site: Site, count: int, generator: Generator, *, last: datetime | None = None) -> None:
    """Give *site* a history of *count* copies of incidents that the program itself has lived.

    The *last* of them is a day old when nothing else is said.
    """
    site.prepare(on_duty=ON_DUTY)
    with site.serving():
        whole = min(WHOLE_LIVES, -(-count // 5))
        wrong = min(WRONG_NUMBERS, 4 * whole)
        lived = generator.ask("lifecycles", url=site.url, count=whole, at_once=2)
        assert not lived["failures"], lived["failures"]
        generator.ask("calls", url=site.url, count=wrong, at_once=2)
        generator.ask("quiet", for_s=2)
        generator.ask("hang_up", url=site.url)
        generator.ask("quiet", for_s=2)
    multiply(site.database_url, count, last=last)


def multiply(url: str, count: int, *, last: datetime | None = None) -> None:
    """Fill the database at *url* with *count* copies of the incidents that are in it, up to *last*."""
    last = last or datetime.now(UTC) - timedelta(days=1)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    sql = _Sql(engine.dialect.name)
    try:
        with engine.connect() as connection:
            for statement in sql.hurry():
                connection.execute(text(statement))
            numbers = {
                "count": count,
                "last_s": int(last.timestamp()),
                "step_s": APART.total_seconds(),
            }
            connection.execute(text(sql.plan()), numbers)
            indexes = _secondary_indexes(connection)
            for index in indexes:
                index.drop(connection)
            for table in COPIED:
                for statement in sql.copying(_table(table)):
                    connection.execute(text(statement))
            for index in indexes:
                index.create(connection)
            _go_on_counting(connection)
            began = last - max(count * APART, timedelta(days=365))
            connection.execute(update(Facility).where(Facility.created_at > began).values(created_at=began))
            for statement in sql.settle():
                connection.execute(text(statement))
    finally:
        engine.dispose()


def check(url: str, count: int) -> None:
    """Stop unless every original has its copies, with as many rows of each kind and times in their order."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(select(func.count()).select_from(Incident)) or 0
        lines = connection.scalar(select(func.sum(Incident.event_count))) or 0
        kept = connection.scalar(select(func.count()).select_from(Event)) or 0
        early = connection.scalar(select(func.count()).where(Incident.closed_at < Incident.received_at))
        still_open = connection.scalar(select(func.count()).where(Incident.status != "closed"))
    engine.dispose()
    assert found >= count, f"{found} incidents instead of {count}"
    assert lines == kept, f"{kept} lines instead of {lines}"
    assert not early, f"{early} incidents were closed before they began"
    assert not still_open, f"{still_open} incidents are open"


def _secondary_indexes(connection: Connection) -> list[Index]:
    """In the order in which they were made: of two that serve alike, SQLite takes the one made last."""
    indexes = {str(index.name): index for table in COPIED for index in _table(table).indexes}
    if connection.dialect.name != "sqlite":
        return list(indexes.values())
    names = connection.scalars(
        text("SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY rowid")
    ).all()
    return [indexes[name] for name in names if name in indexes]


def _go_on_counting(connection: Connection) -> None:
    """New incidents are numbered after the copies of their year."""
    connection.execute(delete(IncidentCounter))
    last = select(Incident.facility_id, Incident.year, func.max(Incident.short_number) + 1)
    last = last.group_by(Incident.facility_id, Incident.year)
    connection.execute(insert(IncidentCounter).from_select(["facility_id", "year", "next_value"], last))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


class _Sql:
    """The statements, in the words of one of the two databases."""

    def __init__(self, dialect: str) -> None:
        self.is_sqlite = dialect == "sqlite"

    def hurry(self) -> list[str]:
        """No durability while there is nothing to lose; foreign keys hold by the way the copies are made."""
        if self.is_sqlite:
            return ["PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -200000"]
        return [
            "SET session_replication_role = replica",
            "SET synchronous_commit = off",
            "SET maintenance_work_mem = '256MB'",
        ]

    def settle(self) -> list[str]:
        """What a server's autovacuum would have done over the years; nobody analyses an SQLite file."""
        return ["PRAGMA journal_mode = WAL"] if self.is_sqlite else ["VACUUM ANALYZE", "CHECKPOINT"]

    def plan(self) -> str:
        """One row for each copy: of which original, when, by how much it is moved, and its own numbers."""
        if self.is_sqlite:
            series = (
                "WITH RECURSIVE series (number) AS "
                "(SELECT 0 UNION ALL SELECT number + 1 FROM series WHERE number < :count - 1)"
            )
            year = "strftime('%Y', at_s, 'unixepoch')"
            received_s = "strftime('%s', received_at) + substr(received_at, 20)"
        else:
            series = "WITH series (number) AS (SELECT generate_series(0, :count - 1))"
            year = "extract(year FROM to_timestamp(at_s))"
            received_s = "extract(epoch FROM received_at)::double precision"
        # Put together from this module's own words alone.
        return f"""
            CREATE TEMPORARY TABLE plan AS {series},
            original AS (
                SELECT id, {received_s} AS received_s,
                       row_number() OVER (ORDER BY id) - 1 AS turn, count(*) OVER () AS originals
                FROM incident
            ),
            dated AS (
                SELECT number, id AS original_id, turn, received_s,
                       CAST(:last_s - (:count - 1 - number) * :step_s AS BIGINT) AS at_s
                FROM series JOIN original ON turn = number % originals
            ),
            plan AS (
                SELECT number, original_id, turn, at_s * 1000 AS at_ms, at_s - received_s AS moved_s,
                       CAST({year} AS INTEGER) AS year,
                       {_FIRST_COPY} - 1 + row_number() OVER (PARTITION BY {year} ORDER BY number)
                       AS short_number
                FROM dated
            )
            SELECT plan.*, {self._identifier("0")} AS new_id FROM plan ORDER BY number
        """  # noqa: S608 - as above

    def copying(self, table: Table) -> list[str]:
        """Lay the originals of *table* aside, then insert the copies of all of them."""
        columns = [column.name for column in table.columns]
        values = [self._value(table, column) for column in table.columns]
        if table is _table(Incident):
            mine, turn = "id", "0"
        elif "incident_id" in columns and table is not _table(Inbox):
            mine, turn = "incident_id", "0"
        else:
            # The inbox knows nothing of incidents: its requests are dealt out, one of a call to each.
            mine, turn = "NULL", "(row_number() OVER (PARTITION BY kind ORDER BY id) - 1)"
        primary = ", ".join(column.name for column in table.primary_key.columns)
        meets = "source.mine = plan.original_id" if mine != "NULL" else "source.turn = plan.turn"
        originals = "(SELECT count(DISTINCT original_id) FROM plan)"
        # Put together from this module's own words alone.
        aside = f"""
            CREATE TEMPORARY TABLE source AS
            SELECT *, {mine} AS mine, {turn} % {originals} AS turn,
                   row_number() OVER (PARTITION BY {mine} ORDER BY {primary}) AS ordinal
            FROM {table.name}
        """  # noqa: S608 - as above
        copies = f"""
            INSERT INTO {table.name} ({", ".join(columns)})
            SELECT {", ".join(values)} FROM plan CROSS JOIN source WHERE {meets}
        """  # noqa: S608 - as above
        by = "turn" if mine == "NULL" else "mine"
        return [aside, f"CREATE INDEX source_of ON source ({by})", copies, "DROP TABLE source"]

    def _value(self, table: Table, column: Column[object]) -> str:
        """The value of one column of a copy."""
        name, kind = column.name, table.name
        identifier = self._identifier(f"({_ROWS.get(kind, 0)} + source.ordinal)")
        number = self._padded("plan.short_number", 6)
        # The request of a call is known by the call's own identifier.
        call = f"'CA' || replace({self._identifier(str(_ROWS['call'] + 1))}, '-', '')"
        key = f"CASE source.kind WHEN 'voice' THEN {call} ELSE {identifier} END"
        own: dict[str, str] = {
            "incident_id": "source.incident_id" if kind == "inbox" else "plan.new_id",
            "id": "plan.new_id" if kind == "incident" else identifier,
            "year": "plan.year",
            "short_number": "plan.short_number",
            "number": f"source.facility_id || '-' || plan.year || '-' || {number}",
            "provider_sid": f"substr(source.provider_sid, 1, 2) || replace({identifier}, '-', '')",
            "provider_key": f"source.kind || ':' || {key}",
            "idempotency_key": "replace(source.idempotency_key, plan.original_id, plan.new_id)",
            "token_hash": self._secret_hash(),
            "caller_number": f"'+62853' || {self._padded('60000000 + plan.number', 8)}",
        }
        if name in own:
            return own[name]
        if isinstance(column.type, UtcDateTime):
            return self._moved(f"source.{name}")
        return f"source.{name}"

    def _moved(self, column: str) -> str:
        if self.is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', {column}, plan.moved_s || ' seconds')"
        return f"{column} + make_interval(secs => plan.moved_s)"

    def _identifier(self, row: str) -> str:
        """Thirty-six characters in the order of time, as ``dispatch.adapters.ids`` makes them."""
        if self.is_sqlite:
            return (
                "printf('%08x-%04x-7%03x-8000-%012x', "
                f"plan.at_ms >> 16, plan.at_ms & 65535, {row} & 4095, plan.number)"
            )
        parts = {
            "plan.at_ms >> 16": 8,
            "plan.at_ms & 65535": 4,
            f"{row}::bigint & 4095": 3,
            "plan.number": 12,
        }
        time, rest, mine, number = (f"lpad(to_hex({part}), {width}, '0')" for part, width in parts.items())
        return f"{time} || '-' || {rest} || '-7' || {mine} || '-8000-' || {number}"

    def _padded(self, value: str, width: int) -> str:
        return f"printf('%0{width}d', {value})" if self.is_sqlite else f"lpad(({value})::text, {width}, '0')"

    def _secret_hash(self) -> str:
        """Sixty-four hexadecimal digits in no order, as hashes are."""
        return (
            "lower(hex(randomblob(32)))" if self.is_sqlite else "md5(random()::text) || md5(random()::text)"
        )


_ROWS = {"call": 1024, "assignment": 2048, "delivery": 3072, "inbox": 512}
"""Where the identifiers of each table's rows begin, so that no two tables share one."""
