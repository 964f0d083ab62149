"""What PostgreSQL is asked on every call and every minute goes by its indexes, whatever the values are."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine

from dispatch.service import delivery_reports, inbox, open_now
from dispatch.service.roster_keeping import duty_phones, shifts_ahead
from models.session import CALLERS, open_database
from models.statements import numbered
from models.straight import straight
from tests.databases import PostgresDatabases
from tests.service.asked import (
    BIG,
    OF_WHAT_GOES_ON,
    SMALL_INDEXES,
    Listener,
    asked_by_the_watchdog,
    calls_to,
    live_the_rest,
)
from tests.world import World


@pytest.fixture
def postgres_world(postgres_databases: PostgresDatabases) -> Iterator[World]:
    with postgres_databases.database(migrated=True) as url:
        world = World(url)
        yield world
        world.close()


_OF_OLD = "'incident_id', '000-' || n"
_BEFORE = {
    "incident": "'id', '000-' || n, 'number', '000-' || n, 'short_number', n + 1000, 'status', 'closed', "
    "'received_at', received_at - n * interval '1 hour'",
    "call": f"{_OF_OLD}, 'id', md5(t.id || n), 'provider_sid', md5(t.id || n), 'ended_at', received_at, "
    "'received_at', received_at - n * interval '1 hour'",
    "assignment": f"{_OF_OLD}, 'id', md5(t.id || n), 'status', 'available'",
    "delivery": f"{_OF_OLD}, 'id', md5(t.id || n), 'idempotency_key', md5(t.id || n), 'state', 'delivered'",
    "inbox": f"{_OF_OLD}, 'id', md5(t.id || n), 'provider_key', md5(t.provider_key || n), "
    "'received_at', received_at - n * interval '1 hour'",
    "event": f"{_OF_OLD}, 'recorded_at', recorded_at - n * interval '1 hour'",
}
"""By each table, what is other in those that went before: one an hour, and each over."""


def _had_many_before(engine: Engine) -> None:
    """A server takes an index for what it knows of the rows; of a table with none it knows nothing."""
    with engine.begin() as connection:
        for table, differs in _BEFORE.items():
            connection.exec_driver_sql(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({differs}))).*"
                f" FROM {table} AS t, generate_series(1, 2000) AS n"
            )
        connection.exec_driver_sql("ANALYZE")


def _server_plans(engine: Engine, asked: list[tuple[str, Any]]) -> list[str]:
    """The plans of *asked* where many incidents went before; of what grows for ever none may be walked."""
    _had_many_before(engine)
    lines: list[str] = []
    with engine.connect() as connection:
        # A table of what goes on is walked for being small; what is left walks because no index serves it.
        connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in asked:
            explain = f"EXPLAIN {statement}"
            if isinstance(parameters, Mapping):
                lines += connection.exec_driver_sql(explain, parameters).scalars()
            else:
                lines += straight(connection, explain, parameters, lambda row: row[0])
    walks = re.compile(r"Seq Scan on (\w+)")
    assert [line for line in lines if (found := walks.search(line)) and found[1] in BIG] == []
    return lines


_FOR_ALL = re.compile(r"^(?!BEGIN|COMMIT|SHOW|NOTIFY|LISTEN|SELECT pg_)")
"""What has a plan, of all that a server is asked."""


def _plans_for_any_value(url: str, asked: list[tuple[str, Any]]) -> Iterator[str]:
    """The one plan that each of *asked* has on a connection for webhooks, with its statement above it."""
    engine = open_database(url, pool_size=1, patience=CALLERS)
    with engine.connect() as connection:
        for statement in dict(asked):
            names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
            sql = numbered(statement, {name: place for place, name in enumerate(names, start=1)})
            many = max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)
            connection.exec_driver_sql(f"PREPARE it AS {sql}")
            given = f"({', '.join(['NULL'] * many)})" if many else ""
            yield sql
            yield "\n".join(connection.exec_driver_sql(f"EXPLAIN EXECUTE it{given}").scalars())
            connection.exec_driver_sql("DEALLOCATE it")
    engine.dispose()


_INDEX_USED = re.compile(r"(?:Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan on) (\w+)")
_OF_EVERYTHING = re.compile(r"Index Cond: \(\(facility_id\)::text = \S+\)$")


def _walked(plan: str) -> list[str]:
    """The steps of a server's *plan* that look at every row of what grows for ever."""
    steps, found = plan.splitlines(), []
    for step, below in pairwise([*steps, ""]):
        table, index = re.search(r"Seq Scan on (\w+)", step), _INDEX_USED.search(step)
        narrows = "Index Cond" in below and not _OF_EVERYTHING.search(below)
        is_whole = index is not None and not narrows and index[1] not in OF_WHAT_GOES_ON | SMALL_INDEXES
        if is_whole or (table is not None and table[1] in BIG):
            found.append(step.strip())
    return found


def _asked_by_a_call(world: World) -> list[tuple[str, Any]]:
    """All that a whole call asks, and what webhooks ask beside calls."""
    listener = Listener(world.uow.engine, _FOR_ALL)
    incident_id = world.resident().rings().incident_id
    world.resident().presses("3")
    world.works()
    asked = [*listener.asked]
    calls = calls_to(world, "N01")
    listener.asked.clear()
    live_the_rest(world, incident_id, calls)
    with world.uow.look() as session:
        now = world.clock.now()
        open_now.open_incidents(session, world.services)
        duty_phones(session, world.services, now)
        shifts_ahead(session, world.services, now)
        inbox.is_kept(session, world.services, "a request in the journal")
    return asked + listener.asked


def test_on_a_server_one_plan_of_each_statement_serves_every_call(postgres_world: World) -> None:
    """Webhooks have their statements planned once (``CALLERS``): no value may need another plan."""
    asked = _asked_by_a_call(postgres_world)
    _had_many_before(postgres_world.uow.engine)

    url = postgres_world.uow.engine.url.render_as_string(hide_password=False)
    plans = list(_plans_for_any_value(url, asked))

    assert len(plans) > 2 * 30, "a whole call is told with all that is written"
    walks = [
        (step, statement)
        for statement, plan in zip(plans[::2], plans[1::2], strict=True)
        for step in _walked(plan)
    ]
    assert walks == []


def test_a_plan_from_when_there_were_few_walks_no_table_that_has_many_since(postgres_world: World) -> None:
    """A connection keeps it until the server counts anew: at a thousand incidents a call read all parts."""
    asked = _asked_by_a_call(postgres_world)
    with postgres_world.uow.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")

    url = postgres_world.uow.engine.url.render_as_string(hide_password=False)
    plans = "\n".join(_plans_for_any_value(url, asked))

    assert "Index Scan" in plans
    assert [table for table in re.findall(r"Seq Scan on (\w+)", plans) if table in BIG] == []


def test_the_watchdog_walks_no_growing_table_on_a_server_either(postgres_world: World) -> None:
    lines = _server_plans(postgres_world.uow.engine, asked_by_the_watchdog(postgres_world))

    for index in ("ix_call_orphan", "ix_call_unended", "ix_incident_open", "ix_delivery_due"):
        assert any(index in line for line in lines), index
    used = {found[1] for line in lines if (found := re.search(r"using (\w+) on incident\b", line))}
    assert used <= {"ix_incident_open", "pk_incident"}


def test_what_only_a_server_is_asked_walks_no_growing_table(postgres_world: World) -> None:
    """A callback's two rows, and an incident that another process wrote to, are one statement each there."""
    postgres_world.resident().rings()
    postgres_world.works()
    alert, *_ = postgres_world.deliveries(purpose="alert", channel="voice")
    other = postgres_world.restarted()
    listener = Listener(other.uow.engine)
    delivery_reports.callback(
        other.services,
        alert.id,
        provider_sid=alert.provider_sid,
        status="completed",
        sequence=1,
        error_code=None,
    )
    assert sum(" FOR UPDATE OF " in statement for statement, _ in listener.asked) == 1
    assert sum("json_agg" in statement for statement, _ in listener.asked) == 1

    lines = _server_plans(postgres_world.uow.engine, listener.asked)
    for index in ("pk_delivery", "pk_incident", "ix_call_incident_id", "uq_assignment_incident_id_staff_id"):
        assert any(index in line for line in lines), index
