"""Ways in which a real database fails: it hangs, or it is not there. No stand-ins, no patches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, text

from tests.contract.site import Site

Fault = Callable[[Site], AbstractContextManager[None]]


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Somebody else holds what every write needs, and does not let go."""
    engine = create_engine(site.database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as other:
        other.execute(text("BEGIN IMMEDIATE" if sqlite else "BEGIN"))
        if not sqlite:
            other.execute(text("LOCK TABLE inbox, incident, call, delivery IN ACCESS EXCLUSIVE MODE"))
        yield
        other.execute(text("ROLLBACK"))


@contextmanager
def gone(site: Site) -> Iterator[None]:
    """The file is not there, or the server takes no connections."""
    ours = site.program.services.uow.engine
    url = make_url(site.database_url)
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        path = Path(url.database)
        ours.dispose()
        away = path.rename(path.with_suffix(".away"))
        path.mkdir()
        yield
        ours.dispose()
        path.rmdir()
        away.rename(path)
        return
    engine = create_engine(url.set(database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as server:
        server.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        server.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": url.database},
        )
        yield
        server.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))


FAULTS: dict[str, Fault] = {"locked": locked, "gone": gone}
