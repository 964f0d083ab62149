"""Alembic's entry: runs the migrations on the address it is given."""

from alembic import context
from sqlalchemy import text

from models.session import ENDLESS, open_database
from models.tables import Base


def run() -> None:
    """Migrate in one transaction, with short lock waits on PostgreSQL so that calls are not blocked."""
    engine = open_database(context.config.attributes["url"], pool_size=1, patience=ENDLESS)
    try:
        with engine.connect() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            connection.execute(text("BEGIN IMMEDIATE" if is_sqlite else "SET lock_timeout = '5s'"))
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                render_as_batch=is_sqlite,
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
    finally:
        engine.dispose()


run()
