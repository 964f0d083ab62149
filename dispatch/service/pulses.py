"""Signs of life in the database, and whose turn it is to do what one process does for all.

A turn is taken in a row, so that of several processes one works, and another goes on when that one dies.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatch.service.services import Services
from models.traffic import Pulse


def locked(session: Session, name: str, *, since_at: datetime) -> Pulse:
    """The row *name*, made at *since_at* if there is none, and ours alone until the commit."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Pulse).values(name=name, at=since_at, details={}).on_conflict_do_nothing())
    return session.scalars(select(Pulse).where(Pulse.name == name).with_for_update()).one()


def take_turn(services: Services, name: str, *, now: datetime, every: timedelta) -> bool:
    """Whether nobody took the turn *name* in the last *every*; then it is taken now.

    A clock that was set back gives the turn away rather than wait for the old time to come.
    """
    with services.uow.write() as session:
        row = locked(session, name, since_at=now - every)
        if timedelta() <= now - row.at < every:
            return False
        row.at = now
        return True
