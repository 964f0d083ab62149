"""Which time a paper is about, as its head says it."""

from dataclasses import dataclass
from datetime import datetime

from dashboards.context import FacilityFacts
from dashboards.reports.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The facility and the period of a paper; ``as_of`` is set while the period still runs.

    ``begun_at`` is when the record began, if that was within the period.
    """

    facility_name: str
    zone_name: str
    period: Period
    from_at: datetime
    until_at: datetime
    as_of: datetime | None
    begun_at: datetime | None = None


def cover_of(facility: FacilityFacts, period: Period, as_of: datetime | None) -> Cover:
    """The cover of a paper about *period*, made *as_of*; of a period that is over it does not say when."""
    span = period.span(facility.zone)
    assert span.from_at is not None
    assert span.until_at is not None
    return Cover(
        facility_name=facility.name,
        zone_name=facility.zone.key,
        period=period,
        from_at=span.from_at,
        until_at=span.until_at,
        as_of=None if as_of is None or as_of >= span.until_at else as_of,
    )
