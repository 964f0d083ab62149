"""Keeps the facility's own row, to which every other row belongs."""

from sqlalchemy import select

from dispatch.ports import Clock
from models.facility import Facility
from models.unit_of_work import UnitOfWork


def register_facility(*, uow: UnitOfWork, clock: Clock, code: str, name: str, timezone: str) -> None:
    """Write the facility's row, or bring its name and zone up to date; writes nothing when they are."""
    with uow.read() as session:
        known = session.scalar(select(Facility).where(Facility.id == code))
    if known is not None and (known.name, known.timezone) == (name, timezone):
        return
    with uow.write() as session:
        row = session.get(Facility, code)
        if row is None:
            session.add(Facility(id=code, name=name, timezone=timezone, created_at=clock.now()))
        else:
            row.name, row.timezone = name, timezone
