"""The real program without its care for the disk: ``python -m tests.crash.careless_program serve …``.

SQLite does not flush at each commit (``synchronous = NORMAL``), and the journal is not flushed at all. It
shows that a test which cuts the power would see the difference.
"""

import os
import sqlite3
import sys
from collections.abc import Callable

from sqlalchemy.pool import ConnectionPoolEntry

from config import cli
from models import session
from tests.crash.dying_program import put_between

Prepare = Callable[[sqlite3.Connection, ConnectionPoolEntry], None]


def without_care(prepare: Prepare) -> Prepare:
    def prepare_carelessly(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        prepare(connection, entry)
        connection.execute("PRAGMA synchronous = NORMAL").close()
        # Only a checkpoint flushes then: without it every cut takes something, and not two cuts in three.
        connection.execute("PRAGMA wal_autocheckpoint = 0").close()

    return prepare_carelessly


if __name__ == "__main__":
    put_between(session, "_prepare_sqlite", without_care)
    put_between(os, "fsync", lambda _usual: lambda _descriptor: None)
    cli.main(sys.argv[1:])
