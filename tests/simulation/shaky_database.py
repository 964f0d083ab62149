"""The real unit of work on a real database that may die at any commit, or not answer.

A crash is a :class:`BaseException`: no ``except Exception`` of the program survives it, as none survives a
``kill -9``. Whatever the process had in memory is thrown away by whoever catches it (``day``).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.unit_of_work import UnitOfWork
from tests.simulation.weather import Weather


class Crash(BaseException):
    """The process is gone, at this very instruction."""


class ShakyUnitOfWork(UnitOfWork):
    """A unit of work in bad weather; ``is_away`` makes the database not answer at all."""

    def __init__(self, engine: Engine, weather: Weather) -> None:
        super().__init__(engine)
        self._weather = weather
        self.is_away = False
        self.failures = 0
        """How often this database failed somebody; whoever sees an error asks whether it is explained."""

    @contextmanager
    def write(self) -> Iterator[Session]:
        self._must_answer()
        with super().write() as session:
            yield session
            if self._weather.strikes("crash before commit"):
                raise Crash("before commit")
            if self._weather.strikes("commit refused"):
                raise self._failure("disk I/O error")
        if self._weather.strikes("crash after commit"):
            raise Crash("after commit")
        if self._weather.strikes("commit unanswered"):
            raise self._failure("the connection was lost while committing")

    @contextmanager
    def read(self) -> Iterator[Session]:
        self._must_answer()
        with super().read() as session:
            yield session

    def _must_answer(self) -> None:
        if self.is_away:
            raise self._failure("the database does not answer")

    def _failure(self, why: str) -> OperationalError:
        self.failures += 1
        return OperationalError("BEGIN", None, sqlite3.OperationalError(why))
