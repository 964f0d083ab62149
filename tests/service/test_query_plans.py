"""The queries that run on every call, every commit and every refresh use their indexes."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, Select, event, text

from dashboards.queries import board
from dispatch.service import outbox
from models.session import open_database
from tests.service.conftest import MakeWorld
from tests.world import World


@pytest.fixture
def sqlite_world(sqlite_database_url: str) -> Iterator[World]:
    world = World(sqlite_database_url)
    yield world
    world.close()


class _Listener:
    """Collects the statements that a database is asked."""

    def __init__(self, engine: Engine) -> None:
        self.asked: list[tuple[str, Any]] = []
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> None:
        if statement.startswith("SELECT"):
            self.asked.append((statement, parameters))


def _plans(engine: Engine, asked: list[tuple[str, Any]]) -> list[str]:
    with engine.connect() as connection:
        raw = connection.connection.cursor()
        lines: list[str] = []
        for statement, parameters in asked:
            raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            lines += [str(row[3]) for row in raw.fetchall()]
        return lines


BIG = ("incident", "call", "event", "delivery", "assignment", "deadline", "inbox", "private_value")


def _walks(lines: list[str]) -> list[str]:
    """Steps that look at every row of a table that grows for ever."""
    scans = [line for line in lines if line.startswith("SCAN") and "INDEX" not in line]
    return [line for line in scans if line.split()[1] in BIG]


def test_a_call_and_the_engine_walk_no_growing_table(sqlite_world: World) -> None:
    listener = _Listener(sqlite_world.uow.engine)
    call = sqlite_world.resident().rings()
    sqlite_world.resident().presses("1")
    sqlite_world.works()
    sqlite_world.worker("N01").accepts(call.incident_id)
    sqlite_world.worker("N01").texts("3")
    sqlite_world.works()

    lines = _plans(sqlite_world.uow.engine, listener.asked)

    assert _walks(lines) == []
    assert any("ix_incident_caller" in line for line in lines), "the open incident of a number"
    assert any("ix_delivery_due" in line for line in lines), "what the engine sends next"


def _plan(engine: Engine, query: Select[object]) -> list[str]:
    compiled = query.compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        return [str(row[3]) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]


def test_the_boards_last_lines_are_found_by_their_keys(sqlite_database_url: str) -> None:
    engine = open_database(sqlite_database_url)
    lines = _plan(engine, board.last_lines(["one", "two"]))
    engine.dispose()
    assert _walks(lines) == []
    assert any("event" in line and "incident_id=? AND sequence=?" in line for line in lines)


def test_nothing_waits_costs_nothing(make_world: MakeWorld) -> None:
    """The engine's question after every commit."""
    assert outbox.claim(make_world().services, limit=8) == []
