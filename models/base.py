"""The declarative base, the column types and the naming of constraints.

Decides how instants, JSON and identifiers are stored on both databases. Knows nothing of the rest of
the program: the strings in a row are given a meaning in ``dispatch``.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from sqlalchemy import JSON, DateTime, ForeignKey, MetaData, String, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column

type_map_json = JSON().with_variant(JSONB(), "postgresql")

JsonObject = dict[str, object]
JsonList = list[object]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC; refuses a naive one, on the way in.

    PostgreSQL keeps ``timestamptz``; SQLite has no zone, so the UTC wall time is stored and the zone
    is put back on reading.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """What puts a value into the form of the driver, in one step: an incident has a dozen instants.

        A naive one is a programmer's error.
        """
        return _to_sqlite if dialect.name == "sqlite" else _to_postgresql

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """The inverse of :meth:`bind_processor`."""
        return _from_sqlite if dialect.name == "sqlite" else _from_postgresql


_WALL_TIME = len("2026-11-23 12:00:00.000000")
"""What SQLAlchemy's own type writes, so that instants are compared as text in their true order."""


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive datetime must not reach the database")
    return value.astimezone(UTC)


def _to_sqlite(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = _in_utc(value)
    return value.isoformat(" ", "microseconds")[:_WALL_TIME]


def _to_postgresql(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    return _in_utc(value)


def _from_postgresql(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _from_sqlite(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


class Base(DeclarativeBase):
    """Every table of the program."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declarative hook
        datetime: UtcDateTime(),
        JsonObject: type_map_json,
        JsonList: type_map_json,
    }


def table_of(entity: type[Base]) -> Table:
    """The table behind *entity*, for statements that are made once and run often."""
    return cast("Table", entity.__table__)


Identifier = Annotated[str, mapped_column(String(36), primary_key=True)]
"""A primary key: 36 characters, ordered by time of creation (see ``dispatch.adapters.ids``)."""

FacilityKey = Annotated[str, mapped_column(String(16), ForeignKey("facility.id"))]
"""Every row belongs to a facility."""

Word = Annotated[str, mapped_column(String(32))]
"""A value of one of the enumerations of ``dispatch.domain.vocabulary``."""

PhoneNumber = Annotated[str, mapped_column(String(64))]
"""A number in E.164, or whatever text the network gave where it gave no number."""
