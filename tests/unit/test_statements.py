"""Statements that stand ready write what SQLAlchemy itself would write."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, Row, create_engine, delete, insert, select, update

from models.base import Base, table_of
from models.statements import Prepared, either
from models.traffic import Delivery, Pulse

AT = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
DELIVERY = {
    "id": "d-1",
    "facility_id": "KWK",
    "purpose": "alert",
    "channel": "voice",
    "to_number": "+6281100000001",
    "details": {"turn": 1, "why": "sesak"},
    "idempotency_key": "one",
    "state": "pending",
    "created_at": AT,
    "next_attempt_at": AT,
}


@pytest.fixture
def engine() -> Engine:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


def rows(engine: Engine, entity: type[Base]) -> list[Row[Any]]:
    with engine.connect() as connection:
        return list(connection.execute(select(table_of(entity))).all())


def test_a_row_is_the_same_as_by_the_long_way(engine: Engine) -> None:
    table = table_of(Delivery)
    with engine.begin() as connection:
        Prepared(insert(table)).run(connection, DELIVERY)
        connection.execute(insert(table), {**DELIVERY, "id": "d-2", "idempotency_key": "two"})
    ours, theirs = rows(engine, Delivery)
    assert ours._mapping == {**theirs._mapping, "id": "d-1", "idempotency_key": "one"}
    assert (ours.details, ours.created_at, ours.attempts, ours.urgency) == (DELIVERY["details"], AT, 0, 1)


def test_a_value_without_default_cannot_be_left_out(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(KeyError, match="state"):
        Prepared(insert(table_of(Delivery))).run(
            connection, {name: value for name, value in DELIVERY.items() if name != "state"}
        )


def test_several_rows_go_in_one_run_and_a_known_one_is_left_alone(engine: Engine) -> None:
    keep = Prepared(either(lambda insert: insert(table_of(Pulse)).on_conflict_do_nothing()))
    with engine.begin() as connection:
        keep.run(connection, {"name": "a", "at": AT, "details": {"first": True}})
        keep.run(connection, [{"name": name, "at": AT, "details": {}} for name in ("a", "b")])
    assert [(row.name, row.details) for row in rows(engine, Pulse)] == [("a", {"first": True}), ("b", {})]


def test_what_stands_in_the_statement_need_not_be_given(engine: Engine) -> None:
    table = table_of(Pulse)
    with engine.begin() as connection:
        Prepared(insert(table)).run(connection, {"name": "a", "at": AT, "details": {}})
        Prepared(update(table).where(table.c.name == "a").values(details={"done": 1})).run(connection, {})
    assert [row.details for row in rows(engine, Pulse)] == [{"done": 1}]
    with engine.begin() as connection:
        Prepared(delete(table).where(table.c.name == "a")).run(connection, {})
    assert rows(engine, Pulse) == []
