"""Carrying out a statement by the driver, past what SQLAlchemy makes anew for each.

For the short statements of a call that took as long as driver and network together. Errors are SQLAlchemy's
own all the same, a connection that broke is not used again, and who listens to statements hears of it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from models.libpq import Library

RowMaker = Callable[[Sequence[Any]], Any]

STALE_PLAN = "0A000"
"""``feature_not_supported``: so PostgreSQL refuses what it keeps ready when a column has another type now. By
itself it would for as long as the connection lives."""

LIBRARY = "library"
"""Where a connection has its ``models.libpq.Library``, if it has one."""


def straight(
    connection: Connection,
    sql: str,
    values: Sequence[Any] = (),
    make_row: RowMaker | None = None,
    *,
    is_for_each: bool = False,
) -> list[Any]:
    """Run *sql* with *values*, or with *is_for_each* once for each of them.

    The values stand by number in it as PostgreSQL itself has them (``$1``), or by question mark for SQLite.
    With *make_row* what it returns, each row made by that. Nobody asks here whether it may run: that is for
    who calls.

    Raises:
        sqlalchemy.exc.DBAPIError: as when SQLAlchemy runs it.
    """
    wrapped, dialect, heard = connection.connection, connection.dialect, connection.engine.dispatch
    driver, cursor = wrapped.dbapi_connection, None
    library: Library | None = None if is_for_each else wrapped.info.get(LIBRARY)
    try:
        if library is None:
            # Not the connection's own kind for PostgreSQL: that would translate names into numbers.
            cursor = wrapped.cursor() if dialect.name == "sqlite" else dialect.loaded_dbapi.RawCursor(driver)
        for listener in heard.before_cursor_execute:
            sql, values = listener(connection, cursor, sql, values, None, is_for_each)
        if cursor is None:
            assert library is not None
            rows = library.run(sql, values, make_row)
        else:
            (cursor.executemany if is_for_each else cursor.execute)(sql, values)
            rows = [] if make_row is None else list(map(make_row, cursor.fetchall()))
    except dialect.loaded_dbapi.Error as error:
        is_away = dialect.is_disconnect(error, driver, cursor)
        if is_away:
            # SQLAlchemy is to see it itself: then it gives up all connections that are no younger. Nothing is
            # sent any more on one that is closed, whatever is asked.
            with suppress(DBAPIError):
                connection.exec_driver_sql("SELECT 1")
        elif getattr(error, "sqlstate", None) == STALE_PLAN:
            connection.invalidate(error)
        # What a statement carries may be personal (``models.session``): it is not in the text.
        raise DBAPIError.instance(
            sql,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_away or connection.invalidated,
            dialect=dialect,
        ) from error
    for listener in heard.after_cursor_execute:
        listener(connection, cursor, sql, values, None, is_for_each)
    return rows
