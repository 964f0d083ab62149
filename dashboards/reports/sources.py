"""What every report is given besides its figures."""

from dataclasses import dataclass

from dashboards.context import FacilityFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The facility, and the address at which the service is reached (empty: reports name none)."""

    facility: FacilityFacts
    public_url: str = ""
