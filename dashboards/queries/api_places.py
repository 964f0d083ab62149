"""The gazetteer as the search of ``dispatch.domain.places`` reads it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain import places as domain
from dispatch.domain.vocabulary import PlaceKind
from models.facility import Place


def places(session: Session, facility_id: str, query: str, *, limit: int) -> Sequence[domain.Place]:
    """At most *limit* places that *query* may mean, best first; all of them by name when it is empty."""
    known = gazetteer(session, facility_id)
    if not query.strip():
        return known[:limit]
    return [match.place for match in domain.search(known, query, limit)]


def gazetteer(session: Session, facility_id: str) -> Sequence[domain.Place]:
    """Every place of the facility, by name and parent."""
    rows = session.scalars(
        select(Place).where(Place.facility_id == facility_id).order_by(Place.name, Place.parent)
    )
    return [
        domain.Place(
            name=row.name,
            kind=PlaceKind(row.kind),
            parent=row.parent or None,
            lat=row.lat,
            lon=row.lon,
            aliases=tuple(str(alias) for alias in row.aliases),
        )
        for row in rows
    ]
