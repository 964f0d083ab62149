"""Statements that are made once and run on the way of every call.

SQLAlchemy looks up the compiled form, the types of the values and the shape of the result anew at each run;
for the rows of one call that took a tenth of the whole answer (docs/performance.md). Here all of it stands
ready, in each database's own spelling, and only values are handed over.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Select,
    String,
    Table,
    all_,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert as AnyInsert
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.schema import ScalarElementColumnDefault

Insert = Callable[..., Any]
Values = Mapping[str, Any]
Processor = Callable[[Any], Any]
Statement = UpdateBase | Select[Any]


class Prepared:
    """A statement, compiled for a database when it is first run there.

    An INSERT sets every column: to the value given, else to the column's default, else to NULL. What is
    returned comes as the driver gives it.
    """

    def __init__(self, statement: Statement | Mapping[str, Statement]) -> None:
        """Keep *statement*, or one for each dialect by its name."""
        self._statement = statement
        self._ready: dict[str, Ready] = {}

    def run(self, connection: Connection, values: Values | Sequence[Values]) -> CursorResult[Any]:
        """Run it once with *values*, or for each of several in one go.

        Raises:
            KeyError: a value is missing that has no default.
        """
        ready = self.ready(connection.dialect)
        if isinstance(values, Mapping):
            return connection.exec_driver_sql(ready.sql, ready.bound(values))
        return connection.exec_driver_sql(ready.sql, [ready.bound(one) for one in values])

    def ready(self, dialect: Dialect) -> "Ready":
        """The statement in the spelling of *dialect*."""
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = self._made_for(dialect)
        return ready

    def for_rows(self, dialect: Dialect, rows: int) -> str:
        """The same for so many rows at once, each of whose values bears the number of its row (``name_0``).

        Raises:
            ValueError: several rows are asked for of what is no INSERT.
        """
        statement = self._for(dialect)
        if isinstance(statement, AnyInsert):
            columns = _columns_of(statement)
            several = [
                {column: bindparam(f"{column.key}_{row}", type_=column.type) for column in columns}
                for row in range(rows)
            ]
            return str(statement.values(several).compile(dialect=dialect))
        if rows != 1:
            raise ValueError("only an INSERT takes several rows")
        return re.sub(r"%\((\w+)\)s", r"%(\1_0)s", self.ready(dialect).sql)

    def _for(self, dialect: Dialect) -> Statement:
        chosen = self._statement
        return chosen[dialect.name] if isinstance(chosen, Mapping) else chosen

    def _made_for(self, dialect: Dialect) -> "Ready":
        statement = self._for(dialect)
        columns = _columns_of(statement) if isinstance(statement, AnyInsert) else []
        names = [column.key for column in columns]
        compiled = statement.compile(dialect=dialect, column_keys=names or None)
        assert isinstance(compiled, SQLCompiler)
        processors = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in compiled.binds.items()
        }
        given = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        given.update(_defaults(columns))
        by_position = compiled.positiontup
        return Ready(
            sql=str(compiled),
            by_position=by_position is not None,
            places=tuple((name, processors[name]) for name in by_position or processors),
            given={
                name: value if (process := processors[name]) is None else process(value)
                for name, value in given.items()
            },
        )


def _columns_of(statement: AnyInsert) -> list[Column[Any]]:
    assert isinstance(statement.table, Table)
    return list(statement.table.c)


def _defaults(columns: Sequence[Column[Any]]) -> dict[str, Any]:
    """What a column gets that no value is given for; one that must have a value has none."""
    found = {column.key: None for column in columns if column.nullable}
    for column in columns:
        if isinstance(column.default, ScalarElementColumnDefault):
            found[column.key] = column.default.arg
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the driver gets, and how each value is put into the form that it takes."""

    sql: str
    by_position: bool
    """Whether the driver takes the values by position, else by name."""
    places: tuple[tuple[str, Processor | None], ...]
    """The names of the values, in the order of the positions."""
    given: Values
    """Those that stand in the statement itself or are a column's default, in the driver's form."""

    def bound(self, values: Values) -> tuple[Any, ...] | dict[str, Any]:
        """The parameters of one run."""
        found = self.in_order(values)
        if self.by_position:
            return tuple(found)
        return {name: value for (name, _), value in zip(self.places, found, strict=True)}

    def in_order(self, values: Values) -> list[Any]:
        """Each value in the driver's form, in the order of the places."""
        given = self.given
        return [
            given[name] if name not in values else values[name] if process is None else process(values[name])
            for name, process in self.places
        ]


def either(make: Callable[[Insert], UpdateBase]) -> Mapping[str, Statement]:
    """What *make* builds with each dialect's own ``insert`` (``ON CONFLICT``), by the dialect's name."""
    return {"sqlite": make(sqlite.insert), "postgresql": make(postgresql.insert)}


def without(statement: Delete, column: ColumnElement[str], name: str) -> Mapping[str, Statement]:
    """*statement* for those whose *column* is not in the list given as *name*, by the dialect's name."""
    return {
        "sqlite": statement.where(column.not_in(_listed(name))),
        "postgresql": statement.where(column != all_(bindparam(name, type_=ARRAY(String)))),
    }


def among(query: Select[Any], column: ColumnElement[str], name: str) -> Mapping[str, Statement]:
    """*query* for those whose *column* is in the list given as the value *name*, by the dialect's name."""
    return {
        "sqlite": query.where(column.in_(_listed(name))),
        "postgresql": query.where(column == any_(bindparam(name, type_=ARRAY(String)))),
    }


def _listed(name: str) -> Select[tuple[str]]:
    """The elements of the list given as the value *name*: SQLite has no lists, but reads JSON."""
    return select(func.json_each(bindparam(name, type_=JSON)).table_valued("value").c.value)
