"""What is kept in an installation, counted: staff, accounts, programs, places."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.access import ApiToken, User
from models.facility import Place, Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many there are of each role or kind, now."""

    staff: Mapping[str, int]
    users: Mapping[str, int]
    programs: int
    """Tokens that were not revoked."""
    places: Mapping[str, int]


def kept(session: Session, facility_id: str) -> Kept:
    """Count what is active now; the tables keep no earlier state."""
    programs = select(func.count()).where(ApiToken.facility_id == facility_id, ApiToken.revoked_at.is_(None))
    return Kept(
        staff=_by(session, Staff.role, Staff.facility_id == facility_id, Staff.is_active.is_(True)),
        users=_by(session, User.role, User.facility_id == facility_id, User.is_active.is_(True)),
        programs=session.scalar(programs) or 0,
        places=_by(session, Place.kind, Place.facility_id == facility_id),
    )


def _by(session: Session, word: InstrumentedAttribute[str], *where: ColumnElement[bool]) -> Mapping[str, int]:
    query = select(word, func.count()).where(*where).group_by(word).order_by(word)
    return dict(session.execute(query).all())
