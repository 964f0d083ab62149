"""Two PostgreSQL servers, of which the second follows the first and takes its place when it is told to.

What the first one has acknowledged the second one has on its disk (synchronous replication), so that a
failover between them loses nothing.
"""

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from tests.postgresql import SERVER_SETTINGS, NoPostgreSQLError, Server, own_server

SETTINGS: Mapping[str, str] = {**SERVER_SETTINGS, "synchronous_commit": "on"}

FOLLOWS_WITHIN_S = 20.0
LOOKS_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and its standby."""

    primary: Server
    standby: Server
    url: str
    """Of the database on whichever of the two takes what is written."""

    def promote(self) -> None:
        """The standby is the primary from now on; the old one must be no more."""
        _run(self.standby, "SELECT pg_promote(true, 30)")


@contextmanager
def primary_and_standby() -> Iterator[Pair]:
    """Two servers with one migrated database, in step with each other."""
    with own_server(settings=SETTINGS) as primary, tempfile.TemporaryDirectory(prefix="siaga-pg-") as folder:
        primary.migrated()
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        primary.copy_to(data)
        with own_server(data, SETTINGS) as standby:
            _run(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
            _run(primary, "SELECT pg_reload_conf()")
            _wait_until_in_step(primary)
            hosts = [str(server.url.query["host"]) for server in (primary, standby)]
            both = {"host": hosts, "target_session_attrs": "read-write"}
            url = primary.url.set(query=both).render_as_string(hide_password=False)
            yield Pair(primary, standby, url)


def _wait_until_in_step(primary: Server) -> None:
    pause = threading.Event()
    for _ in range(int(FOLLOWS_WITHIN_S / LOOKS_EVERY_S)):
        if _run(primary, "SELECT sync_state FROM pg_stat_replication") == "sync":
            return
        pause.wait(LOOKS_EVERY_S)
    raise NoPostgreSQLError("the standby does not follow")


def _run(server: Server, statement: str) -> object:
    engine = create_engine(server.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        done = connection.execute(text(statement))
        return done.scalar() if done.returns_rows else None
