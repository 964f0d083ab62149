"""The driver's cursor for PostgreSQL, which says of a column what SQLAlchemy asks for and no more.

The driver's own makes an object for each column, and looks up its type by name: a tenth of all the processor
time that whole calls took, because an incident has forty columns. Needs no driver where there is none in use.
"""

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import psycopg


def lean(cursor: "type[psycopg.Cursor[Any]]") -> "type[psycopg.Cursor[Any]]":
    """Such a *cursor* whose ``description`` has names and types; the other five of PEP 249 are None."""
    return cast(
        "type[psycopg.Cursor[Any]]", type("LeanCursor", (cursor,), {"description": property(_columns)})
    )


def _columns(cursor: "psycopg.Cursor[Any]") -> list[tuple[object, ...]] | None:
    """One for each column, or None when the statement returned no rows."""
    result = cursor.pgresult
    if result is None or not result.nfields:
        return None
    return [
        ((result.fname(place) or b"").decode(), result.ftype(place), None, None, None, None, None)
        for place in range(result.nfields)
    ]
