"""Statements that the two databases spell differently, made once for each of them.

SQLAlchemy has ``INSERT … ON CONFLICT`` in each dialect's own ``insert``; both take the same methods.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite

Insert = Callable[..., Any]


def either(make: Callable[[Insert], Executable]) -> Mapping[str, Executable]:
    """What *make* builds with each dialect's ``insert``, by the dialect's name."""
    return {"sqlite": make(sqlite.insert), "postgresql": make(postgresql.insert)}
