"""Statements that are made once and run on the way of every call.

SQLAlchemy looks up the compiled form, the types of the values and the shape of the result anew at each run;
for the rows of one call that took a tenth of the whole answer, and on PostgreSQL longer than the driver
(docs/performance.md). Here all of it stands ready, in each database's own spelling, and only values are
handed over.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Select,
    String,
    Table,
    TypeDecorator,
    Update,
    all_,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, result_tuple
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert as AnyInsert
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from models.server import LOOKS_ONLY, HoldsNothingError
from models.straight import RowMaker, straight

Insert = Callable[..., Any]
Values = Mapping[str, Any]
Processor = Callable[[Any], Any]
Statement = UpdateBase | Select[Any]


class Rows(list[Any]):
    """The rows that a statement returned; asked for one of them as SQLAlchemy's own results are."""

    def first(self) -> Any:  # noqa: ANN401 - a row of whatever was asked for
        """The first row, or None."""
        return self[0] if self else None

    def scalar(self) -> Any:  # noqa: ANN401 - likewise
        """The first value of the first row, or None."""
        return self[0][0] if self else None


class Prepared:
    """A statement, compiled for a database when it is first run there.

    An INSERT sets every column: to the value given, else to the column's default, else to NULL.
    """

    def __init__(self, statement: Statement | Mapping[str, Statement]) -> None:
        """Keep *statement*, or one for each dialect by its name."""
        self._statement = statement
        self._ready: dict[str, Ready] = {}

    def run(self, connection: Connection, values: Values | Sequence[Values]) -> Rows:
        """Run it once with *values*, or for each of several in one go, which returns nothing.

        Raises:
            KeyError: a value is missing that has no default.
            HoldsNothingError: it would write by itself what must stand or fall with other statements.
        """
        ready = self.ready(connection.dialect)
        if not ready.is_question and LOOKS_ONLY in connection.get_execution_options():
            raise HoldsNothingError(ready.sql.partition(" ")[0])
        if isinstance(values, Mapping):
            return Rows(straight(connection, ready.sql, ready.in_order(values), ready.make_row))
        straight(connection, ready.sql, [ready.in_order(one) for one in values], is_for_each=True)
        return Rows()

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
        return _NAME.sub(r"%(\1_0)s", self.ready(dialect).named)

    def _for(self, dialect: Dialect) -> Statement:
        chosen = self._statement
        return chosen[dialect.name] if isinstance(chosen, Mapping) else chosen

    def _made_for(self, dialect: Dialect) -> "Ready":
        statement = self._for(dialect)
        columns = _columns_of(statement) if isinstance(statement, AnyInsert) else []
        compiled = statement.compile(dialect=dialect, column_keys=[column.key for column in columns] or None)
        assert isinstance(compiled, SQLCompiler)
        processors = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in compiled.binds.items()
        }
        given = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        given.update(_defaults(columns))
        named = sql = str(compiled)
        names = compiled.positiontup
        if names is None:
            # What was given and replaced again is known to SQLAlchemy, and does not stand in the statement.
            names = list(dict.fromkeys(_NAME.findall(named)))
            sql = numbered(named, {name: place for place, name in enumerate(names, start=1)})
        return Ready(
            sql=sql,
            named=named,
            is_question=isinstance(statement, Select),
            make_row=_row_maker(statement.exported_columns.values(), dialect),
            places=tuple((name, processors[name]) for name in names),
            given={
                name: value if (process := processors[name]) is None else process(value)
                for name, value in given.items()
            },
        )


def _row_maker(columns: Sequence[ColumnElement[Any]], dialect: Dialect) -> RowMaker | None:
    """What makes a row of what the driver gives, or None where nothing is returned."""
    if not columns:
        return None
    make = result_tuple([str(column.key) for column in columns])
    steps: list[tuple[int, Processor]] = []
    for place, column in enumerate(columns):
        # PostgreSQL's driver gives each of its types as Python has them.
        if dialect.name == "sqlite" or isinstance(column.type, TypeDecorator):
            step = column.type.dialect_impl(dialect).result_processor(dialect, None)
            steps += [] if step is None else [(place, step)]
    return partial(_processed, make, steps) if steps else make


def _processed(make: RowMaker, steps: Sequence[tuple[int, Processor]], given: Iterable[Any]) -> object:
    row = list(given)
    for place, step in steps:
        row[place] = step(row[place])
    return make(row)


def numbered(sql: str, places: Mapping[str, int]) -> str:
    """*sql* with ``$1`` instead of ``%(name)s``, by the number that *places* has for each name."""
    # By numbers nothing is escaped: of two signs of per cent one stays.
    return _NAME.sub(lambda found: f"${places[found[1]]}", sql).replace("%%", "%")


_NAME = re.compile(r"%\((\w+)\)s")
"""A value in the spelling that SQLAlchemy has for PostgreSQL's driver."""


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
    named: str
    """The same as SQLAlchemy spells it: for PostgreSQL with names for the values."""
    is_question: bool
    """Whether it writes nothing."""
    make_row: RowMaker | None
    """What makes a row of what the driver gives; None where nothing is returned."""
    places: tuple[tuple[str, Processor | None], ...]
    """The names of the values, in the order of the positions."""
    given: Values
    """Those that stand in the statement itself or are a column's default, in the driver's form."""

    def in_order(self, values: Values) -> tuple[Any, ...]:
        """Each value in the driver's form, in the order of the places."""
        given = self.given
        return tuple(
            [
                given[name]
                if name not in values
                else values[name]
                if process is None
                else process(values[name])
                for name, process in self.places
            ]
        )


def either(make: Callable[[Insert], UpdateBase]) -> Mapping[str, Statement]:
    """What *make* builds with each dialect's own ``insert`` (``ON CONFLICT``), by the dialect's name."""
    return {"sqlite": make(sqlite.insert), "postgresql": make(postgresql.insert)}


def without(statement: Delete, column: ColumnElement[str], name: str) -> Mapping[str, Statement]:
    """*statement* for those whose *column* is not in the list given as *name*, by the dialect's name."""
    return {
        "sqlite": statement.where(column.not_in(_listed(name))),
        "postgresql": statement.where(column != all_(bindparam(name, type_=ARRAY(String)))),
    }


def among(statement: Select[Any] | Update, column: ColumnElement[str], name: str) -> Mapping[str, Statement]:
    """*statement* for those whose *column* is in the list given as *name*, by the dialect's name."""
    return {
        "sqlite": statement.where(column.in_(_listed(name))),
        "postgresql": statement.where(column == any_(bindparam(name, type_=ARRAY(String)))),
    }


def _listed(name: str) -> Select[tuple[str]]:
    """The elements of the list given as the value *name*: SQLite has no lists, but reads JSON."""
    return select(func.json_each(bindparam(name, type_=JSON)).table_valued("value").c.value)
