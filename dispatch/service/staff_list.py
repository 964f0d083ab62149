"""Taking a health worker off the staff list, and back on it; the record keeps their name and what they did.

Decides nothing about who is rung: a worker who is off the list is on duty in no roster (``roster_keeping``).
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from dispatch.service.importing import Importer
from models.facility import Staff
from models.record import Audit

TAKEN_OFF: Final = "staff.taken_off"
TAKEN_BACK: Final = "staff.taken_back"


class UnknownWorkerError(Exception):
    """Nobody has this staff code."""


def set_on_list(importer: Importer, code: str, *, is_active: bool) -> bool:
    """Have a worker rung no longer, or again; whether anything changed.

    Raises:
        UnknownWorkerError: nobody has this code.
    """
    now = importer.clock.now()
    with importer.uow.write() as session:
        worker = session.scalar(
            select(Staff)
            .where(Staff.facility_id == importer.facility_id, Staff.code == code)
            .with_for_update()
        )
        if worker is None:
            raise UnknownWorkerError(code)
        if worker.is_active == is_active:
            return False
        worker.is_active = is_active
        worker.updated_at = now
        session.add(
            Audit(
                id=importer.ids.new_id(),
                facility_id=importer.facility_id,
                at=now,
                actor=importer.actor,
                action=TAKEN_BACK if is_active else TAKEN_OFF,
                subject=f"staff:{code}",
                data={},
            )
        )
        return True


def everybody(importer: Importer) -> Sequence[Staff]:
    """Everybody who is or was on the list, by code."""
    query = select(Staff).where(Staff.facility_id == importer.facility_id).order_by(Staff.code)
    with importer.uow.read() as session:
        return session.scalars(query).all()
