"""Sites with a history, made once and kept for the next run.

A database is known by its size, by the schema and by the generator's version; one that a run left with open
incidents, or that was not finished, is made anew.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, text

from bench import history
from bench.postgres import running
from bench.rounds import still_open
from bench.sites import Generator, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where databases are kept, and the server of those on PostgreSQL (None: SQLite)."""

    folder: Path
    generator: Generator
    server: URL | None = None

    def site(self, count: int, *, last: datetime | None = None) -> Site:
        """A health centre with a history of *count* incidents, everybody on duty today.

        The *last* of them is a day old when nothing else is said.
        """
        until = "" if last is None else f"_{last:%Y%m%d}"
        name = f"history_{count}{until}_{history.key()}"
        folder = self.folder / ("sqlite" if self.server is None else "postgresql") / name
        site = Site(folder=folder, database_url=self._url(folder, name), provider_port=self.generator.port)
        finished = folder / "finished"
        if not finished.exists() or still_open(site):
            print(f"  making {count} incidents in {folder} …", flush=True)
            finished.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            self._create(name)
            if count:
                history.fill(site, count, self.generator, last=last)
                history.check(site.database_url, count)
            folder.mkdir(parents=True, exist_ok=True)
            finished.touch()
        # The roster of today; whoever worked while the history was made works on.
        site.prepare()
        return site

    def _url(self, folder: Path, name: str) -> str:
        if self.server is None:
            return f"sqlite:///{folder / 'siaga.db'}"
        return self.server.set(database=name).render_as_string(hide_password=False)

    def _create(self, name: str) -> None:
        if self.server is None:
            return
        engine = create_engine(self.server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()


@contextmanager
def opened(folder: Path, kind: str, generator: Generator) -> Iterator[Store]:
    """The store of *kind* (``sqlite`` or ``postgresql``) while the block runs."""
    with ExitStack() as stack:
        server = stack.enter_context(running(folder / "postgresql-server")) if kind == "postgresql" else None
        if server is not None:
            print(f"  PostgreSQL {_version(server)}", flush=True)
        yield Store(folder=folder, generator=generator, server=server)


def _version(server: URL) -> str:
    engine = create_engine(server, poolclass=NullPool)
    with engine.connect() as connection:
        version = connection.scalar(text("SHOW server_version"))
    engine.dispose()
    return str(version)
