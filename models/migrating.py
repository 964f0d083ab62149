"""Bringing a database to the current schema, and saying whether it is there.

Only what migrates imports Alembic: a server that starts asks for the revision, and has a caller waiting.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from models.session import open_database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

HEAD = "0007"
"""The revision that this program needs: the last one in the folder."""


def alembic_config(url: str) -> "Config":
    """Alembic's configuration for *url*; there is no ini file to find."""
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at *url* to *revision*; safe to repeat."""
    from alembic import command  # noqa: PLC0415 - see above

    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Take the database at *url* back to *revision* (tests and emergencies only)."""
    from alembic import command  # noqa: PLC0415 - see above

    command.downgrade(alembic_config(url), revision)


def current(url: str) -> str | None:
    """The revision that the database at *url* has; None when it was never migrated."""
    engine = open_database(url, pool_size=1)
    try:
        with engine.connect() as connection:
            return revision_of(connection)
    finally:
        engine.dispose()


def revision_of(connection: Connection) -> str | None:
    """The same on a connection that is there."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def known() -> frozenset[str]:
    """Every revision that this program can bring to its own."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return frozenset(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
