"""A statement of PostgreSQL's, carried out by its own library in one go.

The driver's cursors let go of the interpreter half a dozen times for each statement, and in a crowd another
thread takes it each time. Ten threads at once had 96 µs of processor time and 13 changes of threads for one,
and have 23 and 2 (ADR 0048).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg.pq.abc

    from models.straight import RowMaker

_COMMAND_OK, _TUPLES_OK = 1, 2
_IDLE = 0
_SQLSTATE = ord("C")
"""As the library itself numbers them; the driver is there only where PostgreSQL is."""

_FORGOTTEN = b"26000"
"""``invalid_sql_statement_name``: the driver says DEALLOCATE ALL after a rollback of its own."""


class Library:
    """The statements of one connection, which one thread uses at a time."""

    def __init__(self, driver: "psycopg.Connection", psycopg: Any) -> None:  # noqa: ANN401 - the driver's module
        """Nothing is prepared on *driver* yet."""
        self._psycopg = psycopg
        self._pgconn = driver.pgconn
        self._encoding = driver.info.encoding
        self._room = driver.prepared_max or 0
        self._values = psycopg.adapt.Transformer(driver)
        self._as_text = psycopg.adapt.PyFormat.TEXT
        self._used: set[str] = set()
        self._prepared: dict[str, bytes] = {}
        """The names of those that the server keeps ready, by their text: from the second use on."""
        self._made = 0

    def run(self, sql: str, values: Sequence[Any], make_row: "RowMaker | None") -> list[Any]:
        """Run *sql*, whose values stand by number (``$1``); with *make_row* the rows that it returns.

        Values go as text, and the server knows from the statement what each of them is. The driver says so
        itself, which makes as many statements of one as there are sizes of numbers and places for nothing.

        Raises:
            psycopg.Error: as when a cursor runs it.
        """
        given = self._values.dump_sequence(values, [self._as_text] * len(values))
        name = self._prepared.get(sql)
        if name is None and sql in self._used:
            name = self._prepare(sql)
        result = self._unprepared(sql, given) if name is None else self._pgconn.exec_prepared(name, given)
        if name is not None and result.error_field(_SQLSTATE) == _FORGOTTEN:
            self._prepared.clear()
            if self._pgconn.transaction_status == _IDLE:
                # Else the transaction is over by that, and begins anew.
                result = self._unprepared(sql, given)
        if result.status == _TUPLES_OK:
            if make_row is None or not result.ntuples:
                return []
            self._values.set_pgresult(result)
            return list(self._values.load_rows(0, result.ntuples, make_row))
        if result.status != _COMMAND_OK:
            raise _error(result, self._encoding, self._psycopg)
        return []

    def _unprepared(self, sql: str, given: Sequence[Any]) -> "psycopg.pq.abc.PGresult":
        if len(self._used) < self._room:
            self._used.add(sql)
        return self._pgconn.exec_params(sql.encode(self._encoding), given)

    def _prepare(self, sql: str) -> bytes:
        """Let the server keep the statement ready; the name by which it knows it."""
        self._made += 1
        name = f"siaga_{self._made}".encode()
        result = self._pgconn.prepare(name, sql.encode(self._encoding))
        if result.status != _COMMAND_OK:
            raise _error(result, self._encoding, self._psycopg)
        self._prepared[sql] = name
        return name


def end(driver: "psycopg.Connection", word: bytes, psycopg: Any) -> None:  # noqa: ANN401 - the driver's module
    """Say *word* (COMMIT or ROLLBACK) on *driver* if anything was begun there.

    The driver's own rollback makes the server forget what it keeps ready.

    Raises:
        psycopg.Error: the server refuses it, or the connection is broken.
    """
    if driver.pgconn.transaction_status == _IDLE:
        return
    result = driver.pgconn.exec_(word)
    if result.status != _COMMAND_OK:
        raise _error(result, driver.info.encoding, psycopg)


def _error(result: "psycopg.pq.abc.PGresult", encoding: str, psycopg: Any) -> Exception:  # noqa: ANN401 - the driver's module
    if result.error_field(_SQLSTATE) is None:
        # The library's own words: of the connection, not of the statement.
        error: Exception = psycopg.OperationalError(result.get_error_message(encoding))
    else:
        error = psycopg.errors.error_from_result(result, encoding)
    return error
