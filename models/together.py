"""Writing statements that go to the database together.

To PostgreSQL as one statement: each of its own would wait for its answer, and a call has eight of them. What
they refer to in each other is looked at when all are done. SQLite is no further away than a function, and
runs one after the other.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect

from models.statements import Prepared, Values, numbered
from models.straight import straight

ROWS = 8
"""Rows of one table at most that go in one statement; of more, which are rare, each table goes alone."""

Shape = tuple[tuple[Prepared, int], ...]
"""The statements, and how many rows each of them writes."""

_sql: dict[Shape, str] = {}
"""A few dozen in the life of a process; PostgreSQL's own plans go with them."""


class Together:
    """Gathers what one decision writes. No two of its statements may touch the same row."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is gathered yet."""
        self._connection = connection
        self._parts: list[tuple[Prepared, Sequence[Values]]] = []
        self._lead: tuple[Prepared, Sequence[Values]] | None = None

    def lead(self, statement: Prepared, values: Values) -> None:
        """Let *statement* be carried out before all others: whoever wants the same row waits there for us.

        Raises:
            ValueError: another one leads already.
        """
        if self.is_led:
            raise ValueError("only one can be the first")
        self._lead = statement, [values]

    @property
    def is_led(self) -> bool:
        """Whether there is a first one."""
        return self._lead is not None

    @property
    def is_one(self) -> bool:
        """Whether it goes to the database as one statement, or as none."""
        return self._connection.dialect.name != "sqlite" and all(len(rows) <= ROWS for _, rows in self._parts)

    def add(self, statement: Prepared, values: Values | Sequence[Values]) -> None:
        """Let *statement* write *values*, or each of several; nothing if there are none."""
        if isinstance(values, Mapping):
            self._parts.append((statement, [values]))
        elif values:
            self._parts.append((statement, values))

    def forget(self) -> None:
        """Write nothing of what is gathered."""
        self._lead, self._parts = None, []

    def run(self) -> bool:
        """Write all of it, by one statement or one after the other, the leading one first; whether any was.

        In one statement PostgreSQL carries out the leading one first, and the others in no order to rely on.
        """
        is_one, lead, parts = self.is_one, [] if self._lead is None else [self._lead], self._parts
        self.forget()
        if is_one:
            self._run_as_one([*parts, *lead])
        else:
            for statement, rows in [*lead, *parts]:
                statement.run(self._connection, rows)
        return bool(lead or parts)

    def _run_as_one(self, parts: Sequence[tuple[Prepared, Sequence[Values]]]) -> None:
        if not parts:
            return
        dialect = self._connection.dialect
        shape = tuple((statement, len(rows)) for statement, rows in parts)
        sql = _sql.get(shape)
        if sql is None:
            sql = _sql[shape] = _as_one(shape, dialect)
        values: list[object] = []
        for statement, rows in parts:
            ready = statement.ready(dialect)
            for row in rows:
                values += ready.in_order(row)
        straight(self._connection, sql, values)


def _as_one(shape: Shape, dialect: Dialect) -> str:
    """All statements but the last as parts of the last one (``WITH``), with numbers for their values.

    PostgreSQL carries out the last one before the parts that it does not read from.
    """
    said: list[str] = []
    given = 0
    for statement, rows in shape:
        names = [name for name, _ in statement.ready(dialect).places]
        numbers = {
            f"{name}_{row}": given + row * len(names) + place
            for row in range(rows)
            for place, name in enumerate(names, start=1)
        }
        given += len(numbers)
        said.append(numbered(statement.for_rows(dialect, rows), numbers))
    *first, last = said
    if not first:
        return last
    return f"WITH {', '.join(f'part_{place} AS ({sql})' for place, sql in enumerate(first))} {last}"
