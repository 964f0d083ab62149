"""The sessions that a unit of work hands out, and what they write together.

A command writes with ``together(session)``, whichever session it was given: one that holds what it reads
until its commit, or one that holds nothing and writes everything by one statement at its end (ADR 0045).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from models.server import HoldsNothingError
from models.straight import straight
from models.together import Together


class Transaction(Session):
    """One transaction on one connection, which stays at hand.

    Asking the ORM for it at every step cost the answer to a call a twentieth of its time. Only who handed it
    out ends it: what came after that would not be in it.
    """

    _at_hand: Connection | None = None
    _gathered: Together | None = None

    @property
    def gathered(self) -> Together:
        """What is to be written.

        Raises:
            sqlalchemy.exc.PendingRollbackError: the transaction is over, because what the ORM wrote failed.
        """
        connection = self.connection()
        if self._gathered is None:
            self._gathered = Together(connection)
        return self._gathered

    def connection(self, *args: Any, **options: Any) -> Connection:  # noqa: ANN401 - as the ORM's own takes them
        """The transaction's connection.

        Raises:
            sqlalchemy.exc.PendingRollbackError: the transaction is over, because what the ORM wrote failed.
        """
        if self._at_hand is None or args or options or not self.is_active:
            self._at_hand = super().connection(*args, **options)
        return self._at_hand

    def rollback(self) -> None:
        """Never: whoever wants nothing written lets an error out of the block."""
        raise RuntimeError("only the unit of work ends its transaction")


class OnItsOwn(Transaction):
    """Has a connection of its own for as long as it is open."""

    def __init__(self, engine: Engine) -> None:
        """Take a connection of *engine*, on which no statement has a transaction around it by itself."""
        # Not the ORM's, which would keep account of a transaction: a third of what a question takes.
        self._at_hand: Connection = engine.connect()
        super().__init__(self._at_hand, expire_on_commit=False)

    def close(self) -> None:
        """Give the connection back, with nothing open on it."""
        try:
            if self.in_transaction():
                # The ORM was asked for something, too.
                super().close()
        finally:
            self._at_hand.close()


class Holds(OnItsOwn):
    """One transaction of PostgreSQL's, which holds what it locks until its end."""

    def __init__(self, engine: Engine, begin: str) -> None:
        """Begin it with the statement *begin*."""
        super().__init__(engine)
        try:
            # The ORM joins in where it is asked for something: it may undo all of it, and commits nothing.
            self._whole = self._at_hand.begin()
            straight(self._at_hand, begin)
        except BaseException:
            self.close()
            raise

    def commit(self) -> None:
        """Let all of it stand.

        Raises:
            sqlalchemy.exc.DBAPIError: it does not.
        """
        self.flush()
        if self.in_transaction():
            super().commit()
        self._whole.commit()


class Looks(OnItsOwn):
    """Asks single questions and writes nothing; every one sees the state of its own instant."""


class AtOnce(Looks):
    """Asks single questions, and gathers what is to be written for one statement at the end."""

    def write_gathered(self) -> bool:
        """Write it; whether there was anything.

        Raises:
            HoldsNothingError: it would be more than one statement, or something else is to be written.
        """
        # What the ORM was to write is refused before anything stands.
        self.flush()
        if not self.gathered.is_one:
            raise HoldsNothingError("more rows than go in one statement")
        return self.gathered.run()


def holds(session: Session) -> bool:
    """Whether what *session* locks is its own until the commit, and what it read stays true until then."""
    return not isinstance(session, Looks)


def must_hold(session: Session, what: str) -> None:
    """Raise where nothing is held: *what* comes next needs that, and the command is carried out anew.

    Raises:
        HoldsNothingError: nothing is held here.
    """
    if not holds(session):
        raise HoldsNothingError(what)


def gathered(session: Session) -> Together:
    """What is to be written with the next block of ``together``, or at the latest before the commit.

    Raises:
        HoldsNothingError: *session* writes nothing at all.
    """
    assert isinstance(session, Transaction), "only a unit of work gathers"
    if not holds(session) and not isinstance(session, AtOnce):
        raise HoldsNothingError("something was to be written in a look")
    return session.gathered


@contextmanager
def together(session: Session) -> Iterator[Together]:
    """What is added in the block is written at its end, or with all the rest where nothing is held."""
    writes = gathered(session)
    if holds(session):
        try:
            yield writes
            gathered(session).run()
        finally:
            # What broke off in the middle is not written with something else.
            writes.forget()
    elif writes.is_led:
        raise HoldsNothingError("what follows from a decision that is not written yet")
    else:
        yield writes
